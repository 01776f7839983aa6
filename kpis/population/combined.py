"""Cells of every combination of dimensions: what a filter over several dimensions is counted from.

Stored cells are sums by one dimension each, and do not say who is in two segments at once. One pass over customers
makes these; after it a filter costs a look at the cells alone.
Pure: who reads the states is `tenure.reports.filtered`. Definitions: docs/definitions.md, section Counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Ints
from kpis.counting.cells import FIELD_BITS, FIELD_MASK, CellSum, columns_of, fields_of, merged, unpack
from kpis.counting.report import Segments
from kpis.counting.windows import Windows
from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from kpis.filters import Filter
from kpis.fold.contribution import contribution
from kpis.names import Names
from kpis.rows import Row

#: Rows that are summed at once, and combinations of plan and profile that a partition may have (count).
_STEP_ROWS: Final = 400_000
_PROFILE_BITS: Final = 20
MOST_COMBINATIONS: Final = 1 << 26
_NONE: Final = np.empty(0, np.int64)


class CombinedCells(NamedTuple):
    """The cells of one partition by combination of plan and profile, in the order of their buckets.

    Per combination: the numbers of its plan and its profile in `names`. Per cell: its column, the place of its
    combination, its bucket and its amount.
    """

    names: Names
    plan: Ints
    profile: Ints
    column: Ints
    combination: Ints
    bucket: Ints
    amount: Ints

    def numbered(self, dimension: str) -> tuple[list[str], Ints]:
        """Return the values of a dimension, and the number of each combination's."""
        return self.names.numbered(dimension, self.plan, self.profile)


class CombiningCollector:
    """Takes the customers of one partition, slice by slice; its names may grow meanwhile."""

    def __init__(self, names: Names, windows: Windows, what: WhatCounts) -> None:
        """Begin without customers.

        Args:
            names: What the customers' numbers stand for.
            windows: The windows.
            what: What counts.
        """
        self._names, self._windows, self._what = names, windows, what
        self._places: dict[int, int] = {}
        self._rows: list[Row] = []
        self._total = CellSum()

    def take(self, customers: Iterable[Customer]) -> None:
        """Take some customers."""
        for customer in customers:
            self._rows += contribution(customer, self._windows.bucket_ms, self._what)
            if len(self._rows) >= _STEP_ROWS:
                self._sum_up()

    def cells(self) -> CombinedCells:
        """Return the cells of all who were taken."""
        self._sum_up()
        whole = self._total.whole()
        combination, field = whole.keys >> FIELD_BITS, unpack(whole.keys & FIELD_MASK)
        order = np.argsort(field.bucket, kind="stable")
        keys = np.array(list(self._places), np.int64)
        return CombinedCells(
            self._names,
            keys >> _PROFILE_BITS,
            keys & (1 << _PROFILE_BITS) - 1,
            field.column[order],
            combination[order],
            field.bucket[order],
            whole.amounts[order],
        )

    def _sum_up(self) -> None:
        if not self._rows:
            return
        column, plan, profile, bucket, amount = columns_of(np.array(self._rows, np.int64), self._windows)
        self._rows.clear()
        found, place = np.unique(plan << _PROFILE_BITS | profile, return_inverse=True)
        known = np.array([self._places.setdefault(key, len(self._places)) for key in found.tolist()], np.int64)
        assert len(self._places) <= MOST_COMBINATIONS, "plans and profiles are bounded by the settings"
        self._total.add(merged(known[place] << FIELD_BITS | fields_of(column, bucket), amount))


class Combinations(NamedTuple):
    """The cells of all partitions by combination, with values numbered alike, in the order of their buckets.

    By dimension its values, and the number of each combination's. Per cell: its column, the place of its combination,
    its bucket and its amount.
    """

    values: Mapping[str, list[str]]
    numbers: Mapping[str, Ints]
    column: Ints
    combination: Ints
    bucket: Ints
    amount: Ints

    def numbered(self, dimension: str) -> tuple[list[str], Ints]:
        """Return the values of a dimension, and the number of each combination's."""
        return self.values[dimension], self.numbers[dimension]


def together(parts: Sequence[CombinedCells], dimensions: Sequence[str]) -> Combinations:
    """Join partitions, whose numbers differ, by the names of values."""
    values: dict[str, list[str]] = {}
    numbers: dict[str, Ints] = {}
    for dimension in dimensions:
        known: dict[str, int] = {}
        local = [_NONE]
        for part in parts:
            names, mine = part.numbered(dimension)
            local.append(np.array([known.setdefault(name, len(known)) for name in names], np.int64)[mine])
        values[dimension], numbers[dimension] = list(known), np.concatenate(local)
    before = np.cumsum([0, *(len(part.plan) for part in parts)])
    combination = np.concatenate([_NONE, *(part.combination + n for part, n in zip(parts, before, strict=False))])
    columns = [np.concatenate([_NONE, *(part[k] for part in parts)]) for k in (3, 5, 6)]
    order = np.argsort(columns[1], kind="stable")
    return Combinations(values, numbers, columns[0][order], combination[order], columns[1][order], columns[2][order])


def filtered(cells: Combinations, where: Filter, dimension: str) -> Segments:
    """Return the cells for which a filter holds, by the values of a dimension, as `kpis.counting.report` joins them.

    The others are there with an amount of 0: to leave millions out takes longer than to add them up.
    """
    names, numbers = cells.numbered(dimension)
    holds = where.flags(cells.numbered).astype(np.int64)
    amount = cells.amount * holds[cells.combination]
    return Segments(names, cells.column, numbers[cells.combination], cells.bucket, amount)
