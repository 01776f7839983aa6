"""What is packed into the bits of a cell's key, or into 64 bits, either fits or is refused."""

from __future__ import annotations

import numpy as np
import pytest

from kpis.counting.cells import Cells, cells_of, group_of, merged, unpack
from kpis.counting.windows import Windows
from kpis.customer.customer import gap_bytes
from kpis.instants import instant_text
from kpis.names import Names
from kpis.packing import table_of
from kpis.rows import CANCELLED, KEPT, NEW, Row

WINDOWS = Windows()
LAST = (1 << 24) - 1


def _cells(*rows: Row) -> Cells:
    return cells_of(table_of(rows), Names(), WINDOWS)


def test_the_last_bucket_is_packed_and_unpacked_as_it_is() -> None:
    """The check may not cost a bit of what fits."""
    found = unpack(_cells((NEW, 0, 0, LAST, LAST, 1, 5)).keys)
    assert set(found.bucket.tolist()) == {LAST}
    assert found.column.tolist() == [0, 1] * 3


@pytest.mark.parametrize(
    "row",
    [
        (NEW, 0, 0, LAST + 1, LAST + 1, 1, 0),
        (NEW, 0, 0, 1 << 40, 1 << 40, 1, 0),
        (NEW, 0, 0, -1, -1, 1, 0),
        (KEPT, 0, 0, -1, 5, 1, 0),
        (NEW, 1 << 16, 0, 5, 5, 1, 0),
        (NEW, -1, 0, 5, 5, 1, 0),
        (1 << 11, 0, 0, 5, 5, 1, 0),
        (-1, 0, 0, 5, 5, 1, 0),
    ],
    ids=str,
)
def test_a_number_that_does_not_fit_into_its_bits_is_refused(row: Row) -> None:
    """It would run over into its neighbour: another column, another plan, and no identity would be violated."""
    with pytest.raises(OverflowError):
        _cells((NEW, 0, 0, 5, 5, 1, 0), row, (CANCELLED, 0, 0, 6, 6, 1, 0))


def test_a_segment_beyond_its_bits_is_refused() -> None:
    """The cells of another dimension would be read in its place."""
    assert group_of(1, (1 << 16) - 1) >> 16 == 1
    for value in (1 << 16, -1):
        with pytest.raises(OverflowError):
            group_of(0, value)


def test_amounts_are_summed_exactly_or_refused() -> None:
    """Sixty-four bits that wrap turn the greatest revenue into the greatest loss."""
    keys, most = np.array([7, 7, 9, 7], np.int64), (1 << 63) - 1
    near = merged(keys, np.array([most, -most, most, 3], np.int64))
    assert (near.keys.tolist(), near.amounts.tolist()) == ([7, 9], [3, most])
    with pytest.raises(OverflowError):
        merged(keys, np.array([most, 1, 0, 0], np.int64))
    with pytest.raises(OverflowError):
        _cells(*[(NEW, 0, 0, 5, 5, 1, most)] * 2)


def test_a_row_beyond_64_bits_is_refused() -> None:
    """Cut to 64 bits it would be another amount."""
    with pytest.raises(OverflowError):
        _cells((NEW, 0, 0, 5, 5, 1, 1 << 63))


def test_a_gap_backwards_is_refused() -> None:
    """A bucket before the last one would be stored as one after it."""
    with pytest.raises(AssertionError):
        gap_bytes(-1)


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [(1 << 62, "9999-12-31T23:59:59.904Z"), (-1, "1969-12-31T23:59:59.999Z"), (-(1 << 63), "0001-01-01T00:00:00.192Z")],
)
def test_a_timestamp_of_any_size_can_be_told(at_ms: int, text: str) -> None:
    """Kafka's timestamps are chosen by producers; one of them may not end a report."""
    assert instant_text(at_ms)[:19] == text[:19]
