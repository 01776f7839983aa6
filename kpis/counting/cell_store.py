"""A map from keys of cells to amounts, compiled where it can be.

Compiled, the cells of a span lie together, in two to nine bytes each; those of a commit come in order, so that only
spans are looked for. In Python, cells that changed lately lie in a dictionary; all others in two arrays, sorted by
key. When the dictionary has grown by a share of the arrays it is merged into them, so that a change costs a constant on
average.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import numpy as np

from kpis.arrays import Flags, Ints
from kpis.counting.cells import Cells
from kpis.counting.spans import keys_of, packed
from kpis.native import IS_THERE

if IS_THERE:
    from kpis.native.cells import CellSpans

_LEAST_RECENT: Final = 50_000
_SHARE: Final = 4
_SPANS_A_PART: Final = 2_000
_CELLS_A_PART: Final = 100_000
"""Of what is returned part by part (counts): a few milliseconds."""


class KnownAmounts(NamedTuple):
    """Amounts that a store has of some cells, in their order, 0 where it has none; and of which it has one."""

    amounts: Ints
    is_known: Flags


class CellStore(Protocol):
    """Amounts by key (see `kpis.counting.cells`); what is not here is not known to be anything.

    Any order of keys will do; cells sorted by key cost least.
    """

    def __len__(self) -> int:
        """Return how many cells there are, at most."""

    def look_up(self, keys: Ints) -> KnownAmounts:
        """Return the amounts of cells."""

    def update(self, keys: Ints, amounts: Ints) -> None:
        """Set the amounts of cells."""

    def packed(self, spans: Ints) -> list[bytes]:
        """Return all cells of spans, each packed (see `kpis.counting.spans`)."""

    def cells(self) -> Cells:
        """Return all cells, sorted by key; amounts may be zero."""

    def parts(self) -> Iterator[Cells]:
        """Return all cells as of now, part by part, sorted by key; whatever changes meanwhile is not in it."""


def cell_store() -> CellStore:
    """Return an empty store."""
    return NativeCellStore() if IS_THERE else PlainCellStore()


class NativeCellStore:
    """Cells by span in compiled code: three bytes a cell where hours are full, ninety where one lies alone."""

    def __init__(self) -> None:
        """Start empty."""
        self._spans = CellSpans()

    def __len__(self) -> int:
        return len(self._spans)

    def look_up(self, keys: Ints) -> KnownAmounts:
        """See `CellStore`."""
        amounts, is_known = np.empty(len(keys), np.int64), np.empty(len(keys), np.uint8)
        self._spans.look_up(keys, amounts, is_known)
        return KnownAmounts(amounts, is_known.view(np.bool_))

    def update(self, keys: Ints, amounts: Ints) -> None:
        """See `CellStore`."""
        self._spans.update(keys, amounts)

    def packed(self, spans: Ints) -> list[bytes]:
        """See `CellStore`."""
        return self._spans.packed(spans)

    def cells(self) -> Cells:
        """See `CellStore`."""
        return Cells(*self._spans.cells(self._spans.all_spans()))

    def parts(self) -> Iterator[Cells]:
        """See `CellStore`."""
        return _parts_of(self._spans.copy())


class PlainCellStore:
    """A dictionary of the latest cells, and arrays of sixteen bytes a cell."""

    def __init__(self, *, least_recent: int = _LEAST_RECENT) -> None:
        """Start empty; `least_recent` cells may lie in the dictionary before it is ever merged (count)."""
        self._keys: Ints = np.empty(0, np.int64)
        self._amounts: Ints = np.empty(0, np.int64)
        self._recent: dict[int, int] = {}
        self._least_recent = least_recent

    def __len__(self) -> int:
        """Return how many cells there are, at most: those that changed lately may be counted twice."""
        return len(self._keys) + len(self._recent)

    def look_up(self, keys: Ints) -> KnownAmounts:
        """See `CellStore`."""
        found = [self._recent.get(key) for key in keys.tolist()]
        amounts = np.array([amount or 0 for amount in found], np.int64)
        is_known = np.array([amount is not None for amount in found], np.bool_)
        missing = np.flatnonzero(~is_known)
        if len(self._keys) and len(missing):
            wanted = keys[missing]
            at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
            there = self._keys[at] == wanted
            amounts[missing[there]] = self._amounts[at[there]]
            is_known[missing[there]] = True
        return KnownAmounts(amounts, is_known)

    def update(self, keys: Ints, amounts: Ints) -> None:
        """See `CellStore`."""
        self._recent.update(zip(keys.tolist(), amounts.tolist(), strict=True))
        if len(self._recent) > max(self._least_recent, len(self._keys) // _SHARE):
            self._merge()

    def packed(self, spans: Ints) -> list[bytes]:
        """See `CellStore`."""
        return packed(self.look_up(keys_of(spans)).amounts)

    def cells(self) -> Cells:
        """See `CellStore`."""
        self._merge()
        return Cells(self._keys, self._amounts)

    def parts(self) -> Iterator[Cells]:
        """See `CellStore`."""
        keys, amounts = self.cells()  # a change makes others
        starts = range(0, len(keys), _CELLS_A_PART)
        return (Cells(keys[at : at + _CELLS_A_PART], amounts[at : at + _CELLS_A_PART]) for at in starts)

    def _merge(self) -> None:
        size = len(self._recent)
        if not size:
            return
        keys = np.fromiter(self._recent.keys(), np.int64, size)
        amounts = np.fromiter(self._recent.values(), np.int64, size)
        self._recent = {}
        kept = ~np.isin(self._keys, keys, assume_unique=True)
        joined = np.concatenate((self._keys[kept], keys))
        order = np.argsort(joined)
        self._keys = joined[order]
        self._amounts = np.concatenate((self._amounts[kept], amounts))[order]


def _parts_of(cells: CellSpans) -> Iterator[Cells]:
    """Return what lies there, part by part; nobody changes it."""
    spans = cells.all_spans()
    for at in range(0, len(spans), _SPANS_A_PART):
        yield Cells(*cells.cells(spans[at : at + _SPANS_A_PART]))
