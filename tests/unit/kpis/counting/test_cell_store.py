"""The counters in memory."""

import random

import numpy as np

from kpis.counting.cell_store import CellStore


def test_a_store_says_what_a_dictionary_would_say_however_often_it_merges() -> None:
    """Amounts are absolute: an old one that came back after a merge would be stored as the truth."""
    rng = random.Random(7)
    store, truth = CellStore(least_recent=5), dict[int, int]()
    for _ in range(300):
        keys = np.array(
            sorted({rng.randrange(400) << 36 | rng.randrange(4) for _ in range(rng.randrange(1, 9))}), np.int64
        )
        amounts = [rng.randrange(-3, 4) for _ in keys]
        store.update(keys, amounts)
        truth.update(zip(keys.tolist(), amounts, strict=True))
        asked = np.array([rng.randrange(400) << 36 | rng.randrange(4) for _ in range(10)], np.int64)
        assert store.look_up(asked) == [truth.get(key) for key in asked.tolist()]
    cells = store.cells()
    assert dict(zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True)) == truth
    assert cells.keys.tolist() == sorted(truth)


def test_an_empty_store_knows_nothing() -> None:
    """Unknown is not zero: a cell that was not read yet must be asked of Redis."""
    assert CellStore().look_up(np.array([1, 2], np.int64)) == [None, None]
    assert len(CellStore().cells().keys) == 0
