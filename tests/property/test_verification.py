"""The recount of a partition while batches come: states read at any time, and still no difference but those planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from kpis.arrays import Ints
from kpis.counting.cells import EMPTY, Cells
from kpis.counting.windows import Windows
from kpis.customer.state import decode, encode
from kpis.population.verification import Verification, in_both
from tests.logs.logs import generate
from tests.logs.shapes import EVERYTHING, FIRST_SLICE, PLAIN, Shape
from tests.property.folding import Folded
from tests.property.steps import at_once
from tests.recount.options import Options

PARTS = 2
SEEDS = 6


class _Followed:
    """A fold whose changed rows are kept."""

    def __init__(self, fold: Any) -> None:
        self._fold = fold
        self.rows: list[Ints] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fold, name)

    def fold(self, *arguments: Any) -> tuple[dict[str, bytes], Ints]:
        """Fold, and keep the rows."""
        states, rows = self._fold.fold(*arguments)
        self.rows.append(rows)
        return states, rows


class Recounted:
    """A partition that is recounted from some batch on, a few customers between two batches."""

    def __init__(self, seed: int, shape: Shape) -> None:
        """Fold a log; `verifications` have looked at all customers when it ends."""
        draws = Random(seed)
        log = generate(Random(seed), replace(shape, events=300, customers=25))
        self.folded = Folded(log.options)
        followed: Any = _Followed(self.folded.folds[0])
        self.folded.folds[0] = followed
        windows = _windows(log.options)
        self.verifications = [Verification(windows, self.folded.what, part=n, parts=PARTS) for n in range(PARTS)]
        records, waiting, begun = list(log.records), list[str](), False
        while records:
            size = draws.randint(1, 30)
            self.folded.batch(records[:size])
            records = records[size:]
            if begun:
                for rows in followed.rows:
                    for each in self.verifications:
                        each.note(self.folded.names[0], rows)
            elif draws.random() < 0.2 or not records:
                begun, waiting = True, list(self.folded.states[0])
                draws.shuffle(waiting)
            followed.rows.clear()
            some = draws.randint(0, 3) if records else len(waiting)
            assert self.read([waiting.pop() for _ in range(min(some, len(waiting)))]) == []

    def read(self, customers: Sequence[str]) -> list[str]:
        """Read the states of some customers as they are now; return who is wrong."""
        states = [(each, self.folded.states[0][each]) for each in customers]
        wrong: set[str] = set()
        for verification in self.verifications:
            wrong.update(taken(verification, self.folded, states))
        return sorted(wrong)

    def differences(self, stored: Cells) -> Cells:
        """Return what differs from stored cells."""
        found: list[Cells] = []
        for verification in self.verifications:
            verification.subtract(stored)
            found.append(verification.differences())
        return Cells(np.concatenate([each.keys for each in found]), np.concatenate([each.amounts for each in found]))


def taken(verification: Verification, folded: Folded, states: Sequence[tuple[str, bytes]]) -> list[str]:
    """Add contributions; return who is wrong."""
    return at_once(verification.take(folded.names[0], states))


def _windows(options: Options) -> Windows:
    return Windows(
        options.windows_days,
        time_zone=options.business_time_zone,
        bucket_ms=options.bucket_ms,
        trial_days=options.trial_days,
        native=False,
    )


@pytest.mark.parametrize("shape", [PLAIN, FIRST_SLICE, EVERYTHING], ids=["plain", "first-slice", "everything"])
def test_no_counter_differs_whenever_states_are_read_and_planted_ones_do(shape: Shape) -> None:
    """A recount takes hours, and the stream does not wait for it."""
    seen = 0
    for seed in range(SEEDS):
        found = Recounted(seed, shape)
        stored = found.folded.cells[0]
        assert len(found.differences(stored).keys) == 0, f"seed {seed}"
        planted = Cells(stored.keys, stored.amounts + 1)
        left = Recounted(seed, shape).differences(planted)
        assert set(left.amounts.tolist()) <= {-1}, f"seed {seed}"
        assert np.isin(left.keys, stored.keys).all(), f"seed {seed}"
        seen += len(left.keys)
    assert seen > 0, "batches have touched everything: the test looks at nothing"


def test_damaged_states_are_named_and_hurt_nobody_else() -> None:
    """Whatever bytes lie there: the one who looks must not fall over them."""
    found = Recounted(3, PLAIN)
    folded, names = found.folded, sorted(found.folded.states[0])
    draws = Random(3)
    for name in names[:5]:
        state = bytearray(folded.states[0][name])
        at = draws.randrange(len(state))
        state[at] ^= 1 << draws.randrange(8)
        cut = [(name, bytes(state)), (names[6], folded.states[0][names[6]]), (name, b""), (name, b"\x90")]
        wrong = taken(Verification(_windows(folded.options), folded.what), folded, cut)
        assert names[6] not in wrong
        assert name in wrong
    customer = decode(folded.states[0][names[0]])
    customer.profile += 1_000
    wrong = taken(Verification(_windows(folded.options), folded.what), folded, [(names[0], encode(customer))])
    assert wrong == names[:1]


def test_only_what_two_recounts_find_alike_is_a_difference() -> None:
    """A customer whom one scan misses makes differences that the next does not have."""
    first = Cells(np.array([1, 2, 3]), np.array([5, 6, 7]))
    again = Cells(np.array([2, 3, 4]), np.array([6, 8, 9]))
    assert [each.tolist() for each in in_both(first, again)] == [[2], [6]]
    assert len(in_both(first, EMPTY).keys) == 0
