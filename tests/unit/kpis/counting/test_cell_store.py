"""The counters in memory, in compiled code and in Python."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from kpis.counting.cell_store import CellStore, NativeCellStore, PlainCellStore

EACH = pytest.mark.parametrize(
    "make", [NativeCellStore, lambda: PlainCellStore(least_recent=5)], ids=["native", "plain"]
)


@EACH
def test_a_store_says_what_a_dictionary_would_say_however_often_it_merges(make: Callable[[], CellStore]) -> None:
    """Amounts are absolute: an old one that came back after a merge would be stored as the truth."""
    rng = random.Random(7)
    store, truth = make(), dict[int, int]()
    for _ in range(300):
        keys = np.array(
            sorted({rng.randrange(4000) << 36 | rng.randrange(4) for _ in range(rng.randrange(1, 90))}), np.int64
        )
        amounts = np.array([rng.choice((rng.randrange(-3, 4), 2**63 - 1, -(2**63))) for _ in keys], np.int64)
        store.update(keys, amounts)
        truth.update(zip(keys.tolist(), amounts.tolist(), strict=True))
        asked = np.array([rng.randrange(4000) << 36 | rng.randrange(4) for _ in range(10)], np.int64)
        known = store.look_up(asked)
        assert known.is_known.tolist() == [key in truth for key in asked.tolist()]
        assert known.amounts.tolist() == [truth.get(key, 0) for key in asked.tolist()]
    cells = store.cells()
    assert dict(zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True)) == truth
    assert cells.keys.tolist() == sorted(truth)
    assert len(store) == len(truth)


@EACH
def test_an_empty_store_knows_nothing(make: Callable[[], CellStore]) -> None:
    """Unknown is not zero: a cell that was not read yet must be asked of Redis."""
    known = make().look_up(np.array([1, 2], np.int64))
    assert (known.amounts.tolist(), known.is_known.tolist()) == ([0, 0], [False, False])
    assert len(make().cells().keys) == 0
