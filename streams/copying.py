"""Commits and reads of whoever copies tables, and counts nothing: the one place that knows how they are put together.

Who copies: `tenure.rebuilding`, `tenure.snapshots`, and `streams.holding`, which replaces heads alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kpis.counting.cells import EMPTY, FIELD_BITS, FIELD_MASK, Cells
from streams.tables import NOTHING_ERASED, CellUpdate, Commit, Erasure, PeriodUpdate, Tables


def head_commit(expected: bytes | None, head: bytes) -> Commit:
    """Return a commit that replaces a head, and nothing else."""
    return Commit(expected, head, {}, (), {})


def copy_commit(
    expected: bytes | None,
    head: bytes,
    *,
    states: Mapping[str, bytes] | None = None,
    cells: Cells = EMPTY,
    names: Mapping[str, Sequence[str]] | None = None,
    restated: Sequence[PeriodUpdate] = (),
    erasure: Erasure = NOTHING_ERASED,
) -> Commit:
    """Return a commit of what was read, or counted, elsewhere.

    Args:
        expected: The head that is stored.
        head: The one to store.
        states: By customer.
        cells: Sorted by key, with all that their groups will ever have, or not there yet.
        names: To append, by table.
        restated: Restatements of periods.
        erasure: Customers who go.
    """
    by_group: dict[int, tuple[list[int], list[int]]] = {}
    for key, amount in zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True):
        fields, amounts = by_group.setdefault(key >> FIELD_BITS, ([], []))
        fields.append(key & FIELD_MASK)
        amounts.append(amount)
    updates = [CellUpdate(group, fields, amounts) for group, (fields, amounts) in by_group.items()]
    return Commit(expected, head, states or {}, updates, names or {}, restated, erasure)


async def cells_of_group(tables: Tables, partition: int, group: int) -> Cells:
    """Return the cells of a group of a partition that nobody writes to meanwhile: sorted, without zeros."""
    found = sorted((field, amount) for field, amount in (await tables.load_group(partition, group)).items() if amount)
    keys = np.array([field for field, _ in found], np.int64) | group << FIELD_BITS
    return Cells(keys, np.array([amount for _, amount in found], np.int64))
