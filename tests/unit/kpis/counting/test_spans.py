"""Cells packed by span: what is unpacked is what was packed, in compiled code and in Python, in few bytes."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpis.arrays import Ints
from kpis.counting.cell_store import CellStore, NativeCellStore, PlainCellStore
from kpis.counting.cells import FIELD_BITS, Cells, newest, of_groups
from kpis.counting.spans import SPAN, SPAN_BITS, keys_of, packed, spans_of, unpacked

AMOUNTS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, -1, 63, 64, -64, -65, 2**62, -(2**62), 2**63 - 1, -(2**63)]),
)
KEYS = st.integers(0, 2**63 - 1)
EACH = pytest.mark.parametrize("make", [NativeCellStore, PlainCellStore])


def array(*numbers: int) -> Ints:
    """Return numbers as an array."""
    return np.array(numbers, np.int64)


@EACH
@settings(deadline=None)
@given(st.dictionaries(KEYS | st.integers(0, 3 * SPAN), AMOUNTS))
def test_unpacked_is_what_was_packed(make: Callable[[], CellStore], cells: dict[int, int]) -> None:
    """A count that changes on its way to Redis and back is wrong for good."""
    store = make()
    store.update(array(*cells), array(*cells.values()))
    spans = spans_of(array(*cells))
    found = unpacked(spans.tolist(), store.packed(spans))
    assert dict(zip(found.keys.tolist(), found.amounts.tolist(), strict=True)) == {
        key: amount for key, amount in cells.items() if amount
    }
    assert found.keys.tolist() == sorted(found.keys.tolist())


@settings(deadline=None)
@given(st.lists(st.tuples(KEYS, AMOUNTS)))
def test_both_ways_of_packing_give_the_same_bytes(cells: list[tuple[int, int]]) -> None:
    """A stream may go on with or without a compiler."""
    native, plain = NativeCellStore(), PlainCellStore()
    keys, amounts = array(*(key for key, _ in cells)), array(*(amount for _, amount in cells))
    for store in (native, plain):
        store.update(keys, amounts)
    spans = spans_of(keys)
    assert native.packed(spans) == plain.packed(spans)
    assert native.packed(array()) == plain.packed(array()) == []


def test_packed_form_is_what_is_written_down() -> None:
    """Redis holds it for years: another form would be another version of the tables."""
    amounts = np.zeros(3 * SPAN, np.int64)
    amounts[[0, 5, 255, 2 * SPAN]] = [1, -2, 300, -(2**63)]
    first, second, third = packed(amounts)
    assert (first, second) == (bytes([2, 0, 5, 255, 2, 3, 0xD8, 4]), b"")
    assert third == bytes([0, 0, *[0xFF] * 9, 1])
    assert keys_of(array(3)).tolist() == list(range(3 << SPAN_BITS, 4 << SPAN_BITS))


def test_counters_of_a_full_span_take_less_than_three_bytes() -> None:
    """Hours of a year are many, and most of their counts are small."""
    rng = random.Random(1)
    amounts = array(*(rng.randrange(-40, 200) for _ in range(SPAN)))
    (found,) = packed(amounts)
    assert len(found) < 3 * SPAN


@pytest.mark.parametrize(
    "damaged",
    [
        bytes([0]), bytes([0, 5]), bytes([1, 5, 1, 1]), bytes([0, 5, 0x80]), bytes([0, 5, 1, 1]),
        bytes([0, 5, *[0x80] * 10, 1]), bytes([0, 5, 0xFF, 0xFF]), bytes([255, 1, 2]),
    ],
)  # fmt: skip
def test_what_was_not_packed_is_refused(damaged: bytes) -> None:
    """Part of a span taken for the whole would be another number."""
    with pytest.raises(ValueError, match="packed span"):
        unpacked([7], [damaged])


def test_the_last_part_that_names_a_cell_holds() -> None:
    """What was read in its place is older than what the redo log says."""
    parts = [Cells(array(5, 7), array(1, 2)), Cells(array(6, 7), array(3, 0)), Cells(array(), array())]
    assert [numbers.tolist() for numbers in newest(parts)] == [[5, 6, 7], [1, 3, 0]]
    assert [len(numbers) for numbers in newest([])] == [0, 0]


def test_cells_of_groups_are_those_and_no_others() -> None:
    """A reader of one segment wants no other."""
    cells = Cells(array(5, 1 << FIELD_BITS | 5, 2 << FIELD_BITS), array(1, 2, 3))
    assert of_groups(cells, [0, 2]).amounts.tolist() == [1, 3]
    assert of_groups(cells, []).amounts.tolist() == []
