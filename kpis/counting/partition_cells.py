"""The counters of a partition in memory: those that change lie in a map, all others packed by span.

Most cells are of hours that are over, and are looked at by nobody but who sums all of them. Packed they take some three
bytes each instead of some fifty. A span is packed once nothing has changed in it for a while (the caller knows), and
unpacked as soon as one of its cells is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from kpis.arrays import Ints
from kpis.counting.cell_store import CellStore, KnownAmounts, cell_store
from kpis.counting.cells import Cells
from kpis.counting.spans import SPAN_BITS, cells_in, packed_spans, spans_of, unpacked

LEAST_IN_MAP: Final = 250_000
"""While the map has fewer cells, none is packed (count): a small partition has no use for it."""
_SPANS_A_PART: Final = 2_000
"""Spans that are unpacked together (count): some 100,000 cells."""


class PartitionCells:
    """Amounts by key (see `kpis.counting.cells`); what is not here is not known to be anything.

    Args:
        least_in_map: While so many cells lie unpacked, all stay there (count).
    """

    def __init__(self, *, least_in_map: int = LEAST_IN_MAP) -> None:
        self._least_in_map = least_in_map
        self._map: CellStore = cell_store()
        self._packed: dict[int, bytes] = {}
        self._packed_cells = 0
        #: spans that are packed, and whose cells lie in the map all the same; and how many these are
        self._doubled: set[int] = set()
        self._doubled_cells = 0

    def __len__(self) -> int:
        """Return how many cells there are, at most."""
        return len(self._map) + self._packed_cells - self._doubled_cells

    def look_up(self, keys: Ints) -> KnownAmounts:
        """Return the amounts of cells."""
        self._unpack(spans_of(keys))
        return self._map.look_up(keys)

    def update(self, keys: Ints, amounts: Ints) -> None:
        """Set the amounts of cells."""
        self._unpack(spans_of(keys))
        self._map.update(keys, amounts)

    def packed(self, spans: Ints) -> list[bytes]:
        """Return all cells of spans, each packed (see `kpis.counting.spans`)."""
        found = [self._packed.get(span) for span in spans.tolist()]
        if None not in found:
            return found  # type: ignore[return-value]  # mypy does not see that none is None
        others = [span for span, blob in zip(spans.tolist(), found, strict=True) if blob is None]
        made = iter(self._map.packed(np.array(others, np.int64)))
        return [next(made) if blob is None else blob for blob in found]

    def add_packed(self, cells: Cells) -> None:
        """Hold cells that were read, packed; sorted by key, with all cells of their spans, of which none is here."""
        for span, blob in packed_spans(cells).items():
            self._packed[span] = blob
            self._packed_cells += cells_in(blob)

    def pack(self, spans: Sequence[int], blobs: Sequence[bytes]) -> None:
        """Hold spans packed from now on, as `packed` has returned them: all their cells are here, and at rest.

        What is zero is then not known any more.
        """
        if len(self._map) < self._least_in_map:
            return
        for span, blob in zip(spans, blobs, strict=True):
            if blob and span not in self._packed:
                self._packed[span] = blob
                self._doubled.add(span)
                self._packed_cells += cells_in(blob)
                self._doubled_cells += cells_in(blob)
        if 2 * self._doubled_cells > len(self._map):
            self._thin_out()

    def parts(self) -> Iterator[Cells]:
        """Return all cells as of now, part by part; amounts may be zero. Whatever changes meanwhile is not in it."""
        keys, amounts = self._map.cells()
        if self._doubled:
            left = ~np.isin(keys >> SPAN_BITS, _array(self._doubled))
            keys, amounts = keys[left], amounts[left]
        return _parts(Cells(keys, amounts), list(self._packed.items()))

    def _unpack(self, spans: Ints) -> None:
        if not self._packed:
            return
        there = [span for span in spans.tolist() if span in self._packed]
        if not there:
            return
        blobs = [self._packed.pop(span) for span in there]
        self._packed_cells -= sum(map(cells_in, blobs))
        absent = [(span, blob) for span, blob in zip(there, blobs, strict=True) if span not in self._doubled]
        self._doubled_cells -= sum(map(cells_in, blobs)) - sum(cells_in(blob) for _, blob in absent)
        self._doubled.difference_update(there)
        if absent:
            self._map.update(*unpacked([span for span, _ in absent], [blob for _, blob in absent]))

    def _thin_out(self) -> None:
        """Have a new map, without what is packed."""
        keys, amounts = self._map.cells()
        left = ~np.isin(keys >> SPAN_BITS, _array(self._doubled))
        self._map = cell_store()
        self._map.update(keys[left], amounts[left])
        self._doubled.clear()
        self._doubled_cells = 0


def _array(spans: set[int]) -> Ints:
    return np.fromiter(spans, np.int64, len(spans))


def _parts(in_map: Cells, packed: Sequence[tuple[int, bytes]]) -> Iterator[Cells]:
    yield in_map
    for at in range(0, len(packed), _SPANS_A_PART):
        some = packed[at : at + _SPANS_A_PART]
        yield unpacked([span for span, _ in some], [blob for _, blob in some])
