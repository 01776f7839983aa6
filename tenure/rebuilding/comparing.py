"""Comparing the counts of two generations of a stream's tables: cell by cell, for every window and instant at once.

Partitions give their own numbers to names, and may be more in one than in the other: cells are added up by name.
Where other settings decide what numbers mean, cells are not alike, and the numbers of an instant are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kpis.arrays import Ints
from kpis.counting.cells import EMPTY, FIELD_BITS, FIELD_MASK, Cells, merged, unpack
from kpis.names import Names
from schemas.documents.document import plain
from schemas.documents.report import Report
from streams.settings.settings import Settings
from streams.tables import Head, Tables
from tenure.stored.reading import events_of, read_tables, report_of


class DifferentCount(NamedTuple):
    """A number that is not the same: its name, as a path in the report, and both values."""

    number: str
    before: object
    after: object


class ComparedTables(NamedTuple):
    """The outcome of a comparison.

    Attributes:
        cells: Compared one by one (count); 0 where settings differ.
        different_cells: Of these, those that are not the same (count).
        differences: Numbers of the report that are not the same.
    """

    cells: int
    different_cells: int
    differences: list[DifferentCount]

    @property
    def equal(self) -> bool:
        """Return whether everything is the same."""
        return not self.different_cells and not self.differences


class Side(NamedTuple):
    """One generation: its tables, how many partitions have something stored, and the settings it was counted under."""

    settings: Settings
    tables: Tables
    partitions: int


async def compare(before: Side, after: Side, *, at_ms: int) -> ComparedTables:
    """Compare all counts of two generations.

    Args:
        before: The tables that hold.
        after: Those that were built.
        at_ms: The instant that reports are of (ms since 1970).
    """
    cells, different = 0, 0
    if before.settings.fingerprint() == after.settings.fingerprint():
        numbers: dict[tuple[int, str], int] = {}
        first, old_heads = await _cells(before, numbers)
        second, new_heads = await _cells(after, numbers)
        cells = len(np.union1d(first.keys, second.keys))
        different = len(_apart(first, second).keys)
        dimensions = after.settings.dimensions
        events = plain(events_of(old_heads, dimensions)), plain(events_of(new_heads, dimensions))
        if not different:
            return ComparedTables(cells, 0, list(_differences("events", *events)))
    (old,), (new,) = [
        await report_of(side.settings, side.tables, partitions=side.partitions, at_ms=[at_ms])
        for side in (before, after)
    ]
    return ComparedTables(cells, different, list(_report_differences(old, new)))


async def _cells(side: Side, numbers: dict[tuple[int, str], int]) -> tuple[Cells, list[Head]]:
    """Return all cells added up by name, and the heads; `numbers` gives each value of a dimension its number."""
    total, heads = EMPTY, []
    async for part in read_tables(side.settings, side.tables, side.partitions):
        heads.append(part.head)
        keys = part.table.cells.keys
        mine = _by_name(keys, part.table.names, numbers)
        total = merged(np.concatenate((total.keys, mine)), np.concatenate((total.amounts, part.table.cells.amounts)))
    return total, heads


def _by_name(keys: Ints, names: Names, numbers: dict[tuple[int, str], int]) -> Ints:
    found = keys & FIELD_MASK
    where = unpack(keys)
    for dimension, name in enumerate(names.dimensions):
        values = [numbers.setdefault((dimension, value), len(numbers)) for value in names.values(name)]
        mine = where.dimension == dimension
        found[mine] |= np.array(values, np.int64)[where.value[mine]] << FIELD_BITS
    return found


def _apart(first: Cells, second: Cells) -> Cells:
    return merged(np.concatenate((first.keys, second.keys)), np.concatenate((first.amounts, -second.amounts)))


def _report_differences(old: Report, new: Report) -> list[DifferentCount]:
    return list(_differences("", plain(old), plain(new)))


def _differences(path: str, old: object, new: object) -> Sequence[DifferentCount]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        out: list[DifferentCount] = []
        for name in [*old, *(each for each in new if each not in old)]:
            out += _differences(f"{path}.{name}" if path else str(name), old.get(name), new.get(name))
        return out
    return [] if old == new else [DifferentCount(path, old, new)]
