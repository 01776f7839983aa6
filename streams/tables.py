"""What a partition keeps between two batches, and the port through which it is kept.

One commit stores positions, customer states, counters and new names together, or nothing at all; so positions and
numbers can never disagree. `MemoryTables` and `RedisTables` pass the same contract tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec


class Head(msgspec.Struct, array_like=True):
    """What is stored with every commit, as one value: it is also what a commit is fenced by."""

    version: int
    #: next offset by topic
    positions: dict[str, int] = {}
    applied: int = 0
    duplicates: int = 0
    tests: int = 0
    conflicts: int = 0
    forwarded: int = 0
    dead_letters: dict[str, int] = {}
    #: latest event time that was applied (ms since 1970)
    watermark_ms: int = 0
    commits: int = 0
    #: drawn at random by each writer: a zombie that has folded the same batch as its successor wrote another head
    writer: bytes = b""


encode_head = msgspec.msgpack.Encoder().encode
decode_head = msgspec.msgpack.Decoder(Head).decode


def positions_of(head: bytes | None) -> dict[str, int]:
    """Return the positions that a stored head holds; none where nothing is stored, or nothing that is a head."""
    if head is None:
        return {}
    try:
        return decode_head(head).positions
    except msgspec.DecodeError:
        return {}


class Stored(NamedTuple):
    """A partition as it is stored: no head where nothing was committed yet."""

    head: bytes | None
    names: dict[str, list[str]]


class CellUpdate(NamedTuple):
    """New, absolute amounts of cells of one group (see `kpis.cells`)."""

    group: int
    fields: Sequence[int]
    amounts: Sequence[int]


class Commit(NamedTuple):
    """One batch's effect on a partition."""

    #: the head that must be stored now; None: nothing must be stored
    expected: bytes | None
    head: bytes
    states: Mapping[str, bytes]
    cells: Sequence[CellUpdate]
    #: names to append, by table
    names: Mapping[str, Sequence[str]]


class StreamMark(NamedTuple):
    """What a stream says of itself in its tables, for those who read them."""

    group: str
    #: of every input topic
    partitions: int
    #: settings that change what numbers mean, as JSON
    meaning: str


class Tables(Protocol):
    """The tables of a stream, by partition.

    Raises:
        Conflict: From `commit` alone: somebody else has committed to the partition since.
        TablesUnavailable: From all: the store did not answer; nothing is known of the outcome of a commit.
    """

    async def load(self, partition: int) -> Stored:
        """Return the head and the names of a partition."""

    async def read_head(self, partition: int) -> bytes | None:
        """Return the head of a partition."""

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """Return the states of customers, in their order; None for those who have none."""

    async def read_cells(self, partition: int, keys: Sequence[int]) -> list[int]:
        """Return the amounts of cells by key, in order; 0 where there is none."""

    async def load_group(self, partition: int, group: int) -> dict[int, int]:
        """Return all cells of a group: amount by field."""

    async def snapshot(self, partition: int, groups: Sequence[int]) -> tuple[Stored, dict[int, dict[int, int]]]:
        """Return what `load` does and all cells of groups, as of one instant."""

    async def commit(self, partition: int, commit: Commit) -> None:
        """Store all of it, or nothing."""

    async def mark(self, mark: StreamMark) -> StreamMark:
        """Leave the stream's mark where there is none yet; return the one that is there."""

    async def read_mark(self) -> StreamMark | None:
        """Return the stream's mark."""

    async def note(self, name: str, value: bytes | None) -> bytes | None:
        """Store a small value that belongs to no partition, where one is given; return what is stored."""

    async def close(self) -> None:
        """Let go of connections."""
