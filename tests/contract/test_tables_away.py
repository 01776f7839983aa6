"""A Redis that does not answer, or not yet, is one thing to whoever uses the tables: wait, and try the same again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from services.process import wait_until
from services.redis import Redis
from services.redis_cluster import SLOTS, RedisCluster
from streams.errors import ConfigurationError, Conflict, TablesUnavailable
from streams.redis import commit
from streams.redis.tables import RedisTables, check_durability, connect
from streams.tables import StreamMark
from tests.contract.tables import Everything, a_commit, a_head, redis_tables, write_all

TIMEOUT_SECONDS = 0.4
_COMMITS = (
    a_commit(None, a_head(1, signup=1), states={"a": b"1", "b": b"1"}, cells={0: {0: 1}}, names={"plan": ["pro"]}),
    a_commit(
        a_head(1, signup=1), a_head(2, signup=2), states={"a": b"2", "c": b"2"}, cells={0: {0: 2}, 1: {0: 2}},
        names={"plan": ["x"]},
    ),
)  # fmt: skip
FIRST, SECOND = write_all(_COMMITS[:1]), write_all(_COMMITS)
LOOK = Everything(["a", "b", "c"], [0, 1])
AFTER_FIRST = (FIRST.head, {"plan": ["pro"]}, [b"1", b"1", None], {0: {0: 1}, 1: {}})
AFTER_SECOND = (SECOND.head, {"plan": ["pro", "x"]}, [b"2", b"1", b"2"], {0: {0: 2}, 1: {0: 2}})
Call = Callable[[RedisTables], Awaitable[object]]
CALLS: dict[str, Call] = {
    "load": lambda tables: tables.load(0),
    "read_states": lambda tables: tables.read_states(0, ["a"]),
    "read_redo": lambda tables: tables.read_redo(0),
    "read_written": lambda tables: tables.read_written(0, ["a"]),
    "read_spans": lambda tables: tables.read_spans(0, [0]),
    "read_group": lambda tables: tables.read_group(0, 0),
    "snapshot": lambda tables: tables.snapshot(0, [0]),
    "commit": lambda tables: tables.commit(0, SECOND),
    "mark": lambda tables: tables.mark(StreamMark("a", 1, "{}")),
    "read_mark": lambda tables: tables.read_mark(),
    "switch": lambda tables: tables.switch(StreamMark("a", 1, "{}"), StreamMark("b", 1, "{}")),
    "discard": lambda tables: tables.discard(0),
    "note": lambda tables: tables.note("shown", b"x"),
}
WRITES = ("commit", "mark", "note")


@pytest.fixture
async def tables(redis_server: Redis) -> AsyncIterator[RedisTables]:
    """Tables on a Redis of the test's own, with one commit in them."""
    keep_everything(redis_server)
    async with redis_tables(redis_server.url, "t", timeout_seconds=TIMEOUT_SECONDS) as under_test:
        await under_test.commit(0, FIRST)
        yield under_test


def keep_everything(server: Redis) -> None:
    """Have a server that is killed keep what it acknowledged: on a busy disk, `everysec` may write later."""
    with server.client() as client:
        client.config_set("appendfsync", "always")


async def until_there(call: Callable[[], Awaitable[None]], *, seconds: float = 20.0) -> None:
    """Try again until Redis answers, as a partition does."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await call()
            except TablesUnavailable:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", list(CALLS))
async def test_every_call_to_a_redis_that_was_killed_says_that_it_is_away(
    name: str, tables: RedisTables, redis_server: Redis
) -> None:
    """An error of another kind would halt the partition, and a person would have to come."""
    redis_server.kill()
    with pytest.raises(TablesUnavailable):
        await CALLS[name](tables)


async def test_tables_go_on_when_a_killed_redis_is_back(tables: RedisTables, redis_server: Redis) -> None:
    """The same tables, without a new connection from outside: a restart of Redis is nobody's business."""
    redis_server.kill()
    with pytest.raises(TablesUnavailable):
        await tables.commit(0, SECOND)
    redis_server.start()
    await until_there(lambda: tables.commit(0, SECOND))
    assert await LOOK.of(tables) == AFTER_SECOND


async def test_a_commit_whose_answer_was_lost_is_there_once(
    tables: RedisTables, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis stood still with the commit in its socket, and did it later: the second try must find that it is done."""
    ask = commit._ask  # there is no other moment between the look and the commit

    async def stand_still_after_the_look(connection: Any, commands: Any) -> list[Any]:
        if commands[-1] == ("EXEC",):
            redis_server.pause()
        return await ask(connection, commands)

    monkeypatch.setattr(commit, "_ask", stand_still_after_the_look)
    with pytest.raises(TablesUnavailable):
        await tables.commit(0, SECOND)
    monkeypatch.undo()
    redis_server.resume()
    async with asyncio.timeout(10):
        while (await tables.load(0)).head != SECOND.head:
            await asyncio.sleep(0.01)
    await tables.commit(0, SECOND)
    assert await LOOK.of(tables) == AFTER_SECOND


async def test_a_late_commit_of_a_writer_that_was_overtaken_changes_nothing(
    tables: RedisTables, redis_server: Redis
) -> None:
    """It lay in a socket while its partition went to somebody else."""
    async with redis_tables(redis_server.url, "t") as successor:
        rival = SECOND._replace(head=a_head(2, signup=9), states={"a": b"rival"})
        await successor.commit(0, rival)
        before = await LOOK.of(successor)
        with pytest.raises(Conflict) as conflict:
            await tables.commit(0, SECOND)
        assert conflict.value.stored == {"signup": 9}
        assert await LOOK.of(successor) == before


async def test_a_redis_that_lost_its_last_moments_refuses_the_next_commit(
    tables: RedisTables, redis_server: Redis
) -> None:
    """The writer must go back to what is stored; going on would leave a hole that nobody sees."""
    moment = redis_server.remember()
    await tables.commit(0, SECOND)
    redis_server.restart_from(moment)
    third = a_commit(SECOND.head, a_head(3, signup=3), states={"a": b"3"})
    with pytest.raises(Conflict) as conflict:
        await until_there(lambda: tables.commit(0, third))
    assert conflict.value.stored == {"signup": 1}
    assert await LOOK.of(tables) == AFTER_FIRST


REFUSALS: dict[str, tuple[str, str]] = {
    "full": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
    "too few replicas": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
    "demoted to a replica": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
}


@pytest.mark.parametrize("case", list(REFUSALS))
@pytest.mark.parametrize("name", WRITES)
async def test_a_redis_that_takes_no_writes_for_now_is_waited_for(
    case: str, name: str, tables: RedisTables, redis_server: Redis
) -> None:
    """It is full, or its replicas are away, or a fail-over is under way: it mends, and nothing may be half written."""
    refuse, mend = REFUSALS[case]
    with redis_server.client() as client:
        client.execute_command(*refuse.split())
        with pytest.raises(TablesUnavailable):
            await CALLS[name](tables)
        client.execute_command(*mend.split())
    assert await LOOK.of(tables) == AFTER_FIRST
    await tables.commit(0, SECOND)
    assert await LOOK.of(tables) == AFTER_SECOND


@contextlib.contextmanager
def a_script_that_does_not_end(server: Redis) -> Iterator[None]:
    """Keep the server busy with another client's script; it answers BUSY to everybody."""
    with server.client() as client, server.client() as killer:
        client.config_set("busy-reply-threshold", 20)
        connection = client.connection_pool.get_connection()
        connection.send_command("EVAL", "while true do end", 0)
        try:
            wait_until(lambda: _is_busy(killer), seconds=10.0, what="BUSY")
            yield
        finally:
            killer.script_kill()
            connection.disconnect()


def _is_busy(client: redis.Redis) -> bool:
    try:
        return not client.ping()
    except redis.ResponseError as error:
        return str(error).startswith("BUSY")


@pytest.mark.parametrize("name", list(CALLS))
async def test_a_redis_that_is_busy_with_a_script_is_waited_for(
    name: str, tables: RedisTables, redis_server: Redis
) -> None:
    """Another application's slow script is no fault of the stream."""
    with a_script_that_does_not_end(redis_server), pytest.raises(TablesUnavailable, match="BUSY"):
        await CALLS[name](tables)
    await until_there(lambda: tables.commit(0, SECOND))
    assert await LOOK.of(tables) == AFTER_SECOND


async def test_connecting_to_a_redis_that_is_not_there_says_so(redis_server: Redis) -> None:
    """A worker that starts before its Redis waits."""
    redis_server.kill()
    with pytest.raises(TablesUnavailable):
        await connect(redis_server.url, timeout_seconds=TIMEOUT_SECONDS)


def slot_of(cluster: RedisCluster, partition: int) -> tuple[int, Redis]:
    """Return a partition's slot, and the node that has it."""
    with cluster.nodes[0].client() as client:
        slot = int(client.execute_command("CLUSTER", "KEYSLOT", f"t:{{{partition}}}:h"))
    return slot, cluster.nodes[slot * len(cluster.nodes) // SLOTS]


async def test_a_partition_whose_cluster_node_is_down_waits_while_others_go_on(redis_cluster: RedisCluster) -> None:
    """One node of many is often away; the partitions of the others must not notice."""
    _, node = slot_of(redis_cluster, 0)
    keep_everything(node)
    other = next(p for p in range(1, 100) if slot_of(redis_cluster, p)[1] is not node)
    async with redis_tables(redis_cluster.url, "t", timeout_seconds=TIMEOUT_SECONDS) as tables:
        await tables.commit(0, FIRST)
        await tables.commit(other, FIRST)
        for each in redis_cluster.nodes:
            with each.client() as client:
                client.config_set("cluster-require-full-coverage", "no")
        node.kill()
        with pytest.raises(TablesUnavailable):
            await tables.commit(0, SECOND)
        await until_there(lambda: tables.commit(other, SECOND))
        assert await LOOK.of(tables, other) == AFTER_SECOND
        node.start()
        redis_cluster.wait_until_well()
        await until_there(lambda: tables.commit(0, SECOND))
        assert await LOOK.of(tables) == AFTER_SECOND


class Move:
    """A slot on its way from one node of a cluster to another."""

    def __init__(self, cluster: RedisCluster, slot: int, source: Redis) -> None:
        self.cluster, self.slot, self.source = cluster, slot, source
        self.target = next(node for node in cluster.nodes if node is not source)
        self.ids = {node.port: self._id(node) for node in cluster.nodes}

    @staticmethod
    def _id(node: Redis) -> str:
        with node.client() as client:
            return bytes(client.execute_command("CLUSTER", "MYID")).decode()

    def _slot(self, node: Redis, *words: str) -> None:
        with node.client() as client:
            client.execute_command("CLUSTER", "SETSLOT", self.slot, *words)

    def begin(self) -> None:
        """Announce the move on both sides."""
        self._slot(self.target, "IMPORTING", self.ids[self.source.port])
        self._slot(self.source, "MIGRATING", self.ids[self.target.port])

    def move(self, keys: list[str]) -> None:
        """Move keys, if any."""
        if not keys:
            return
        with self.source.client() as client:
            client.execute_command("MIGRATE", "127.0.0.1", self.target.port, "", 0, 5000, "KEYS", *keys)

    def finish(self) -> None:
        """Move what is left, and say that the slot has a new home."""
        with self.source.client() as client:
            left = client.execute_command("CLUSTER", "GETKEYSINSLOT", self.slot, 1000)
        self.move([key.decode() for key in left])
        for node in (self.target, self.source, *self.cluster.nodes):
            self._slot(node, "NODE", self.ids[self.target.port])


@pytest.mark.parametrize("moved", [["t:{0}:s:a", "t:{0}:c:0"], ["t:{0}:h"], ["t:{0}:n:plan"], ["t:{0}:s:b"], []])
async def test_a_commit_while_its_slot_moves_is_all_or_nothing(moved: list[str], redis_cluster: RedisCluster) -> None:
    """A cluster that grows moves slots key by key: a commit that finds only some of its keys may not begin to write."""
    slot, source = slot_of(redis_cluster, 0)
    move = Move(redis_cluster, slot, source)
    async with redis_tables(redis_cluster.url, "t", timeout_seconds=TIMEOUT_SECONDS) as tables:
        await tables.commit(0, FIRST)
        move.begin()
        move.move(moved)
        with pytest.raises(TablesUnavailable):
            await tables.commit(0, SECOND)
        move.finish()
        await until_there(lambda: tables.commit(0, FIRST))
        assert await LOOK.of(tables) == AFTER_FIRST
        await tables.commit(0, SECOND)
        assert await LOOK.of(tables) == AFTER_SECOND
    move_back(move)


def move_back(move: Move) -> None:
    """Give the slot back, for the next test."""
    back = Move(move.cluster, move.slot, move.target)
    back.target = move.source
    back.begin()
    back.finish()


async def test_a_redis_that_may_forget_is_refused(tmp_path: Path) -> None:
    """Numbers that vanish with a restart are worse than a worker that does not start."""
    server = Redis(tmp_path, fsync=None, options=("--maxmemory-policy", "allkeys-lru"))
    server.start()
    try:
        client = await connect(server.url)
        with pytest.raises(ConfigurationError, match=r"allkeys-lru.*noeviction.*appendonly"):
            await check_durability(client, address="redis://h", allow_unsafe=False)
        assert len(await check_durability(client, address="redis://h", allow_unsafe=True)) == 2
        await client.aclose()
    finally:
        server.kill()


async def test_a_redis_that_keeps_everything_is_accepted(redis_server: Redis) -> None:
    """The check must let the right one in."""
    client = await connect(redis_server.url)
    assert await check_durability(client, address="redis://h", allow_unsafe=False) == []
    await client.aclose()


@pytest.mark.parametrize("number", range(3))
async def test_one_node_of_a_cluster_that_evicts_is_found(number: int, redis_cluster: RedisCluster) -> None:
    """A third of the partitions lie on it."""
    with redis_cluster.nodes[number].client() as client:
        client.config_set("maxmemory-policy", "volatile-lru")
    try:
        cluster = await connect(redis_cluster.url)
        with pytest.raises(ConfigurationError, match="volatile-lru"):
            await check_durability(cluster, address="redis://h", allow_unsafe=False)
        await cluster.aclose()
    finally:
        with redis_cluster.nodes[number].client() as client:
            client.config_set("maxmemory-policy", "noeviction")


class _EndedWriter:
    """Stands for a connection's writer whose transport somebody else has closed."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def writelines(self, _: object) -> None:
        """Fail as asyncio or uvloop does."""
        raise self._error

    def close(self) -> None:
        """Do nothing: it is closed."""


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("'NoneType' object has no attribute 'writelines'"),
        RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
    ],
)
async def test_connection_that_somebody_else_ends_amid_a_write_is_a_redis_that_does_not_answer(
    tables: RedisTables, error: Exception
) -> None:
    """A cluster's client does that when it looks for its nodes anew; taken for a fault of ours it halts a partition."""
    pool = tables._redis.connection_pool
    connection = await pool.get_connection()
    connection._writer = _EndedWriter(error)
    await pool.release(connection)
    with pytest.raises(TablesUnavailable, match="was ended meanwhile"):
        await tables.read_head(0)
    assert await tables.read_head(0) == FIRST.head
