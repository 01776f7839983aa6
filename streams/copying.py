"""Commits and reads of whoever copies tables, and counts nothing: the one place that knows how they are put together.

Who copies: `tenure.rebuilding`, `tenure.snapshots`, and `streams.holding`, which replaces heads alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kpis.counting.cells import EMPTY, Cells
from kpis.counting.spans import SPAN_BITS, packed_spans
from streams.tables import NOTHING_ERASED, Commit, Erasure, PeriodUpdate, Tables, Written


def head_commit(expected: bytes | None, head: bytes, *, without_log: bool = False) -> Commit:
    """Return a commit that replaces a head, and nothing else.

    Args:
        expected: The head that is stored.
        head: The one to store.
        without_log: Remove the redo log, which holds nothing that is not written in its place, or is of another form.
    """
    return Commit(expected, head, {}, EMPTY, {}, written=Written(kept=1 if without_log else None))


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
    """Return a commit of what was read, or counted, elsewhere; states and cells go to their places at once.

    With them the redo log goes: it must hold nothing that is not in its place, as where nothing but copies was stored.

    Args:
        expected: The head that is stored.
        head: The one to store.
        states: By customer.
        cells: Sorted by key; with all cells of their spans, as `in_chunks` cuts them.
        names: To append, by table.
        restated: Restatements of periods.
        erasure: Customers who go.
    """
    in_places = packed_spans(cells)
    written = Written(states or {}, in_places, 1 if states or in_places else None)
    return Commit(expected, head, {}, EMPTY, names or {}, restated, erasure, written)


def in_chunks(cells: Cells, size: int) -> Iterator[Cells]:
    """Yield cells, sorted by key, in pieces of about `size`, none of which ends within a span."""
    start = 0
    while start < len(cells.keys):
        last = min(start + size, len(cells.keys)) - 1
        end = int(np.searchsorted(cells.keys, (cells.keys[last] >> SPAN_BITS) + 1 << SPAN_BITS))
        yield Cells(cells.keys[start:end], cells.amounts[start:end])
        start = end


async def cells_of_groups(tables: Tables, partition: int, groups: Sequence[int]) -> Cells:
    """Return the cells of groups of a partition that nobody writes to meanwhile: sorted, without zeros."""
    _, (keys, amounts) = await tables.snapshot(partition, groups)
    left = amounts != 0
    return Cells(keys[left], amounts[left])
