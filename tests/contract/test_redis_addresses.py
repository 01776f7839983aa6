"""Tables behind Sentinels, and in a cluster of which a node is down: whoever is asked first need not be there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from services.process import free_port, wait_until
from services.redis import Redis
from services.redis_cluster import RedisCluster
from services.redis_sentinel import SERVICE, RedisSentinel
from streams.errors import ConfigurationError, Conflict, TablesUnavailable
from streams.redis.connection import connect
from streams.redis.tables import RedisTables
from tests.contract.tables import Everything, a_commit, a_head, redis_tables

PASSWORD: Final = "corr3ct-h0rse"
FIRST: Final = a_commit(None, a_head(1, signup=1), states={"a": b"1"}, cells={0: {0: 1}})
SECOND: Final = a_commit(FIRST.head, a_head(2, signup=2), states={"a": b"2"}, cells={0: {0: 2}})
THIRD: Final = a_commit(SECOND.head, a_head(3, signup=3), states={"a": b"3"}, cells={0: {0: 3}})
LOOK: Final = Everything(["a"], [0])
TIMEOUT_SECONDS: Final = 0.4


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[RedisSentinel]:
    """A primary with a replica behind a Sentinel; all of them ask for a password."""
    servers = RedisSentinel(tmp_path, password=PASSWORD)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture
async def tables(behind: RedisSentinel) -> AsyncIterator[RedisTables]:
    """Tables behind a Sentinel, with one commit that the replica has too."""
    async with redis_tables(behind.url, "t", timeout_seconds=TIMEOUT_SECONDS) as under_test:
        await under_test.commit(0, FIRST)
        wait_until(lambda: has(behind.servers[1], FIRST.head), seconds=10.0, what="the commit at the replica")
        yield under_test


def has(server: Redis, head: bytes | None) -> bool:
    """Whether a server holds a head of partition 0."""
    with server.client() as client:
        return bool(client.get("t:{0}:h") == head)


async def until_there(call: Callable[[], Awaitable[None]]) -> None:
    """Call until it is answered, as whoever waits for Redis does."""
    async with asyncio.timeout(30):
        while True:
            try:
                await call()
            except TablesUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("how", ["killed", "stands still"])
async def test_commits_go_on_at_the_replica_that_sentinels_made_the_primary(
    how: str, tables: RedisTables, behind: RedisSentinel
) -> None:
    """A fail-over that needs somebody to restart workers is none."""
    first = behind.servers[0]
    if how == "killed":
        first.kill()
    else:
        first.pause()
    behind.until_failed_over()
    await until_there(lambda: tables.commit(0, SECOND))
    assert await LOOK.of(tables) == (SECOND.head, {}, [b"2"], {0: {0: 2}})
    assert has(behind.servers[1], SECOND.head)
    if how == "stands still":  # it is demoted when it is back, and what it then says is not taken for the tables
        first.resume()
        behind.until_demoted()
        await until_there(lambda: tables.commit(0, THIRD))
        assert has(behind.servers[1], THIRD.head)


async def test_commit_that_a_fail_over_lost_is_noticed_by_the_next_one(
    tables: RedisTables, behind: RedisSentinel
) -> None:
    """Redis acknowledges before its replica has it: the writer must go back, or a batch is missing in every number."""
    replica = behind.servers[1]
    replica.pause()
    with behind.servers[0].client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    await tables.commit(0, SECOND)
    behind.servers[0].kill()
    replica.resume()
    behind.until_failed_over()
    with pytest.raises(Conflict) as conflict:
        await until_there(lambda: tables.commit(0, THIRD))
    assert conflict.value.stored == {"signup": 1}
    assert await LOOK.of(tables) == (FIRST.head, {}, [b"1"], {0: {0: 1}})
    await tables.commit(0, SECOND)


@pytest.mark.usefixtures("tables")
async def test_server_that_a_sentinel_wrongly_takes_for_the_primary_is_not_read(behind: RedisSentinel) -> None:
    """A replica answers reads, and may be far behind."""
    with behind.servers[0].client() as client:
        client.replicaof("127.0.0.1", behind.servers[1].port)  # behind the Sentinel's back
    with pytest.raises(TablesUnavailable, match="no primary"):
        async with redis_tables(behind.url, "t", timeout_seconds=TIMEOUT_SECONDS) as others:
            await others.load(0)


async def test_wrong_name_of_the_primary_and_wrong_passwords_are_refused(behind: RedisSentinel) -> None:
    """A worker would wait for ever for what nobody knows."""
    with pytest.raises(ConfigurationError, match=f"no primary 'order' but {SERVICE}"):
        await connect(behind.url.replace(f"/{SERVICE}/", "/order/"))
    with pytest.raises(ConfigurationError, match="a Sentinel refuses its name or password"):
        await connect(behind.url.replace(f"sentinel_password={PASSWORD}", "sentinel_password=wr0ng"))
    with pytest.raises(ConfigurationError, match="Redis refuses its name or password") as caught:
        await connect(behind.url.replace(f":{PASSWORD}@", ":wr0ng@"))
    assert PASSWORD not in str(caught.value)


async def test_sentinels_that_are_away_are_waited_for(behind: RedisSentinel) -> None:
    """A worker may start before they do."""
    behind.sentinel.kill()
    with pytest.raises(TablesUnavailable):
        await connect(behind.url, timeout_seconds=TIMEOUT_SECONDS)


async def test_socket_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """It has neither host nor port nor certificate; a worker may start before its Redis does."""
    with pytest.raises(TablesUnavailable, match="does not answer"):
        await connect(f"unix://{tmp_path}/redis.sock")


async def test_cluster_is_found_when_the_first_node_that_is_named_is_down(redis_cluster: RedisCluster) -> None:
    """A worker that starts while one node is away would otherwise wait for that one."""
    servers = ",".join(f"127.0.0.1:{node.port}" for node in redis_cluster.nodes)
    async with redis_tables(f"redis://127.0.0.1:{free_port()},{servers}", "t") as tables:
        await tables.commit(0, FIRST)
        assert (await tables.load(0)).head == FIRST.head
        assert await tables.unsafe() == []


async def test_servers_that_are_no_cluster_and_a_database_of_one_are_refused(
    redis_server: Redis, redis_cluster: RedisCluster
) -> None:
    """Which of two servers holds the tables is not for us to guess; a cluster has no databases."""
    with pytest.raises(ConfigurationError, match="no cluster"):
        await connect(f"redis://127.0.0.1:{redis_server.port},127.0.0.1:{redis_cluster.nodes[0].port}")
    with pytest.raises(ConfigurationError, match="SELECT is not allowed"):
        await connect(f"redis://127.0.0.1:{redis_cluster.nodes[0].port}/1")
