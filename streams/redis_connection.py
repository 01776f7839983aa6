"""Connections to Redis or Redis Cluster: how they are made, what their errors mean to us, and whether Redis keeps data.

Not here: what is stored (`streams.redis_tables`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import hiredis
import redis.asyncio as redis
from redis.asyncio.cluster import RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ExecAbortError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from streams.errors import ConfigurationError, TablesUnavailable
from streams.redis_refusal import refusal_of

_Result = TypeVar("_Result")
_Client = Any  # redis.asyncio.Redis | RedisCluster: their commands are typed as sync or async, which helps nobody
#: answers of a Redis that will be able to do it later
_LATER: Final = (
    TryAgainError,
    MovedError,
    AskError,
    ClusterDownError,
    MasterDownError,
    ReadOnlyError,
    OutOfMemoryError,
    ExecAbortError,
)
#: those of them that have no class of their own
_LATER_CODES: Final = ("BUSY", "MISCONF", "NOREPLICAS", "UNKILLABLE")


class _PackingInC:
    """What connections get, so that commands are packed in C: the client's own way takes five times as long."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return a command as Redis reads it; see redis.asyncio.Connection."""
        name = args[0].encode() if isinstance(args[0], str) else args[0]
        return [hiredis.pack_command((*name.split(), *args[1:]))]  # CONFIG GET is two words


def _packing_in_c(connection: type[Any]) -> type[Any]:
    """Return a class of connections whose commands are packed in C."""
    return type(f"{connection.__name__}PackingInC", (_PackingInC, connection), {})


async def connect(url: str, *, timeout_seconds: float = 5.0) -> _Client:
    """Return a client of the Redis at a URL; a cluster's client where it is one.

    Raises:
        TablesUnavailable: It does not answer.
        ConfigurationError: It answers, and does not let us in.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
    }
    client = redis.Redis.from_url(url, **options)
    pool = client.connection_pool
    pool.connection_class = _packing_in_c(pool.connection_class)
    try:
        info = await asked(lambda: client.info("cluster"))
    except (TablesUnavailable, ResponseError) as error:
        await client.aclose()
        refusal = refusal_of(url, error if isinstance(error, ResponseError) else error.__cause__ or error)
        raise refusal or error from error
    if not info.get("cluster_enabled"):
        return client
    await client.aclose()
    cluster = RedisCluster.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds)
    options = cluster.connection_kwargs  # of nodes that it finds from now on
    options["connection_class"] = _packing_in_c(options["connection_class"])
    return cluster


async def asked(call: Callable[[], Awaitable[_Result]]) -> _Result:
    """Await a call to Redis, with its errors as ours.

    Raises:
        TablesUnavailable: It does not answer, or not yet.
    """
    try:
        return await call()
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise TablesUnavailable("Redis", str(error) or type(error).__name__) from error
    except ResponseError as error:
        if isinstance(error, _LATER) or str(error).startswith(_LATER_CODES):
            raise TablesUnavailable("Redis", f"{type(error).__name__}: {error}") from error
        raise
    except (RedisError, RedisClusterException) as error:
        raise TablesUnavailable("Redis", f"{type(error).__name__}: {error}") from error


async def _infos(client: _Client, section: str) -> list[dict[str, Any]]:
    """Return a section of what each node says of itself."""
    if not isinstance(client, RedisCluster):
        return [await asked(lambda: client.info(section))]
    by_node = await asked(lambda: client.info(section, target_nodes=RedisCluster.PRIMARIES))
    if len(client.get_primaries()) == 1:
        return [by_node]  # the client then answers as one Redis would
    return [by_node[node] for node in sorted(by_node)]


async def unsafe_of(client: _Client) -> list[str]:
    """Return, in words, how a Redis may lose what it was told to keep; empty where it may not."""
    found: list[str] = []
    for memory, persistence in zip(await _infos(client, "memory"), await _infos(client, "persistence"), strict=True):
        policy = memory.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            found.append(f"it evicts (maxmemory-policy {policy}): set it to noeviction")
        if not persistence.get("aof_enabled"):
            found.append("it keeps nothing across a restart: set appendonly to yes")
    return list(dict.fromkeys(found))


async def check_durability(client: _Client, *, address: str, allow_unsafe: bool) -> list[str]:
    """Refuse a Redis that may lose what it was told to keep.

    Args:
        client: The client.
        address: Of that Redis, without its password, for the message.
        allow_unsafe: True returns what was found instead of refusing.

    Returns:
        See `unsafe_of`.

    Raises:
        ConfigurationError: It evicts, or does not persist.
    """
    found = await unsafe_of(client)
    if found and not allow_unsafe:
        advice = f"this Redis may lose numbers: {' and '.join(found)}; or set TENURE_ALLOW_UNSAFE_REDIS=true"
        raise ConfigurationError("TENURE_REDIS_URL", address, advice)
    return found
