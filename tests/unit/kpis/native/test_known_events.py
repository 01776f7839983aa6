"""Whether a customer has an event already is looked up in all that the state holds, wherever it lies."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from tests.property.folding import Folded, Line
from tests.recount.options import Options

#: More than the hashes of events begin with, so that many of these begin alike (count).
FACTS: Final = 700


def _changes(prefix: str) -> list[bytes]:
    """Return a signup and changes of one customer, in the order of their times."""
    return [
        msgspec.json.encode(
            {
                "type": "upgrade" if number else "signup",
                "id": f"{prefix}{number}",
                "customer_id": "c",
                "time": f"2025-01-{1 + number // 24:02}T{number % 24:02}:00:00Z",
                "plan": "pro",
                "mrr_minor": 1 + number % 7,
            }
        )
        for number in range(FACTS)
    ]


def test_each_of_many_events_is_known_again_and_no_other() -> None:
    """A search that ends too soon counts an event twice, one that finds too much drops it."""
    folded = Folded(Options())
    folded.batch(_changes("e"))
    (fold,) = folded.folds
    assert (fold.context.applied, fold.context.duplicates, fold.natively) == (FACTS, 0, FACTS)
    known = dict(folded.states[0])
    folded.batch(_changes("e"))
    assert (fold.context.applied, fold.context.duplicates) == (FACTS, FACTS)
    assert folded.states[0] == known
    folded.batch(_changes("other"))
    assert (fold.context.applied, fold.context.duplicates) == (2 * FACTS, FACTS)


def test_events_that_may_reach_back_are_those_that_the_state_holds() -> None:
    """What is over is looked at again for these alone, of a batch as large as it may be."""
    folded = Folded(Options())
    folded.batch(_changes("e")[:-1])
    (fold,) = folded.folds
    decoded = [folded.decoder.decode([Line(record)]).events[0] for record in (*_changes("e"), *_changes("other"))]
    assert fold.may_reach_back(decoded, folded.states[0], np.arange(len(decoded))) == list(range(FACTS - 1))
