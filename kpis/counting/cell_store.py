"""The counters of a partition in memory: sixteen bytes a cell, whatever the history, and the latest ones at hand.

Cells that changed lately lie in a dictionary; all others in two arrays, sorted by key. When the dictionary has grown by
a share of the arrays it is merged into them, so that a change costs a constant on average.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from kpis.arrays import Ints
from kpis.counting.cells import Cells

_LEAST_RECENT: Final = 50_000
_SHARE: Final = 4


class CellStore:
    """Amounts by key (see `kpis.counting.cells`); what is not here is not known to be anything."""

    def __init__(self, *, least_recent: int = _LEAST_RECENT) -> None:
        """Start empty; `least_recent` cells may lie in the dictionary before it is ever merged (count)."""
        self._keys: Ints = np.empty(0, np.int64)
        self._amounts: Ints = np.empty(0, np.int64)
        self._recent: dict[int, int] = {}
        self._least_recent = least_recent

    def __len__(self) -> int:
        """Return how many cells there are, at most: those that changed lately may be counted twice."""
        return len(self._keys) + len(self._recent)

    def look_up(self, keys: Ints) -> list[int | None]:
        """Return the amounts of cells in order; None for those that are not here."""
        get = self._recent.get
        found: list[int | None] = [get(key) for key in keys.tolist()]
        if not len(self._keys):
            return found
        missing = [place for place, amount in enumerate(found) if amount is None]
        if missing:
            wanted = keys[missing]
            at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
            for place, there, amount in zip(
                missing, (self._keys[at] == wanted).tolist(), self._amounts[at].tolist(), strict=True
            ):
                if there:
                    found[place] = amount
        return found

    def update(self, keys: Ints, amounts: Iterable[int]) -> None:
        """Set the amounts of cells."""
        self._recent.update(zip(keys.tolist(), amounts, strict=True))
        if len(self._recent) > max(self._least_recent, len(self._keys) // _SHARE):
            self._merge()

    def cells(self) -> Cells:
        """Return all cells, sorted by key; amounts may be zero."""
        self._merge()
        return Cells(self._keys, self._amounts)

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
