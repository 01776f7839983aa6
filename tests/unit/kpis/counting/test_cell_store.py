"""The counters in memory, in compiled code and in Python."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from kpis.counting.cell_store import CellStore, NativeCellStore, PlainCellStore
from kpis.counting.cells import newest
from kpis.counting.spans import SPAN_BITS, spans_of, unpacked

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
@pytest.mark.parametrize("seed", range(8))
def test_cells_of_spans_are_those_of_a_dictionary_whatever_their_size(make: Callable[[], CellStore], seed: int) -> None:
    """Few cells or all of a span, of one byte or of eight: one that is lost or moved is stored as the truth."""
    rng = random.Random(seed)
    store, truth = make(), dict[int, int]()

    def some_keys() -> list[int]:
        reach, most = rng.choice(((1200, 60), (300, 300), (9, 9)))
        found = [rng.randrange(9) << 40 | rng.randrange(reach) for _ in range(rng.randrange(1, most))]
        return found if rng.random() < 0.2 else sorted(set(found))

    def amount() -> int:
        bits = rng.choice((1, 4, 7, 8, 15, 16, 31, 32, 63)) if rng.random() < 0.9 else 0
        return rng.choice((0, rng.randrange(-3, 4), (1 << bits) - 1, -(1 << bits)))

    for _ in range(200):
        keys = some_keys()
        amounts = [amount() for _ in keys]
        store.update(np.array(keys, np.int64), np.array(amounts, np.int64))
        truth |= dict(zip(keys, amounts, strict=True))
        spans = spans_of(np.array(some_keys(), np.int64)).tolist()
        cells = unpacked(spans, store.packed(np.array(spans, np.int64)))
        found = dict(zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True))
        assert found == {key: each for key, each in truth.items() if each and key >> SPAN_BITS in spans}
        asked = some_keys()
        known = store.look_up(np.array(asked, np.int64))
        assert known.amounts.tolist() == [truth.get(key, 0) for key in asked]
        assert known.is_known.tolist() == [key in truth for key in asked]
    cells = store.cells()
    assert dict(zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True)) == truth
    assert cells.keys.tolist() == sorted(truth)


@EACH
def test_parts_are_all_cells_as_they_were_when_they_were_asked_for(make: Callable[[], CellStore]) -> None:
    """Counts add to them whatever commits change meanwhile: a change that is in both counts twice."""
    keys = np.arange(2_100 << SPAN_BITS, dtype=np.int64)
    store = make()
    store.update(keys, keys % 1000 - 500)
    parts = store.parts()
    first = next(parts)
    store.update(keys[5:-5], keys[5:-5])
    store.update(keys[:1] + (5_000 << SPAN_BITS), keys[:1])
    found = [first, *parts]
    assert len(found) > 1
    cells = newest(found)
    assert np.array_equal(cells.keys, np.concatenate([part.keys for part in found]))
    assert np.array_equal(cells.keys, keys)
    assert np.array_equal(cells.amounts, keys % 1000 - 500)
    assert not list(make().parts())


@EACH
def test_an_empty_store_knows_nothing(make: Callable[[], CellStore]) -> None:
    """Unknown is not zero: a cell that was not read yet must be asked of Redis."""
    known = make().look_up(np.array([1, 2], np.int64))
    assert (known.amounts.tolist(), known.is_known.tolist()) == ([0, 0], [False, False])
    assert len(make().cells().keys) == 0
