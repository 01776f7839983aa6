"""The list of changes that the last commits made to a partition's cells, for readers of all cells.

Reading millions of cells takes seconds, and commits go on meanwhile. Who reads in slices and then does again what is
written here has all cells as of one instant, without ever holding Redis up (`streams.redis.reading`). An entry is

    hash of the head before, hash of the head after, keys of the cells, their new amounts (8 bytes each)

so that entries join without a gap, or are seen not to. It is trimmed by its size; no number depends on it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from kpis.counting.cells import FIELD_BITS
from streams.redis.commit import Command
from streams.tables import Commit

KEPT_BYTES: Final = 4 * 1024 * 1024
"""Of a partition: a quarter of a million changes. A reader looks more than once in what so many take."""
_KEPT_ENTRIES: Final = 5_000
_HASH_BYTES: Final = 8
_MARKS_BYTES: Final = 2 * _HASH_BYTES
_ENTRY_BYTES: Final = 16
"""What Redis spends on an entry beside its content, about."""


def mark_of(head: bytes | None) -> bytes:
    """Return what stands for a head here; two heads have the same one time in 10^19."""
    return hashlib.blake2b(head or b"", digest_size=_HASH_BYTES).digest()


class Changes:
    """Writes the list, for all partitions of one writer."""

    def __init__(self, *, kept_bytes: int = KEPT_BYTES) -> None:
        """Start without entries; those of a writer before are trimmed away."""
        self._kept_bytes = kept_bytes
        self._sizes: dict[int, deque[int]] = defaultdict(deque)
        self._sums: dict[int, int] = defaultdict(int)

    def commands(self, partition: int, key: str, commit: Commit) -> list[Command]:
        """Return what adds a commit's entry to the list at a key, and trims the list."""
        keys = [np.asarray(fields, np.int64) | group << FIELD_BITS for group, fields, _ in commit.cells]
        amounts = [np.asarray(amounts, np.int64) for _, _, amounts in commit.cells]
        cells = np.concatenate([*keys, *amounts]).tobytes() if keys else b""
        entry = mark_of(commit.expected) + mark_of(commit.head) + cells
        sizes = self._sizes[partition]
        sizes.append(len(entry) + _ENTRY_BYTES)
        total = self._sums[partition] + sizes[-1]
        while len(sizes) > 1 and (total > self._kept_bytes or len(sizes) > _KEPT_ENTRIES):
            total -= sizes.popleft()
        self._sums[partition] = total
        return [("RPUSH", key, entry), ("LTRIM", key, -len(sizes), -1)]

    def forget(self, partition: int) -> None:
        """Forget which entries there are: another one has written."""
        self._sizes.pop(partition, None)
        self._sums.pop(partition, None)


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

    def amounts(self) -> dict[int, int]:
        """Return the newest amounts of all cells that changed, by key."""
        assert self.complete, "changes are missing"
        found: dict[int, int] = {}
        for entry in reversed(self._found):
            keys, amounts = np.frombuffer(entry, np.int64, offset=_MARKS_BYTES).reshape(2, -1)
            found.update(zip(keys.tolist(), amounts.tolist(), strict=True))
        return found
