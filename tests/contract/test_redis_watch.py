"""A Redis whose configuration is changed under a running worker: the worker goes on, and says so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from services.process import free_port, wait_until
from services.redis import Redis
from services.redis_cluster import SLOTS, RedisCluster
from streams.metrics.meters import Meters
from tenure.worker.redis_watch import RedisWatch
from tests.contract.tables import redis_tables

CHANGES: Final = {
    "evicts": ("maxmemory-policy", "allkeys-lru", "noeviction"),
    "does not persist": ("appendonly", "no", "yes"),
}


def shown(meters: Meters) -> float | None:
    """Return what /metrics says."""
    return meters.registry.get_sample_value("tenure_redis_unsafe")


@pytest.mark.parametrize("change", list(CHANGES))
async def test_a_redis_that_became_unsafe_is_told_once_until_it_is_safe_again(change: str, redis_server: Redis) -> None:
    """The start-up check has passed; what is lost by eviction, nobody would notice but by wrong numbers."""
    option, unsafe, safe = CHANGES[change]
    meters = Meters()
    with capture_logs() as logs, redis_server.client() as client:
        async with redis_tables(redis_server.url, "t") as tables:
            watch = RedisWatch(tables, meters)
            values = []
            for value in (safe, unsafe, unsafe, safe, unsafe):
                client.config_set(option, value)
                await watch.look()
                values.append(shown(meters))
    assert values == [0, 1, 1, 0, 1]
    assert [line["event"] for line in logs] == ["redis_unsafe", "redis_safe_again", "redis_unsafe"]
    assert [line["log_level"] for line in logs] == ["warning", "info", "warning"]
    assert option in logs[0]["finding"]


async def test_what_was_found_holds_while_redis_is_away(redis_server: Redis) -> None:
    """An alert must not end because nobody can look."""
    meters = Meters()
    with redis_server.client() as client:
        client.config_set("appendonly", "no")
    async with redis_tables(redis_server.url, "t") as tables:
        watch = RedisWatch(tables, meters)
        await watch.look()
        redis_server.kill()
        await watch.look()
    assert shown(meters) == 1


async def test_a_watch_looks_again_and_again(redis_server: Redis) -> None:
    """A change comes when nobody expects it."""
    meters = Meters()
    async with redis_tables(redis_server.url, "t") as tables, asyncio.timeout(20):
        task = asyncio.create_task(RedisWatch(tables, meters, pause_seconds=0.01).run())
        for value, expected in (("allkeys-lru", 1), ("noeviction", 0), ("allkeys-lru", 1)):
            with redis_server.client() as client:
                client.config_set("maxmemory-policy", value)
            while shown(meters) != expected:
                await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})


async def test_cluster_of_one_node_is_looked_at(tmp_path: Path) -> None:
    """The client answers for it as it does for one Redis, and not node by node."""
    server = Redis(tmp_path, options=("--cluster-enabled", "yes", "--cluster-port", str(free_port())))
    server.start()
    try:
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
            asked = ("CLUSTER", "INFO")
            wait_until(lambda: b"state:ok" in client.execute_command(*asked), seconds=20, what="a cluster")
            client.config_set("maxmemory-policy", "allkeys-lru")
        async with redis_tables(server.url, "t") as tables:
            (finding,) = await tables.unsafe()
        assert "allkeys-lru" in finding
    finally:
        server.kill()


async def test_one_node_of_a_cluster_that_became_unsafe_is_found(redis_cluster: RedisCluster) -> None:
    """A part of the partitions lie on it."""
    meters = Meters()
    async with redis_tables(redis_cluster.url, "t") as tables:
        with redis_cluster.nodes[2].client() as client:
            client.config_set("maxmemory-policy", "allkeys-random")
            try:
                await RedisWatch(tables, meters).look()
            finally:
                client.config_set("maxmemory-policy", "noeviction")
    assert shown(meters) == 1
