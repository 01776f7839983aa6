"""Rows of a batch -> cells: integers by (dimension, value, column, bucket), for every dimension at once.

A point is one cell, at its bucket. A pair (i, j) is two: at j in the "end" column of its class, at i in the "start"
column; its class says which windows can hold both. Then the pairs inside a window [x0, x1) are, summed over the
classes that fit it, end[buckets < x1] - start[buckets < x0]. Adding a window only adds a class.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpis.arrays import Ints
from kpis.counting.windows import Windows
from kpis.names import Names
from kpis.rows import ENGAGED, ENGAGED_AGAIN, PAIRS, POINTS

_BUCKET_BITS: Final = 24
MOST_BUCKETS: Final = 1 << _BUCKET_BITS
"""No bucket has this number, or a greater one."""
_COLUMN_BITS: Final = 12
_VALUE_BITS: Final = 16
#: bits of a key that name a cell within (dimension, value)
FIELD_BITS: Final = _BUCKET_BITS + _COLUMN_BITS
FIELD_MASK: Final = (1 << FIELD_BITS) - 1
_BUCKET_MASK: Final = (1 << _BUCKET_BITS) - 1
_COLUMN_MASK: Final = (1 << _COLUMN_BITS) - 1
_VALUE_MASK: Final = (1 << _VALUE_BITS) - 1
#: columns of pairs start here; points have two columns each, count and money
PAIR_COLUMNS: Final = POINTS * 2

STEP_ROWS: Final = 16_384
"""Of one step: some 25 ms."""
NATIVE_STEP_ROWS: Final = 4 * STEP_ROWS
"""Of one step that is summed natively: about as long."""


class Cells(NamedTuple):
    """Sorted unique keys, and the amount of each."""

    keys: Ints
    amounts: Ints


class Coordinates(NamedTuple):
    """Coordinates that keys stand for."""

    dimension: Ints
    value: Ints
    column: Ints
    bucket: Ints


EMPTY: Final = Cells(np.empty(0, np.int64), np.empty(0, np.int64))


def point_column(code: int, *, money: bool = False) -> int:
    """Return the column of a point."""
    return code * 2 + money


def pair_column(code: int, kind: int, windows: Windows, *, money: bool = False, start: bool = False) -> int:
    """Return the column of one end of pairs of a class (`kind`)."""
    return PAIR_COLUMNS + (((code - POINTS) * 2 + money) * windows.classes + kind) * 2 + start


def columns(windows: Windows) -> int:
    """Return how many columns there are."""
    return PAIR_COLUMNS + PAIRS * 2 * windows.classes * 2


def unpack(keys: Ints) -> Coordinates:
    """Return what keys name."""
    rest = keys >> _BUCKET_BITS
    group = rest >> _COLUMN_BITS
    return Coordinates(group >> _VALUE_BITS, group & _VALUE_MASK, rest & _COLUMN_MASK, keys & _BUCKET_MASK)


def group_of(dimension: int, value: int) -> int:
    """Return the high part of the keys of a segment: `key >> FIELD_BITS`.

    Raises:
        OverflowError: The value takes more than its bits.
    """
    if value >> _VALUE_BITS:
        raise OverflowError(
            f"value {value} of dimension {dimension} does not fit into {_VALUE_BITS} bits of a cell's key"
        )
    return dimension << _VALUE_BITS | value


def groups_of(names: Names) -> list[int]:
    """Return the groups of all values of all dimensions."""
    return [group_of(d, value) for d, size in enumerate(names.sizes()) for value in range(size)]


def segment_of(group: int) -> tuple[int, int]:
    """Return (dimension, value) of a group."""
    return group >> _VALUE_BITS, group & _VALUE_MASK


def cells_of(rows: Ints, names: Names, windows: Windows) -> Cells:
    """Sum rows into cells, for every dimension; amounts of zero are left out.

    Args:
        rows: Rows of one partition, one line each.
        names: The partition's intern tables: the value of each profile in each dimension.
        windows: Classes of pairs.

    Returns:
        Cells sorted by key, so that those of a segment lie together.

    Raises:
        OverflowError: A column, a bucket or a value takes more than its bits, or an amount more than 64.
    """
    if not len(rows):
        return EMPTY
    values = names.value_columns()
    if windows.native:
        with windows.row_sums() as sums:
            if sums.add(np.ascontiguousarray(rows), values):
                return Cells(*sums.take())
    return merged(*_unsummed(rows, values, windows))


def summed_in_steps(
    tables: Callable[[], Iterable[Ints]], values: Ints, windows: Windows
) -> Generator[None, None, Cells]:
    """Sum the rows of some tables as `cells_of` does, each in a step of its own.

    Args:
        tables: Returns them, also a second time: what is summed natively may turn out not to fit.
        values: The value of each profile: shape (dimensions but plan, profiles).
        windows: Classes of pairs.

    Raises:
        OverflowError: As `cells_of` does, also where it is the amount of a part that takes more than 64 bits.
    """
    if windows.native:
        with windows.row_sums() as sums:
            for table in tables():
                if not sums.add(np.ascontiguousarray(table), values):
                    break
                yield
            else:
                return Cells(*sums.take())
    return (yield from merged_in_steps(merged(*_unsummed(table, values, windows)) for table in tables()))


def touched_by(rows: Ints, names: Names, windows: Windows) -> Ints:
    """Return the keys of all cells that rows name, also of those whose amounts come to zero; in no order, some twice.

    Arguments and errors are those of `cells_of`.
    """
    return _unsummed(rows, names.value_columns(), windows)[0]


def _unsummed(rows: Ints, values: Ints, windows: Windows) -> tuple[Ints, Ints]:
    """Return the keys and amounts of rows, for every dimension, one a row and cell."""
    column, plan, profile, bucket, amount = columns_of(rows, windows)
    segments = [plan, *(column_of[profile] for column_of in values)]
    for segment in segments:
        _check_bits("value", segment, _VALUE_BITS)
    base = fields_of(column, bucket)
    keys = np.concatenate([group_of(d, 0) << FIELD_BITS | v << FIELD_BITS | base for d, v in enumerate(segments)])
    return keys, np.tile(amount, len(segments))


def cells_in_steps(
    rows: Ints, names: Names, windows: Windows, *, step_rows: int | None = None
) -> Generator[None, None, Cells]:
    """Sum rows as `cells_of` does, in steps: one customer with thousands of facts can have millions of them.

    Raises:
        OverflowError: As `cells_of` does, also where it is the amount of a part that takes more than 64 bits.
    """
    size = step_rows or (NATIVE_STEP_ROWS if windows.native else STEP_ROWS)
    starts = range(0, len(rows), size)
    return summed_in_steps(lambda: (rows[start : start + size] for start in starts), names.value_columns(), windows)


def merged_in_steps(parts: Iterable[Cells]) -> Generator[None, None, Cells]:
    """Sum cells of several parts, each of which is taken in a step of its own."""
    total = CellSum()
    for part in parts:
        total.add(part)
        yield
    while total.join():
        yield
    return total.whole()


class CellSum:
    """The sum of cells that come in parts.

    Parts are merged with others of their size: no cell is touched more often than there are doublings.
    """

    def __init__(self) -> None:
        """Begin without cells."""
        #: each more than twice as long as the next
        self._left: list[Cells] = []

    def add(self, part: Cells) -> None:
        """Add a part.

        Raises:
            OverflowError: As `merged`; of `join` and `whole` too.
        """
        self._left.append(part)
        while len(self._left) > 1 and len(self._left[-2].keys) <= 2 * len(self._left[-1].keys):
            self.join()

    def join(self) -> bool:
        """Merge the two smallest parts; return False where there is one at most."""
        if len(self._left) < 2:
            return False
        last, before = self._left.pop(), self._left.pop()
        keys, amounts = np.concatenate((before.keys, last.keys)), np.concatenate((before.amounts, last.amounts))
        self._left.append(merged(keys, amounts))
        return True

    def whole(self) -> Cells:
        """Return the sum of all parts."""
        while self.join():
            pass
        return self._left[0] if self._left else EMPTY


def _check_bits(what: str, numbers: Ints, bits: int) -> None:
    """Refuse numbers that would run over into their neighbours in a key: one look at all of them together.

    Raises:
        OverflowError: One is negative, or takes more bits than it has.
    """
    if int(np.bitwise_or.reduce(numbers)) >> bits:
        raise OverflowError(
            f"a {what} from {numbers.min()} to {numbers.max()} does not fit into {bits} bits of a cell's key"
        )


def fields_of(column: Ints, bucket: Ints) -> Ints:
    """Return the low parts of keys: what names a cell within its segment.

    Raises:
        OverflowError: A column or a bucket takes more than its bits.
    """
    _check_bits("bucket", bucket, _BUCKET_BITS)
    _check_bits("column", column, _COLUMN_BITS)
    return column << _BUCKET_BITS | bucket


def added(amounts: Ints, changes: Ints) -> Ints:
    """Return amounts with what is added to each.

    Raises:
        OverflowError: One takes more than 64 bits; stored, it would stop every worker that reads it.
    """
    totals = amounts + changes
    if (((amounts ^ totals) & (changes ^ totals)) < 0).any():
        pairs = zip(amounts.tolist(), changes.tolist(), strict=True)
        most = max((one + other for one, other in pairs), key=abs)
        raise OverflowError(f"the amount of a cell does not fit into 64 bits: {most}")
    return totals


def merged(keys: Ints, amounts: Ints) -> Cells:
    """Sum amounts of equal keys; sorted, without zeros.

    Raises:
        OverflowError: A sum takes more than 64 bits.
    """
    if not len(keys):
        return EMPTY
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    sums = _sums(amounts[order], starts)
    left = sums != 0
    return Cells(keys[starts][left], sums[left])


def newest(parts: Sequence[Cells]) -> Cells:
    """Return the amounts of cells that parts name, each that of the last part that names it, sorted by key."""
    keys = np.concatenate([part.keys for part in parts]) if parts else EMPTY.keys
    if not len(keys):
        return EMPTY
    amounts = np.concatenate([part.amounts for part in parts])
    order = np.argsort(keys, kind="stable")
    keys, amounts = keys[order], amounts[order]
    last = np.flatnonzero(np.concatenate((keys[1:] != keys[:-1], [True])))
    return Cells(keys[last], amounts[last])


def of_groups(cells: Cells, groups: Sequence[int]) -> Cells:
    """Return the cells that belong to some groups."""
    mine = np.isin(cells.keys >> FIELD_BITS, groups)
    return Cells(cells.keys[mine], cells.amounts[mine])


def _sums(amounts: Ints, starts: NDArray[np.intp]) -> Ints:
    """Return the sums of runs; where 64 bits might not hold one, they are taken exactly, which is slow.

    Raises:
        OverflowError: One takes more than 64 bits.
    """
    if max(int(amounts.max()), -int(amounts.min())) * len(amounts) < 1 << 63:
        return np.add.reduceat(amounts, starts)
    exact = np.add.reduceat(amounts.astype(object), starts).tolist()
    if not all(-(1 << 63) <= total < 1 << 63 for total in exact):
        raise OverflowError(f"the amount of a cell does not fit into 64 bits: {max(exact, key=abs)}")
    return np.array(exact, np.int64)


def columns_of(table: Ints, windows: Windows) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Return (column, plan, profile, bucket, amount) of rows, one line a cell and row, not summed yet."""
    again = table[(table[:, 0] == ENGAGED) & (table[:, 3] < table[:, 4])]
    if len(again):
        again[:, 0] = ENGAGED_AGAIN
        table = np.concatenate((table, again))
    code, plan, profile, i, j, n, m = np.ascontiguousarray(table.T)
    counted, paid = np.flatnonzero(n), np.flatnonzero(m)
    pick = np.concatenate((counted, paid))
    amount = np.concatenate((n[counted], m[paid]))
    money = np.repeat(np.array([0, 1], np.int64), [len(counted), len(paid)])
    code, plan, profile, i, j = code[pick], plan[pick], profile[pick], i[pick], j[pick]
    is_pair = code >= POINTS
    if not is_pair.any():
        return code * 2 + money, plan, profile, j, amount
    points, pairs = np.flatnonzero(~is_pair), np.flatnonzero(is_pair)
    kinds = windows.class_of(i[pairs], j[pairs])
    useful = windows.useful(kinds)
    pairs, kinds = pairs[useful], kinds[useful]
    ends = PAIR_COLUMNS + (((code[pairs] - POINTS) * 2 + money[pairs]) * windows.classes + kinds) * 2
    mine = np.concatenate((points, pairs, pairs))
    column = np.concatenate((code[points] * 2 + money[points], ends, ends + 1))
    bucket = np.concatenate((j[points], j[pairs], i[pairs]))
    return column, plan[mine], profile[mine], bucket, amount[mine]
