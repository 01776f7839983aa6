"""The redo log of a partition as its writer knows it: what is in it alone, and when that is written to its place.

When the log has grown too long, the older half of it goes at once. All spans that its entries changed are written then,
and those of its states that no later entry holds: what changes often is written seldom. Nothing here is stored; whoever
takes the partition over reads the log, and may write again what is written already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Ints, distinct
from kpis.counting.cells import EMPTY, Cells
from kpis.counting.spans import spans_of
from streams.redo import cells_of, states_of

_CELL_BYTES: Final = 16
_STATE_BYTES: Final = 40
"""What an entry spends on a state beside its bytes, about: the name of the customer, most of it."""
_ENTRY_BYTES: Final = 64
_NO_SPANS: Final = EMPTY.keys


class RedoLimits(NamedTuple):
    """Limits of the redo log of a partition."""

    size_bytes: int
    entries: int


REDO_LIMITS: Final = RedoLimits(16 * 1024 * 1024, 1_000)
"""Some ten large commits, or many small ones; each reader of states reads all of it."""


class Cut(NamedTuple):
    """A cut of the redo log by the next commit: what is written to its place for what goes."""

    #: the entries that stay, without that of the commit (count); None: all
    kept: int | None
    states: dict[str, bytes]
    #: sorted, each once
    spans: Ints


class _KnownEntry(NamedTuple):
    size_bytes: int
    states: Mapping[str, bytes]
    spans: Ints


class Unwritten:
    """The part of a partition that its redo log holds, and its places do not have yet, or may not have."""

    def __init__(self, entries: Sequence[bytes], limits: RedoLimits) -> None:
        """Take over the entries that are stored, oldest first."""
        self._limits = limits
        self._entries = deque(
            _KnownEntry(len(entry) + _ENTRY_BYTES, states_of(entry), spans_of(cells_of(entry).keys))
            for entry in entries
        )
        self._size_bytes = sum(entry.size_bytes for entry in self._entries)
        #: the newest, by customer
        self.states: dict[str, bytes] = {}
        for entry in self._entries:
            self.states.update(entry.states)

    @property
    def any(self) -> bool:
        """Return whether there is anything to write."""
        return any(entry.states or len(entry.spans) for entry in self._entries)

    def is_too_large(self, states: Mapping[str, bytes]) -> bool:
        """Return whether states of one commit would take up so much of the log that they are better written at once."""
        return _size_of(states) > self._limits.size_bytes // 4

    def cut(self, states: Mapping[str, bytes], cells: Cells, *, everything: bool) -> Cut:
        """Cut the log before a commit of states and cells is added; the caller stores that, or drops all of this.

        Args:
            states: Those that the commit has in its entry.
            cells: Those that it changes.
            everything: True: all entries but its own go.
        """
        size = _size_of(states) + _CELL_BYTES * len(cells.keys) + _ENTRY_BYTES
        limits, gone = self._limits, list[_KnownEntry]()
        if everything or self._size_bytes + size > limits.size_bytes or len(self._entries) >= limits.entries:
            while self._entries and (
                everything
                or 2 * (self._size_bytes + size) > limits.size_bytes
                or 2 * len(self._entries) >= limits.entries
            ):
                entry = self._entries.popleft()
                self._size_bytes -= entry.size_bytes
                gone.append(entry)
        kept = len(self._entries) if gone else None
        self.states.update(states)
        left = self._take_newest(gone)
        spans = distinct(np.concatenate([entry.spans for entry in gone])) if gone else _NO_SPANS
        self._entries.append(_KnownEntry(size, states, spans_of(cells.keys)))
        self._size_bytes += size
        return Cut(kept, left, spans)

    def _take_newest(self, gone: Sequence[_KnownEntry]) -> dict[str, bytes]:
        """Return the states that entries which go held last, and that no other holds; they are forgotten here."""
        newest = self.states
        # The newest of a customer is the very object that its entry has.
        left = {
            customer: state
            for entry in gone
            for customer, state in entry.states.items()
            if newest.get(customer) is state
        }
        for customer in left:
            del newest[customer]
        return left


def _size_of(states: Mapping[str, bytes]) -> int:
    return sum(map(len, states.values())) + _STATE_BYTES * len(states)
