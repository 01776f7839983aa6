"""What the simulation lets become of tables is what becomes of those on Redis: the same script, the same answers."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import pytest

from services.redis import Redis
from streams.errors import CommitTorn, Conflict
from streams.tables import StreamMark, Tables
from tests.contract.tables import Everything, a_commit, a_head, redis_tables, write_all
from tests.simulation.store import Store

FIRST: Final = a_commit(None, a_head(1, signup=1), states={"a": b"1"}, cells={0: {0: 1}})
SECOND: Final = write_all(
    [FIRST, a_commit(FIRST.head, a_head(2, signup=9), states={"a": b"9", "b": b"9"}, cells={0: {0: 9}, 1: {0: 9}})]
)
INSTEAD: Final = a_commit(FIRST.head, a_head(2, signup=2), states={"a": b"2"}, cells={0: {0: 2}})
LOOK: Final = Everything(["a", "b"], [0, 1])
MARK: Final = StreamMark("g", 4, "{}", "0123")


class TablesUnderFaults(Protocol):
    """Tables of which something becomes; each step ends with tables that are open."""

    tables: Tables

    async def lose_the_last_commit(self) -> None:
        """Come back without it."""

    async def tear_the_last_commit(self) -> None:
        """Come back from a file that ends within it, behind the states that it writes."""

    async def load_again(self) -> None:
        """Come back once more."""

    async def back_up(self) -> None:
        """Keep a backup."""

    async def restore(self) -> None:
        """Come back as the backup is."""

    async def start_empty(self) -> None:
        """Come back with nothing."""


class StoreUnderFaults:
    """The simulation's store."""

    def __init__(self) -> None:
        self._store = Store()
        self.tables: Tables = self._store
        self._backup = self._store.saved()

    async def lose_the_last_commit(self) -> None:
        """Come back as it was after the first commit."""
        before = Store()
        await before.commit(0, FIRST)
        self._store.restore(before.saved())

    async def tear_the_last_commit(self) -> None:
        """See `TablesUnderFaults`."""
        before = Store()
        await before.commit(0, FIRST)
        self._store.fall_back_within_a_commit(before.saved())

    async def load_again(self) -> None:
        """See `TablesUnderFaults`."""
        assert self._store.load_again()

    async def back_up(self) -> None:
        """See `TablesUnderFaults`."""
        self._backup = self._store.saved()

    async def restore(self) -> None:
        """See `TablesUnderFaults`."""
        self._store.restore(self._backup)

    async def start_empty(self) -> None:
        """See `TablesUnderFaults`."""
        self._store.lose_everything()


class RedisUnderFaults:
    """A Redis of its own, whose file is cut while it is down."""

    def __init__(self, server: Redis, stack: Opening) -> None:
        self._server = server
        self._opening = stack
        self.tables: Tables
        self._files = server.folder / "appendonlydir"
        self._backup = server.folder / "backup"

    async def lose_the_last_commit(self) -> None:
        """See `TablesUnderFaults`."""
        await self._with_its_file_cut(b"*1\r\n$5\r\nMULTI", within=0)

    async def tear_the_last_commit(self) -> None:
        """See `TablesUnderFaults`."""
        await self._with_its_file_cut(b"RPUSH", within=len(b"RPUSH"))

    async def _with_its_file_cut(self, before: bytes, *, within: int) -> None:
        self._server.kill()
        (file,) = self._files.glob("*.incr.aof")
        content = file.read_bytes()
        transaction = content.rindex(b"*1\r\n$5\r\nMULTI")
        os.truncate(file, content.index(before, transaction) + within)
        await self._begin()

    async def load_again(self) -> None:
        """See `TablesUnderFaults`."""
        with self._server.client() as client:
            client.shutdown()
        await self._begin()

    async def back_up(self) -> None:
        """See `TablesUnderFaults`."""
        self._server.kill()
        shutil.copytree(self._files, self._backup)
        await self._begin()

    async def restore(self) -> None:
        """See `TablesUnderFaults`."""
        self._server.kill()
        shutil.rmtree(self._files)
        shutil.copytree(self._backup, self._files)
        await self._begin()

    async def start_empty(self) -> None:
        """See `TablesUnderFaults`."""
        self._server.kill()
        shutil.rmtree(self._files)
        await self._begin()

    async def _begin(self) -> None:
        self._server.restart()
        self.tables = await self._opening.anew(self._server.url)


class Opening:
    """Connections, of which the last one is open."""

    def __init__(self) -> None:
        self._open: list[AsyncIterator[Tables]] = []

    async def anew(self, url: str) -> Tables:
        """Close what is open, and connect again."""
        await self.close()
        manager = _opened(url)
        self._open.append(manager)
        return await anext(manager)

    async def close(self) -> None:
        """Close what is open."""
        while self._open:
            async for _ in self._open.pop():
                raise AssertionError("it yields once")


async def _opened(url: str) -> AsyncIterator[Tables]:
    async with redis_tables(url, "t") as tables:
        yield tables


@asynccontextmanager
async def _redis_under_faults(folder: Path) -> AsyncIterator[RedisUnderFaults]:
    server, opening = Redis(folder, fsync="always"), Opening()
    server.start()
    try:
        found = RedisUnderFaults(server, opening)
        found.tables = await opening.anew(server.url)
        yield found
    finally:
        await opening.close()
        server.kill()


@pytest.fixture(params=["simulated", "redis"])
async def under_faults(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TablesUnderFaults]:
    """One after the other."""
    if request.param == "simulated":
        yield StoreUnderFaults()
    else:
        async with _redis_under_faults(tmp_path) as found:
            yield found


async def test_last_seconds_are_lost_as_a_whole(under_faults: TablesUnderFaults) -> None:
    """Whoever believes in the lost commit is refused; whoever begins with the one before goes on."""
    await under_faults.tables.commit(0, FIRST)
    await under_faults.tables.commit(0, SECOND)
    await under_faults.lose_the_last_commit()
    tables = under_faults.tables
    assert (await LOOK.of(tables))[2] == [b"1", None]
    with pytest.raises(Conflict):
        await tables.commit(0, a_commit(SECOND.head, a_head(3, signup=10)))
    await tables.commit(0, INSTEAD)
    assert (await LOOK.of(tables))[2] == [b"2", None]


async def test_half_of_a_transaction_is_seen_at_the_load_after_the_next(under_faults: TablesUnderFaults) -> None:
    """At first nothing is wrong; then the half comes to life in front of what was committed since."""
    await under_faults.tables.commit(0, FIRST)
    await under_faults.tables.commit(0, SECOND)
    await under_faults.tear_the_last_commit()
    assert (await under_faults.tables.load(0)).head == FIRST.head
    await under_faults.tables.commit(0, INSTEAD)
    await under_faults.load_again()
    tables = under_faults.tables
    for reading in (tables.load(0), tables.read_head(0), tables.read_redo(0), tables.snapshot(0, [0])):
        with pytest.raises(CommitTorn):
            await reading
    with pytest.raises(CommitTorn):
        await tables.commit(0, a_commit(INSTEAD.head, a_head(3, signup=3)))
    await tables.clear(0)
    assert await LOOK.of(tables) == (None, {}, [None, None], {0: {}, 1: {}})
    await tables.commit(0, FIRST)


async def test_backup_brings_back_mark_notes_and_logs_too(under_faults: TablesUnderFaults) -> None:
    """Consent to a loss that was given after the backup is gone with it: what it allowed is to be asked for again."""
    await under_faults.tables.mark(MARK)
    await under_faults.tables.commit(0, FIRST)
    await under_faults.tables.note("n", b"before")
    await under_faults.tables.append("l", b"before")
    await under_faults.back_up()
    await under_faults.tables.commit(0, INSTEAD)
    await under_faults.tables.note("n", b"after")
    await under_faults.tables.append("l", b"after")
    await under_faults.restore()
    tables = under_faults.tables
    assert (await tables.read_mark(), await tables.note("n", None)) == (MARK, b"before")
    assert (await tables.entries("l"), (await LOOK.of(tables))[2]) == ([b"before"], [b"1", None])


async def test_empty_tables_have_no_mark_and_no_notes(under_faults: TablesUnderFaults) -> None:
    """A worker that finds them must be able to tell them from those of a new stream by Kafka alone."""
    await under_faults.tables.mark(MARK)
    await under_faults.tables.commit(0, FIRST)
    await under_faults.tables.note("n", b"1")
    await under_faults.start_empty()
    tables = under_faults.tables
    assert (await tables.read_mark(), await tables.note("n", None)) == (None, None)
    assert await LOOK.of(tables) == (None, {}, [None, None], {0: {}, 1: {}})
