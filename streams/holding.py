"""Holding a partition still: its head is wrapped, so that no commit fits, until it is given back or its holder is gone.

A command that must see a partition as of one instant, or replace it, takes its head. What is stored stays readable.
The writer meets a head that it did not store, reloads, and waits. The holder says every BEAT_SECONDS that it lives;
a writer that has heard nothing for SILENCE_SECONDS, by its own clock, unwraps the head and goes on.
Who holds: `tenure.rebuilding`, `tenure.snapshots`. Who waits: `streams.partition.loading`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog

from kpis.customer.facts import STATE_VERSION
from streams.copying import head_commit
from streams.errors import CheckFailed, Conflict, Superseded, TablesHeld, TablesUnavailable
from streams.tables import Head, Tables, encode_head
from streams.tasks import cancel_and_wait

log = structlog.get_logger(__name__)
BEAT_SECONDS: Final = 2.0
SILENCE_SECONDS: Final = 30.0
_NOTE: Final = "hold"
_HELD: Final = b"held:"
_TRIES: Final = 1_000
"""Commits that may come between a look at a head and its being taken, before that is given up (count)."""


def is_held(head: bytes | None) -> bool:
    """Return whether a stored head is one that somebody holds."""
    return head is not None and head.startswith(_HELD)


def unheld(head: bytes | None) -> bytes | None:
    """Return the head that a held one stands for; any other as it is."""
    if head is None or not is_held(head):
        return head
    return head[len(_HELD) :].partition(b":")[2] or None


def held_head(token: str, head: bytes | None) -> bytes:
    """Return what is stored while a command that `token` stands for holds a partition with this head."""
    return b"%b%b:%b" % (_HELD, token.encode(), head or b"")


def emptied(head: bytes) -> bytes:
    """Return a held head that stands for nothing: whoever goes on from it counts anew what the log has."""
    return held_head(_token_of(head).decode(), None)


def _token_of(head: bytes) -> bytes:
    return head[len(_HELD) :].partition(b":")[0]


def _given_back(head: bytes | None) -> bytes:
    """Return what is stored in place of a held head; where nothing was stored, a head that says nothing."""
    return encode_head(Head(STATE_VERSION)) if head is None else head


class Hold:
    """Holds partitions for one command.

    Args:
        tables: Of the stream.
        what: Who holds them, for messages: "tenure rebuild".
    """

    def __init__(self, tables: Tables, what: str) -> None:
        self._tables = tables
        self._what = what
        self._token = uuid.uuid4().hex
        self._beats = 0
        self._taken: dict[int, bytes] = {}

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[Hold]:
        """Say again and again that the holder lives; give back in the end what is still held.

        Raises:
            CheckFailed: Another command holds partitions of the stream, and lives.
            Superseded: Others have taken the place of these tables since they were opened.
        """
        await self._refuse_another()
        await self._beat()
        # Only now can no other command put tables in place: what was read before may be of those that it replaced.
        mark = await self._tables.read_mark()
        if mark is not None and mark.generation != self._tables.generation:
            raise Superseded(mark.generation)
        task = asyncio.create_task(self._keep_beating(), name="hold")
        try:
            yield self
        finally:
            await cancel_and_wait([task])
            await self.give_back()

    async def _refuse_another(self) -> None:
        before = await self._tables.note(_NOTE, None)
        if not before:
            return
        await asyncio.sleep(1.5 * BEAT_SECONDS)
        if await self._tables.note(_NOTE, None) != before:
            raise CheckFailed(f"{_name_of(before)} is at work on this stream; wait until it has ended")

    async def _check_alone(self) -> None:
        """Raise CheckFailed where another command has begun since: of two that begin at once, the first ends."""
        found = await self._tables.note(_NOTE, None) or b""
        if not found.startswith(self._token.encode()):
            raise CheckFailed(f"{_name_of(found)} has begun on this stream at the same time; wait until it has ended")

    async def _beat(self) -> None:
        self._beats += 1
        await self._tables.note(_NOTE, f"{self._token} {self._beats} {self._what}".encode())

    async def _keep_beating(self) -> None:
        with contextlib.suppress(CheckFailed):  # who asks `check` is told
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                with contextlib.suppress(TablesUnavailable):  # not for ever: a moment later it may answer again
                    await self._check_alone()
                    await self._beat()

    async def take(self, partition: int, *, if_there: bool = False, without_log: bool = False) -> bytes | None:
        """Hold a partition; return the head that it had, None where nothing was stored.

        Args:
            partition: Its number.
            if_there: Leave it alone where nothing is stored.
            without_log: Remove its redo log, which is of another version.

        Raises:
            CheckFailed: It is written faster than it can be taken.
            CommitTorn: Half of a commit is in it.
            TablesUnavailable: The tables do not answer.
        """
        for _ in range(_TRIES):
            stored = await self._tables.read_head(partition)
            if stored is None and if_there:
                return None
            wrapped = held_head(self._token, unheld(stored))
            with contextlib.suppress(Conflict):
                await self._tables.commit(partition, head_commit(stored, wrapped, without_log=without_log))
                self._taken[partition] = wrapped
                return unheld(stored)
        raise CheckFailed(f"partition {partition} is written faster than it can be held; try again")

    async def check(self) -> None:
        """Raise CheckFailed where another command has begun, or a partition is not held any more.

        A partition goes on when this process has been silent for too long.
        """
        await self._check_alone()
        for partition, wrapped in self._taken.items():
            if await self._tables.read_head(partition) != wrapped:
                raise CheckFailed(
                    f"partition {partition} went on meanwhile, since nothing was heard of this command for "
                    f"{SILENCE_SECONDS:g} s; run it again"
                )

    async def give_back(self, partition: int | None = None) -> None:
        """Let one partition go on, or all that are held."""
        wanted = list(self._taken) if partition is None else [partition]
        for number in wanted:
            wrapped = self._taken.pop(number)
            with contextlib.suppress(Conflict):  # it has gone on already
                await self._tables.commit(number, head_commit(wrapped, _given_back(unheld(wrapped))))

    def keep(self) -> None:
        """Leave for good as they are all partitions that are held: others have taken their place."""
        self._taken.clear()


def _name_of(note: bytes) -> str:
    return note.decode("utf-8", "replace").partition(" ")[2].partition(" ")[2] or "another command"


class HoldWatch:
    """Waits, as the writer of partitions, for what somebody holds; goes on where the holder is gone.

    Args:
        tables: Of the stream.
        clock: Returns the seconds of a clock that nobody sets.
    """

    def __init__(self, tables: Tables, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables = tables
        self._clock = clock
        #: the note of the holder that was seen last, and since when (seconds)
        self._seen: tuple[bytes | None, float] | None = None

    async def look(self, partition: int, head: bytes | None) -> None:
        """Look at a head that was loaded.

        Raises:
            TablesHeld: Somebody holds the partition.
        """
        if head is None or not is_held(head):
            return
        note, now = await self._tables.note(_NOTE, None), self._clock()
        if self._seen is None or self._seen[0] != note:
            self._seen = (note, now)
        if now - self._seen[1] >= SILENCE_SECONDS and await self._is_current():
            log.warning("hold_ended", partition=partition, silent_seconds=SILENCE_SECONDS)
            await self._tables.commit(partition, head_commit(head, _given_back(unheld(head))))
        raise TablesHeld(partition, _name_of(note) if note and note.startswith(_token_of(head)) else "another command")

    async def _is_current(self) -> bool:
        """Return whether these are still the tables of the stream, and no others have taken their place."""
        mark = await self._tables.read_mark()
        return mark is None or mark.generation == self._tables.generation
