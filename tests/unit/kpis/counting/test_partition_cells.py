"""The counters of a partition: packed or not, they are what they were."""

from __future__ import annotations

import random

import numpy as np
import pytest

from kpis.counting.cells import newest
from kpis.counting.partition_cells import LEAST_IN_MAP, PartitionCells
from kpis.counting.spans import SPAN_BITS, spans_of, unpacked


@pytest.mark.parametrize("seed", range(8))
def test_cells_are_those_of_a_dictionary_whatever_was_packed_in_between(seed: int) -> None:
    """A span that lost a cell when it was packed, or came back as it had been, would be stored as the truth."""
    rng = random.Random(seed)
    store, truth = PartitionCells(least_in_map=0), dict[int, int]()

    def some_keys() -> list[int]:
        return sorted({rng.randrange(9) << 40 | rng.randrange(1200) for _ in range(rng.randrange(1, 60))})

    for _ in range(200):
        keys = some_keys()
        amounts = [rng.choice((0, rng.randrange(-3, 4), 2**63 - 1, -(2**63))) for _ in keys]
        store.update(np.array(keys, np.int64), np.array(amounts, np.int64))
        truth |= dict(zip(keys, amounts, strict=True))
        spans = spans_of(np.array(some_keys(), np.int64))
        blobs = store.packed(spans)
        assert _found(spans.tolist(), blobs) == _of_spans(truth, spans.tolist())
        if rng.random() < 0.4:
            store.pack(spans.tolist(), blobs)
        asked = some_keys()
        assert store.look_up(np.array(asked, np.int64)).amounts.tolist() == [truth.get(key, 0) for key in asked]
        assert len(store) >= sum(map(bool, truth.values()))
    before, parts = dict(truth), store.parts()
    store.update(np.array([1], np.int64), np.array([77], np.int64))
    cells = newest(list(parts))
    found = dict(zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True))
    assert {key: amount for key, amount in found.items() if amount} == {k: v for k, v in before.items() if v}


def test_cells_that_are_read_packed_are_there_and_take_changes() -> None:
    """A worker that takes a partition over reads most of its cells to leave them alone."""
    keys = np.arange(3 << SPAN_BITS, dtype=np.int64)
    store = PartitionCells()
    read = PartitionCells()
    read.update(keys, keys + 1)
    store.add_packed(next(read.parts()))
    assert len(store) == len(keys)
    store.update(keys[300:301], np.array([-5], np.int64))
    known = store.look_up(keys[299:302])
    assert (known.amounts.tolist(), known.is_known.tolist()) == ([300, -5, 302], [True] * 3)
    assert sum(len(part.keys) for part in store.parts()) == len(store) == len(keys)


def test_few_cells_are_never_packed_and_of_many_those_at_rest_leave_the_map() -> None:
    """What is packed must be unpacked to be changed: a small partition gains nothing by it."""
    spans = (2 * LEAST_IN_MAP >> SPAN_BITS) + 1
    keys = np.arange(spans << SPAN_BITS, dtype=np.int64)
    store = PartitionCells()
    few = keys[: LEAST_IN_MAP // 2]
    store.update(few, few + 1)
    store.pack([0], store.packed(np.array([0], np.int64)))
    assert len(next(store.parts()).keys) == len(few)
    store.update(keys, keys + 1)
    at_rest = np.arange(spans * 3 // 4, dtype=np.int64)
    store.pack(at_rest.tolist(), store.packed(at_rest))
    assert len(store) == len(keys)
    assert len(next(store.parts()).keys) == (spans - len(at_rest)) << SPAN_BITS


def _found(spans: list[int], blobs: list[bytes]) -> dict[int, int]:
    cells = unpacked(spans, blobs)
    return dict(zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True))


def _of_spans(truth: dict[int, int], spans: list[int]) -> dict[int, int]:
    return {key: amount for key, amount in truth.items() if amount and key >> SPAN_BITS in spans}
