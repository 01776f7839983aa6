"""The redo log of a partition: which states and cells the newest commits changed, one entry a commit.

A commit writes one entry. What it changed is written to its place many commits later, once, however often it changed
meanwhile; then the entry goes. So for each state and each cell: the newest entry that names it holds what is true, and
where none does, its place. Entries hold all of a state, and absolute amounts: reading one over what is already there
changes nothing. An entry is

    hash of the head before, hash of the head after, how many cells, their keys, their amounts (8 bytes each), states

so that entries join without a gap, or are seen not to: who reads millions of cells in slices, while commits go on, and
then does again what is written here has all of them as of one instant.
Who decides what is written when: `streams.partition.unwritten`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from kpis.arrays import Ints
from kpis.counting.cells import Cells
from kpis.native import IS_THERE

if IS_THERE:
    from kpis.native.states import StateChanges

_HASH_BYTES: Final = 8
_MARKS_BYTES: Final = 2 * _HASH_BYTES
_CELLS_AT: Final = _MARKS_BYTES + 8
_CELL_BYTES: Final = 16

_encode_states = msgspec.msgpack.Encoder().encode
_decode_states = msgspec.msgpack.Decoder(dict[str, bytes]).decode


def mark_of(head: bytes | None) -> bytes:
    """Return what stands for a head here; two heads have the same one time in 10^19."""
    return hashlib.blake2b(head or b"", digest_size=_HASH_BYTES).digest()


def entry_of(expected: bytes | None, head: bytes, cells: Cells, states: Mapping[str, bytes]) -> bytes:
    """Return the entry of a commit, which replaces one head by another and changes cells and states."""
    return b"".join(parts_of_entry(expected, head, cells, states))


def parts_of_entry(expected: bytes | None, head: bytes, cells: Cells, states: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """Return an entry as `entry_of` does, in parts that follow each other."""
    numbers = (len(cells.keys).to_bytes(8, "little"), cells.keys.tobytes(), cells.amounts.tobytes())
    return (mark_of(expected), mark_of(head), *numbers, _packed(states))


def _packed(states: Mapping[str, bytes]) -> bytes:
    return states.packed() if IS_THERE and isinstance(states, StateChanges) else _encode_states(dict(states))


def size_of(states: Mapping[str, bytes]) -> int:
    """Return how many bytes states have together."""
    if IS_THERE and isinstance(states, StateChanges):
        return states.size_bytes
    return sum(map(len, states.values()))


def cells_of(entry: bytes) -> Cells:
    """Return the cells that an entry names, with their amounts: sorted by key."""
    count = _count_of(entry)
    both: Ints = np.frombuffer(entry, np.int64, 2 * count, _CELLS_AT)
    return Cells(both[:count], both[count:])


def states_of(entry: bytes) -> dict[str, bytes]:
    """Return the states that an entry holds, by customer."""
    return _decode_states(memoryview(entry)[_CELLS_AT + _CELL_BYTES * _count_of(entry) :])


def _count_of(entry: bytes) -> int:
    return int.from_bytes(entry[_MARKS_BYTES:_CELLS_AT], "little")


def newest_states(entries: Sequence[bytes]) -> dict[str, bytes]:
    """Return all states that entries, oldest first, hold: each as the newest of them has it."""
    found: dict[str, bytes] = {}
    for entry in entries:
        found |= states_of(entry)
    return found


def newest_mark(entries: Sequence[bytes]) -> bytes | None:
    """Return the mark of the head after the newest of some entries; None where there are none."""
    return entries[-1][_HASH_BYTES:_MARKS_BYTES] if entries else None


class Chain:
    """The entries that lead from one head to a later one, found from the latest back."""

    def __init__(self, *, since: bytes, until: bytes) -> None:
        """Take the marks of both heads."""
        self._since = since
        self._wanted = until
        self._found: list[bytes] = []

    @property
    def complete(self) -> bool:
        """Return whether nothing is missing."""
        return self._wanted == self._since

    def take(self, entries: Sequence[bytes]) -> None:
        """Look through entries, oldest first, that are older than those before; what leads nowhere is left out."""
        for entry in reversed(entries):
            if self.complete:
                return
            if entry[_HASH_BYTES:_MARKS_BYTES] == self._wanted:
                self._found.append(entry)
                self._wanted = entry[:_HASH_BYTES]

    def cells(self) -> list[Cells]:
        """Return the cells that changed, by entry, oldest first."""
        assert self.complete, "entries are missing"
        return [cells_of(entry) for entry in reversed(self._found)]
