"""Tables: the port through which a partition stores its head, states, cells and names.

One commit stores positions, customer states, counters and new names together, or nothing at all; so positions and
numbers can never disagree. States and counters go into the redo log first, and to their places later (`streams.redo`).
`MemoryTables` and `RedisTables` pass the same contract tests.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import msgspec

from kpis.counting.cells import Cells


class Head(msgspec.Struct, array_like=True):
    """The head of a partition: stored with every commit, as one value; commits are fenced by it."""

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
    #: of the topics that the positions belong to, as the log knew them; none where it has no such ids
    topic_ids: dict[str, str] = {}
    #: records sent to other partitions, less those that came from others, of which some come again after a crash:
    #: those with an identity, and those of activity and onboarding, which have none (counts)
    away_facts: int = 0
    away_instants: int = 0
    #: events that count, and repetitions, of which a member was mended, by member
    mended: dict[str, int] = {}
    #: events of forgotten customers that count nowhere, and how many of these came from other partitions
    forgotten: int = 0
    forgotten_copies: int = 0
    #: the latest timestamp of a record whose event was applied (ms since 1970)
    latest_record_ms: int = 0
    #: the offset up to which all tombstones were looked at: whoever they are of has no state here
    tombstones: int = 0


encode_head = msgspec.msgpack.Encoder().encode
decode_head = msgspec.msgpack.Decoder(Head).decode


def version_of(head: bytes) -> int | None:
    """Return the version of the tables that a stored head is of; None where it is no head."""
    try:
        return decode_head(head).version
    except msgspec.DecodeError:
        return None


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
    #: the redo log, oldest first; None: it was not asked for
    redo: Sequence[bytes] | None = None


class Under(NamedTuple):
    """The head that a writer believes to be stored: whatever it reads must be what that head stands for."""

    head: bytes | None


class Redo(NamedTuple):
    """The redo log of a partition (`streams.redo`): its entries, oldest first, and the head that they lead to."""

    head: bytes | None
    entries: list[bytes]


class PeriodUpdate(NamedTuple):
    """A commit's addition to the restatements of a period that is over (see `kpis.fold.restatements`)."""

    period: str
    #: restatements to append, in their order
    entries: Sequence[bytes]
    #: restatements there ever were, with these (count)
    revision: int
    #: what all of them have changed, by count; counts that these do not change may be left out
    changes: Mapping[str, int]


class Restated(NamedTuple):
    """All restatements of a period in one partition."""

    #: how many there were ever (count)
    revision: int
    #: what they changed together, by count
    changes: dict[str, int]
    #: the newest of them, oldest first, RESTATEMENTS_KEPT at most; none where they were not asked for
    entries: list[bytes]


#: restatements of a period that a partition keeps one by one (count)
RESTATEMENTS_KEPT: Final = 1_000


class Erasure(NamedTuple):
    """The part of a commit that removes customers who are forgotten, and requests to forget them."""

    #: customers whose states go
    gone: Sequence[str] = ()
    #: restatements of periods as they are from now on, by period: others by as many
    relisted: Mapping[str, Sequence[bytes]] = MappingProxyType({})
    #: what is stored of requests from now on, by customer; None: nothing
    requests: Mapping[str, bytes | None] = MappingProxyType({})


NOTHING_ERASED: Final = Erasure()


class Written(NamedTuple):
    """The part of a commit that goes to its place, and what leaves the redo log for it."""

    states: Mapping[str, bytes] = MappingProxyType({})
    #: all cells of spans, packed (see `kpis.counting.spans`)
    spans: Mapping[int, bytes] = MappingProxyType({})
    #: entries of the redo log that stay, the newest, this commit's among them (count); None: all
    kept: int | None = None


NOTHING_WRITTEN: Final = Written()


class Commit(NamedTuple):
    """One batch's effect on a partition."""

    #: the head that must be stored now; None: nothing must be stored
    expected: bytes | None
    head: bytes
    #: states that change, for the redo log
    states: Mapping[str, bytes]
    #: all cells that change, sorted by key, with their new, absolute amounts, for the redo log: readers in slices need
    #: them there, also where `written` has their spans
    cells: Cells
    #: names to append, by table
    names: Mapping[str, Sequence[str]]
    #: what it changes of periods that are over, each period once
    restated: Sequence[PeriodUpdate] = ()
    #: what goes of customers who are forgotten
    erasure: Erasure = NOTHING_ERASED
    #: of this commit and of earlier ones
    written: Written = NOTHING_WRITTEN


class StreamMark(NamedTuple):
    """The mark of a stream in its tables: what it says of itself to those who read them."""

    group: str
    #: of every input topic
    partitions: int
    #: settings that change what numbers mean, as JSON
    meaning: str
    #: drawn at random when the mark was left: tables that were lost and begun anew have another
    id: str = ""
    #: which of the tables under the prefix hold: `tenure rebuild` builds others beside those that do
    generation: int = 0


def new_stream_id() -> str:
    """Return an identifier that no other stream has: 32 hexadecimal digits."""
    return secrets.token_hex(16)


class Tables(Protocol):
    """The tables of a stream, by partition.

    What belongs to partitions is there once for each *generation*; mark, notes and logs are the same for all of them.

    Raises:
        Conflict: From `commit` and `clear`: somebody else has written to the partition since. From what reads `under`
            a head: another one is stored. A commit would not always tell: Redis may fall back to that head meanwhile.
        CommitTorn: From `load`, `read_head`, `read_redo`, `snapshot`, `restated`, `restatements` and `commit`: half of
            a commit was carried out. From others that read the redo log too.
        TablesUnavailable: From all: the store did not answer; nothing is known of the outcome of a commit.
    """

    @property
    def generation(self) -> int:
        """The generation whose partitions these are: that of the mark which was read last."""

    def beside(self, generation: int) -> Tables:
        """Return the tables of another generation, whatever the mark says; closing them is closing these."""

    async def switch(self, expected: StreamMark, mark: StreamMark) -> bool:
        """Put a mark in the place of another in one step; return whether that was there."""

    async def discard(self, partition: int, *, held: bytes | None = None) -> None:
        """Remove all that is stored of a partition which nobody writes to any more.

        Args:
            partition: Its number.
            held: The head that it must have, and keeps; None: nothing stays, whatever it has.

        Raises:
            Conflict: It has another head than that: these are not the tables that were to go.
        """

    async def load(self, partition: int, since: Stored | None = None) -> Stored:
        """Return the head and the names of a partition, as of one instant; all of `kpis.names.TABLES` are named.

        Args:
            partition: Its number.
            since: What was loaded before: the names that it has are not read again.
        """

    async def read_head(self, partition: int) -> bytes | None:
        """Return the head of a partition."""

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """Return the states of customers, in their order; None for those who have none."""

    async def read_redo(self, partition: int) -> Redo:
        """Return the redo log of a partition, and the head that it leads to, as of one instant."""

    async def read_written(
        self, partition: int, customers: Sequence[str], *, under: Under | None = None
    ) -> list[bytes | None]:
        """Return the states of customers as they are written in their places: for who knows the redo log."""

    def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """Yield all customers of some partitions with their states: a partition and some of its customers at a time.

        One pass over what is stored, in no order; each customer once, no slice empty. Whoever has a state when the scan
        begins is there; a state that commits change meanwhile is the old or the new. Names that a slice needs are
        stored once it is there.
        """

    def scan_customers(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[str]]]:
        """Yield all customers of some partitions who have a state, as `scan_states` does, and read no state."""

    async def read_spans(self, partition: int, spans: Sequence[int], *, under: Under | None = None) -> Cells:
        """Return all cells of spans as they are written in their places, sorted: for who knows the redo log."""

    async def read_group(self, partition: int, group: int, *, under: Under | None = None) -> Cells:
        """Return all cells of a group in the same way."""

    async def snapshot(
        self, partition: int, groups: Sequence[int], since: Stored | None = None
    ) -> tuple[Stored, Cells]:
        """Return what `load` does and all cells of groups, sorted, as of one instant; amounts may be zero.

        Args:
            partition: Its number.
            groups: Those wanted.
            since: What was loaded before, and `groups` are all that it names: those that came since are read too.

        Raises:
            Overtaken: More was written meanwhile than can be read; whoever loads again may have better luck.
        """

    async def restated(
        self, partition: int, periods: Sequence[str] = (), *, under: Under | None = None
    ) -> dict[str, Restated]:
        """Return the restatements of all periods that have any, as of one instant; entries of those named alone."""

    async def restatements(self, partition: int, period: str, *, under: Under | None = None) -> list[bytes]:
        """Return the newest restatements of a period, oldest first: the entries of its `Restated`."""

    async def commit(self, partition: int, commit: Commit) -> None:
        """Store all of it, or nothing."""

    async def ask_to_forget(self, partition: int, customer: str, request: bytes, known: bytes | None = None) -> None:
        """Leave a request to forget a customer for whoever owns the partition, unless another than `known` is there."""

    async def forget_requests(self, partition: int) -> dict[str, bytes]:
        """Return the requests to forget customers that wait, by customer."""

    async def clear(self, partition: int) -> None:
        """Remove all that is stored of a partition in which half of a commit is, so that it can be counted anew.

        Requests to forget customers stay.

        Commits are refused from the first step on. Whoever is interrupted leaves a partition that `load` calls torn,
        until it is cleared again.

        Raises:
            Conflict: Nothing is wrong with it, or no longer.
        """

    async def mark(self, mark: StreamMark) -> StreamMark:
        """Leave the stream's mark where there is none yet; return the one that is there.

        The first that is returned says which generation these tables are.

        A mark that an earlier version left without an identifier is given this one's.
        """

    async def read_mark(self) -> StreamMark | None:
        """Return the stream's mark; the first that is read says which generation these are."""

    async def note(self, name: str, value: bytes | None) -> bytes | None:
        """Store a small value that belongs to no partition, where one is given; return what is stored."""

    async def append(self, name: str, entry: bytes) -> None:
        """Add an entry to a small log that belongs to no partition; what is in it stays, and keeps its place."""

    async def entries(self, name: str, first: int = 0) -> list[bytes]:
        """Return the entries of such a log from a place on, in the order in which they were added."""

    async def close(self) -> None:
        """Let go of connections."""
