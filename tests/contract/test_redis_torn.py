"""A commit that a crash of Redis tears in its append-only file: no half of it ever counts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from services.redis import Redis
from streams.errors import CommitTorn, Conflict
from streams.redis.commit import run_where
from streams.redis.scan import scan_keys
from streams.redis.tables import RedisTables
from tests.contract.tables import Everything, a_commit, a_head, redis_tables, tear, write_all

FIRST: Final = a_commit(None, a_head(1, signup=1), states={"a": b"1"}, cells={0: {0: 1}})
TORN: Final = write_all(
    [FIRST, a_commit(FIRST.head, a_head(2, signup=9), states={"a": b"9", "b": b"9"}, cells={0: {0: 9}, 1: {0: 9}})]
)
AFTER: Final = a_commit(FIRST.head, a_head(2, signup=2), states={"a": b"2"}, cells={0: {0: 2}})
LOOK: Final = Everything(["a", "b"], [0, 1])


class _Killed(Exception):
    """Stands for the end of a process."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of its own, whose file can be cut."""
    redis = Redis(tmp_path, fsync="always")
    redis.start()
    yield redis
    redis.kill()


def cut_last_transaction(server: Redis, *, before: bytes) -> None:
    """End the append-only file of a Redis that was killed before a command of its last transaction."""
    (file,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    content = file.read_bytes()
    transaction = content.rindex(b"*1\r\n$5\r\nMULTI")
    # Within the command, as a power cut leaves it: its length and its name are there, its arguments are not.
    os.truncate(file, content.index(before, transaction) + len(before))


async def torn(server: Redis, *, before: bytes) -> None:
    """Commit, tear the second commit, commit another one in its place, and load the file again."""
    async with redis_tables(server.url, "t") as tables:
        await tables.commit(0, FIRST)
        await tables.commit(0, TORN)
        server.kill()
        cut_last_transaction(server, before=before)
        server.start()
    async with redis_tables(server.url, "t") as tables:
        assert (await tables.load(0)).head == FIRST.head
        await tables.commit(0, AFTER)
        await tables.commit(1, FIRST)
    with server.client() as client:
        client.shutdown()
    server.restart()


@pytest.mark.parametrize("before", [b"MSET", b"HSET", b"RPUSH", b"LTRIM", b"SET\r\n$7"])
async def test_half_of_a_commit_that_redis_carries_out_later_is_noticed(server: Redis, before: bytes) -> None:
    """Redis loads such a file, goes on, and at the next load carries out the half in front of the next commit."""
    await torn(server, before=before)
    async with redis_tables(server.url, "t") as tables:
        for reading in (tables.load(0), tables.read_head(0), tables.snapshot(0, [0]), tables.restated(0)):
            with pytest.raises(CommitTorn):
                await reading
        with pytest.raises(CommitTorn):
            await tables.commit(0, a_commit(AFTER.head, a_head(3, signup=3)))
        assert (await tables.load(1)).head == FIRST.head
        await tables.clear(0)
        assert await LOOK.of(tables) == (None, {}, [None, None], {0: {}, 1: {}})
        await tables.commit(0, FIRST)


async def test_commits_that_are_whole_survive_any_number_of_loads(server: Redis) -> None:
    """A check that cries wolf would count everything anew at each restart of Redis."""
    async with redis_tables(server.url, "t") as tables:
        await tables.commit(0, FIRST)
        server.restart()
    async with redis_tables(server.url, "t") as tables:
        await tables.commit(0, AFTER)
        await tables.commit(0, AFTER)  # sent again, for its answer was lost
        with server.client() as client:
            client.bgrewriteaof()
        server.restart()
    async with redis_tables(server.url, "t") as tables:
        assert (await LOOK.of(tables))[2] == [b"2", None]


async def test_clearing_that_is_interrupted_leaves_a_partition_that_nobody_trusts(
    server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker may be killed between two steps; what is left must not be taken for the partition."""
    async with redis_tables(server.url, "t") as tables:
        await tables.commit(0, FIRST)
        await tear(tables, 0)
        await _clear_until(tables, monkeypatch, step=1)
        with pytest.raises(CommitTorn):
            await tables.load(0)
        with pytest.raises(CommitTorn):
            await tables.commit(0, AFTER)
        await tables.clear(0)
        assert (await tables.load(0)).head is None


async def _clear_until(tables: RedisTables, monkeypatch: pytest.MonkeyPatch, *, step: int) -> None:
    steps = iter(range(step))

    async def stop(*arguments: Any, **options: Any) -> bytes | None:
        if next(steps, None) is None:
            raise _Killed
        return await run_where(*arguments, **options)

    with monkeypatch.context() as context:
        context.setattr("streams.redis.clearing.run_where", stop)
        with pytest.raises(_Killed):
            await tables.clear(0)


async def test_a_writer_that_lost_its_partition_cannot_clear_what_its_successor_wrote(
    server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stood still in the middle of clearing wakes up after somebody else has counted anew."""
    async with redis_tables(server.url, "t") as tables, redis_tables(server.url, "t") as successor:
        await tables.commit(0, FIRST)
        await tear(tables, 0)
        first = iter([True])

        async def be_late(client: Any, pattern: str, places: Sequence[str]) -> AsyncIterator[list[bytes]]:
            if next(first, False):
                await successor.clear(0)
                await successor.commit(0, FIRST)
            async for keys in scan_keys(client, pattern, places):
                yield keys

        monkeypatch.setattr("streams.redis.clearing.scan_keys", be_late)
        with pytest.raises(Conflict):
            await tables.clear(0)
        assert (await LOOK.of(tables))[2] == [b"1", None]
