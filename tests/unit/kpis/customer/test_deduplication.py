"""Several contents under one identity: which are conflicts, and how much of them is remembered."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

import pytest

from kpis.customer.facts import MOST_OUTDONE
from kpis.customer.state import decode
from kpis.fold.fold import Fold
from kpis.names import Names
from schemas.decoding.decoder import Decoder
from tests.property.folding import LATEST_MS, Line
from tests.unit.kpis.customers import record


def _folded(lines: Iterable[str], *, short_cuts: bool = True) -> tuple[Fold, bytes]:
    """Fold lines that all have the id e0, each in a batch of its own; return the fold, and the customer's state."""
    fold, states = Fold(Names(), short_cuts=short_cuts), dict[str, bytes]()
    for line in lines:
        decoded = Decoder(latest_ms=LATEST_MS).decode([Line(record(line, 0))])
        fold.fold(decoded.events, decoded.times, states)
    return fold, states["c"]


@pytest.mark.parametrize(
    ("lines", "conflicts"),
    [
        (["1 signup pro 5", "1 signup pro 5", "1 signup pro 5"], 0),
        (["1 signup pro 5", "1 signup pro 6", "1 signup pro 6", "1 signup pro 5"], 1),
        (["1 signup pro 5", "1 signup pro 5 sequence=1", "2 signup pro 5", "2 signup pro 5"], 2),
        (["1 survey kind=nps score=9", "1 survey kind=nps score=8", "2 survey kind=nps score=9"], 2),
        (["1 revoke revokes=a source=s", "1 revoke revokes=b source=s", "1 signup pro 5 source=s"], 2),
    ],
    ids=str,
)
def test_conflicts_are_the_different_contents_but_one(lines: list[str], conflicts: int) -> None:
    """Counted by order of arrival, a replay would tell of another number than the live stream did."""
    for order in permutations(lines):
        for short_cuts in (True, False):
            folding = _folded([*order, *order], short_cuts=short_cuts)[0].context
            assert (folding.applied, folding.duplicates) == (1, 2 * len(lines) - 1)
            assert folding.conflicts == conflicts, order


def test_contents_that_are_remembered_are_bounded() -> None:
    """A producer that sends an event again and again with another time may not grow the customer without end."""
    times = [f"{hours} signup pro 5" for hours in range(MOST_OUTDONE + 51)]
    fold, state = _folded([*times, *times])
    rare = decode(state).rare
    assert rare is not None
    assert sum(map(len, rare.outdone.values())) == 8 * MOST_OUTDONE
    # Those beyond are new each time.
    assert fold.context.conflicts == MOST_OUTDONE + 50 + 50
    assert len(state) < 4096
