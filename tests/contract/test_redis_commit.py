"""The transaction beneath a commit: whatever stops it, nothing is half done, and its connection is clean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from services.redis import Redis
from services.redis_cluster import RedisCluster
from streams.errors import Conflict, StateUnreadable, TablesUnavailable
from streams.partition.state import read_head
from streams.redis import commit
from streams.redis.tables import RedisTables
from tests.contract.tables import Everything, a_commit, a_head, amounts_of, redis_tables, write_all

FIRST: Final = a_commit(None, a_head(1, signup=1), states={"a": b"1"}, cells={0: {0: 1}})
SECOND: Final = a_commit(
    FIRST.head, a_head(2, signup=2), states={"a": b"2", "c": b"2"}, cells={0: {0: 2}, 1: {0: 2}}, names={"plan": ["x"]}
)
#: the second, which writes all to its place besides
WRITING: Final = write_all([FIRST, SECOND])
LOOK: Final = Everything(["a", "c"], [0, 1])
AFTER_FIRST: Final[tuple[object, ...]] = (FIRST.head, {}, [b"1", None], {0: {0: 1}, 1: {}})
AFTER_SECOND: Final[tuple[object, ...]] = (SECOND.head, {"plan": ["x"]}, [b"2", b"2"], {0: {0: 2}, 1: {0: 2}})
STEPS: Final = {"look": ("WATCH", "t:{0}:h", "t:{0}:b"), "write": ("EXEC",)}


def home_of(cluster: RedisCluster) -> Redis:
    """Return the node that has partition 0."""
    with cluster.nodes[0].client() as client:
        slot = int(client.execute_command("CLUSTER", "KEYSLOT", "t:{0}:h"))
    return cluster.nodes[slot * len(cluster.nodes) // 16384]


@pytest.fixture(params=["alone", "cluster"])
def server(request: pytest.FixtureRequest) -> Redis:
    """The Redis that has partition 0."""
    if request.param == "alone":
        alone: Redis = request.getfixturevalue("redis_server")
        return alone
    return home_of(request.getfixturevalue("redis_cluster"))


@pytest.fixture
async def tables(server: Redis) -> AsyncIterator[RedisTables]:
    """Tables with one commit in them."""
    async with redis_tables(server.url, "t", timeout_seconds=0.4) as under_test:
        await under_test.commit(0, FIRST)
        yield under_test


def unclean(server: Redis) -> list[dict[str, str]]:
    """Return the clients that are in the middle of a transaction."""
    with server.client() as client:
        return [each for each in client.client_list() if each["multi"] != "-1" or int(each.get("watch", 0))]


async def until_clean(server: Redis) -> None:
    """Wait until no transaction is open; a connection is closed by the event loop's next turn."""
    async with asyncio.timeout(10):
        while unclean(server):
            await asyncio.sleep(0.01)


async def commit_and_stop(
    tables: RedisTables, server: Redis, monkeypatch: pytest.MonkeyPatch, *, step: str, cancel: bool
) -> None:
    """Have Redis stand still before a step of a commit, and end the commit there: by its time-out, or from outside."""
    ask, there = commit._ask, asyncio.Event()

    async def stand_still(connection: Any, commands: Any) -> list[Any]:
        if STEPS[step] in commands:
            server.pause()
            there.set()
        return await ask(connection, commands)

    monkeypatch.setattr(commit, "_ask", stand_still)
    task = asyncio.create_task(tables.commit(0, SECOND))
    await there.wait()
    await asyncio.sleep(0.05)  # the commands lie in the socket
    if cancel:
        task.cancel()
    with pytest.raises(asyncio.CancelledError if cancel else TablesUnavailable):
        await task
    monkeypatch.undo()
    server.resume()


@pytest.mark.parametrize("cancel", [False, True], ids=["timed out", "cancelled"])
@pytest.mark.parametrize("step", list(STEPS))
async def test_commit_that_is_stopped_in_the_middle_leaves_all_or_nothing_and_no_transaction_open(
    step: str, cancel: bool, tables: RedisTables, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooled connection with a transaction open would queue what is sent next, and take the answer for its own."""
    await commit_and_stop(tables, server, monkeypatch, step=step, cancel=cancel)
    await until_clean(server)
    async with asyncio.timeout(10):
        while await LOOK.of(tables) not in ([AFTER_FIRST] if step == "look" else [AFTER_FIRST, AFTER_SECOND]):
            await asyncio.sleep(0.01)
    await tables.commit(0, SECOND)
    assert await LOOK.of(tables) == AFTER_SECOND


async def test_connections_are_clean_after_a_conflict_and_a_refusal(tables: RedisTables, server: Redis) -> None:
    """Both end in the middle of a transaction."""
    with pytest.raises(Conflict):
        await tables.commit(0, SECOND._replace(expected=a_head(7)))
    assert unclean(server) == []
    with server.client() as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(TablesUnavailable, match="OutOfMemory"):
            await tables.commit(0, SECOND)
        client.config_set("maxmemory", "0")
    assert unclean(server) == []
    assert await LOOK.of(tables) == AFTER_FIRST
    await tables.commit(0, SECOND)
    assert await LOOK.of(tables) == AFTER_SECOND


async def test_connection_is_closed_where_the_look_was_refused(tables: RedisTables, server: Redis) -> None:
    """The transaction was begun all the same, and Redis would queue whatever comes next on that connection."""
    with server.client() as client:
        client.delete("t:{0}:h")
        client.lpush("t:{0}:h", "not ours")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await tables.commit(0, SECOND)
    await until_clean(server)
    with server.client() as client:
        client.delete("t:{0}:h")
        client.set("t:{0}:h", FIRST.head)
    assert await LOOK.of(tables) == AFTER_FIRST


@pytest.mark.parametrize("rival", [FIRST.head, a_head(2, signup=9)], ids=["as it was", "another"])
async def test_head_that_is_written_after_the_look_stops_the_commit(
    rival: bytes, tables: RedisTables, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis then carries out nothing, also where the head holds what it held: that must not pass for done."""
    ask = commit._ask

    async def be_overtaken(connection: Any, commands: Any) -> list[Any]:
        if ("EXEC",) in commands:
            with server.client() as client:
                client.set("t:{0}:h", rival)
        return await ask(connection, commands)

    monkeypatch.setattr(commit, "_ask", be_overtaken)
    with pytest.raises(TablesUnavailable if rival == FIRST.head else Conflict):
        await tables.commit(0, SECOND)
    monkeypatch.undo()
    assert await LOOK.of(tables) == (rival, *AFTER_FIRST[1:])
    assert unclean(server) == []


@pytest.mark.parametrize("foreign", ["t:{0}:c:1", "t:{0}:n:plan"])
async def test_commit_that_redis_carried_out_in_part_halts_the_partition_for_good(
    foreign: str, tables: RedisTables, server: Redis
) -> None:
    """Somebody else wrote a key of ours; whoever took the new head for a commit would go on with wrong numbers."""
    with server.client() as client:
        client.set(foreign, "not ours")
    with pytest.raises(StateUnreadable, match=r"in part.*t \(WRONGTYPE.*TENURE_REDIS_PREFIX"):
        await tables.commit(0, WRITING)
    with server.client() as client:
        client.delete(foreign)
    with pytest.raises(StateUnreadable, match=r"no head of ours.*TENURE_REDIS_PREFIX"):
        read_head(0, await tables.load(0))  # as whoever starts next does


async def test_commit_that_was_done_in_part_is_never_taken_for_whole(
    server: Redis, tables: RedisTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost before the head can be marked: the next try finds its own head there."""
    with server.client() as client:
        client.set("t:{0}:c:0", "not ours")

    async def lose(*_: object) -> None:
        raise RedisConnectionError("planted")

    with monkeypatch.context() as context:
        context.setattr(tables._redis, "set", lose)
        with pytest.raises(TablesUnavailable):
            await tables.commit(0, WRITING)
    with pytest.raises(StateUnreadable, match="in part"):
        await tables.commit(0, WRITING)
    with pytest.raises(StateUnreadable, match="no head of ours"):
        read_head(0, await tables.load(0))


async def test_commit_of_two_hundred_thousand_states_goes_through(server: Redis) -> None:
    """A batch may be that large; answers that nobody reads while commands are sent must not block both sides."""
    states = {f"customer-{number}": b"x" * 190 for number in range(200_000)}
    cells = {group: dict.fromkeys(range(5_001), group) for group in range(10)}
    first = a_commit(None, a_head(1), states=states, cells=cells)
    second = write_all([first, a_commit(first.head, a_head(2))])
    async with redis_tables(server.url, "t") as tables:
        for commit in (first, second):
            await tables.commit(0, commit)
            assert (await tables.load(0)).head == commit.head
            assert await tables.read_states(0, list(states)) == list(states.values())
            assert amounts_of((await tables.snapshot(0, [9]))[1]) == {9: cells[9]}


async def test_slot_that_no_node_has_is_waited_for(redis_cluster: RedisCluster) -> None:
    """So it is for a moment when a node is taken out of a cluster by hand."""
    node = home_of(redis_cluster)
    with node.client() as client:
        slot = int(client.execute_command("CLUSTER", "KEYSLOT", "t:{0}:h"))
    async with redis_tables(redis_cluster.url, "t", timeout_seconds=0.4) as tables:
        await tables.commit(0, FIRST)
        for each in redis_cluster.nodes:
            with each.client() as client:
                client.config_set("cluster-require-full-coverage", "no")
                client.execute_command("CLUSTER", "DELSLOTS", slot)
        try:
            for _ in range(3):  # the client looks at the cluster anew in between
                with pytest.raises(TablesUnavailable):
                    await tables.commit(0, SECOND)
        finally:
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTS", slot)
            redis_cluster.wait_until_well()
