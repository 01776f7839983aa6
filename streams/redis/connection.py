"""Connections to Redis: how they are made, what their errors mean to us, and whether Redis keeps data.

Redis is one server, the primary that Sentinels name, or a cluster.
Not here: how the address is written (`streams.settings.redis_address`) and what is stored (`streams.redis.tables`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import hiredis
import redis.asyncio as redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ExecAbortError,
    MasterDownError,
    MovedError,
    NoPermissionError,
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

from streams.errors import Cause, ConfigurationError, TablesUnavailable
from streams.redis.errors import certificate_refusal, check_certificate, cluster_refusal, refusal_of, sentinel_refusal
from streams.settings.redis_address import RedisAddress, read_address
from streams.tasks import heeding_cancellation

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
_LATER_CODES: Final = ("BUSY", "INPROG", "MISCONF", "NOREPLICAS", "UNKILLABLE")
#: answers of a Redis that does not let us; somebody may give us the right while we wait
_REFUSALS: Final = (AuthenticationError, AuthorizationError, NoPermissionError)
#: the same in words: where it has no class of its own, and where a script was refused a command
_REFUSAL_WORDS: Final = ("DENIED", "NOAUTH", "NOPERM", "WRONGPASS")
_IN_SCRIPTS: Final = ("ACL failure in script", "The user executing the script can't", "unknown command")
_SILENCES: Final = (RedisConnectionError, RedisTimeoutError, OSError)


class _PackingInC:
    """A connection class that packs commands in C: the client's own way takes five times as long.

    A cluster's client ends connections that others still write to when it looks for its nodes anew; what becomes of the
    write then is no error of Redis, nor of the network. Here it is one, so that it is tried again.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return a command as Redis reads it; see redis.asyncio.Connection."""
        name = args[0].encode() if isinstance(args[0], str) else args[0]
        return [hiredis.pack_command((*name.split(), *args[1:]))]  # CONFIG GET is two words

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send a command; see redis.asyncio.Connection.

        Raises:
            ConnectionError: Also where somebody else has ended the connection meanwhile.
        """
        connection: Any = super()
        try:
            await connection.send_packed_command(command, check_health)
        except (AttributeError, RuntimeError) as error:
            # There is no writer any more, or its transport is closed: uvloop says so by a RuntimeError.
            if getattr(self, "_writer", None) is None:
                raise RedisConnectionError(f"the connection was ended meanwhile: {error}") from error
            raise


def _packing_in_c(connection: type[Any]) -> type[Any]:
    """Return a class of connections whose commands are packed in C."""
    return type(f"{connection.__name__}PackingInC", (_PackingInC, connection), {})


class _OfPrimary:
    """A connection class for a primary found by Sentinels: the server must say itself that it is one.

    A Sentinel may not know yet that the server it names is a replica by now, or still is one.
    """

    async def connect_to(self, address: tuple[str, int]) -> None:
        """Connect; see redis.asyncio.sentinel.SentinelManagedConnection."""
        connection: Any = super()
        await connection.connect_to(address)
        await connection.send_command("ROLE")
        role, *_ = await connection.read_response(disable_decoding=True)
        if role != b"master":
            await connection.disconnect()
            raise RedisConnectionError(f"{address[0]}:{address[1]} is no primary, although a Sentinel says so")


class _BySentinels(redis.Redis):
    """A client of the primary that Sentinels name; it asks them anew for each connection that it makes."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections to the primary, and those to the Sentinels."""
        await super().aclose(close_connection_pool)
        await self.connection_pool.sentinel_manager.aclose()  # type: ignore[attr-defined]  # a pool of Sentinels


async def connect(url: str, *, timeout_seconds: float = 5.0) -> _Client:
    """Return a client of the Redis at a URL; a cluster's client where it is one.

    Args:
        url: As `streams.settings.redis_address` reads it. Of several servers the first that answers is asked whether it
            belongs to a cluster.
        timeout_seconds: For a connection, and for each answer.

    Raises:
        TablesUnavailable: It does not answer.
        ConfigurationError: It answers, and does not let us in; or it is not what the URL says.
    """
    address = read_address(url)
    check_certificate(url, address)
    timeouts: dict[str, Any] = {"socket_timeout": timeout_seconds, "socket_connect_timeout": timeout_seconds}
    if address.service:
        return await _primary_of(url, address, timeouts)
    servers: list[dict[str, Any]] = [{"host": host, "port": port} for host, port in address.nodes]
    away: TablesUnavailable | None = None
    for server in servers or [{}]:
        client = redis.Redis.from_pool(_pool(address, {**timeouts, **server}))
        try:
            info = await asked(lambda client=client: client.info("cluster"))  # type: ignore[misc]
            if info.get("cluster_enabled"):  # a right that is missing here, the cluster's client would keep to itself
                await asked(lambda client=client: client.execute_command("CLUSTER", "SLOTS"))  # type: ignore[misc]
        except (TablesUnavailable, ResponseError) as error:
            await client.aclose()
            refusal = refusal_of(url, error)
            if refusal is None and server:  # a socket has no certificate
                refusal = await certificate_refusal(url, address, (server["host"], server["port"]))
            if refusal is not None or isinstance(error, ResponseError):
                raise refusal or error from error
            away = away or error
        else:
            if not info.get("cluster_enabled") and len(servers) <= 1:
                return client
            await client.aclose()
            if not info.get("cluster_enabled"):
                raise cluster_refusal(url, is_one=False)
            first = (server["host"], server["port"])
            return _cluster(address, timeouts, sorted(address.nodes, key=lambda node: node != first))
    assert away is not None, "there is a server"
    raise away


def _pool(address: RedisAddress, options: dict[str, Any]) -> ConnectionPool:
    kind: type[Any] = SSLConnection if address.tls else Connection if address.nodes else UnixDomainSocketConnection
    kwargs: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), **options, **address.options}
    return ConnectionPool(connection_class=_packing_in_c(kind), **kwargs)


def _cluster(address: RedisAddress, timeouts: dict[str, Any], nodes: list[tuple[str, int]]) -> RedisCluster:
    """Return a client of a cluster that is looked for at these nodes, in this order."""
    options = {**timeouts, **address.options}
    # The client takes them for its connections only, not for itself.
    late: dict[str, Any] = {
        name: options.pop(name) for name in ("ssl_password", "ssl_ca_path", "retry_on_timeout") if name in options
    }
    seeds = [ClusterNode(host, port) for host, port in nodes]
    cluster = RedisCluster(startup_nodes=seeds, ssl=address.tls, **options)
    kind: type[Any] = cluster.connection_kwargs["connection_class"]
    for seed in cluster.startup_nodes:
        seed.connection_kwargs.update(late)
    cluster.connection_kwargs.update(late, connection_class=_packing_in_c(kind))  # of nodes that it finds from now on
    return cluster


async def _primary_of(url: str, address: RedisAddress, timeouts: dict[str, Any]) -> _Client:
    """Return a client of the primary that Sentinels name, wherever it is from one connection to the next."""
    shared = {**timeouts, "retry": Retry(NoBackoff(), 0), **({"ssl": True} if address.tls else {})}
    of_sentinels = {**shared, **address.sentinel_options}
    sentinel: Any = Sentinel(address.nodes, sentinel_kwargs=of_sentinels, **{**shared, **address.options})  # type: ignore[no-untyped-call]
    client = sentinel.master_for(address.service, redis_class=_BySentinels)
    kind: type[Any] = SentinelManagedSSLConnection if address.tls else SentinelManagedConnection
    client.connection_pool.connection_class = type(f"{kind.__name__}OfPrimary", (_OfPrimary, _packing_in_c(kind)), {})
    try:
        info = await asked(lambda: client.info("cluster"))
    except (TablesUnavailable, ResponseError) as error:
        refusal = refusal_of(url, error) or await sentinel_refusal(url, address, sentinel)
        await client.aclose()
        raise refusal or error from error
    if info.get("cluster_enabled"):
        await client.aclose()
        raise cluster_refusal(url, is_one=True)
    return client


async def asked(call: Callable[[], Awaitable[_Result]]) -> _Result:
    """Await a call to Redis, with its errors as ours.

    Raises:
        TablesUnavailable: It does not answer, or not yet, or refuses; its `cause` says which.
    """
    try:
        return await heeding_cancellation(call)
    except (RedisError, RedisClusterException, OSError) as error:
        cause = _cause_of(error)
        if cause is None:
            raise
        name, said = type(error).__name__, str(error)
        said = said if isinstance(error, _SILENCES) else f"{name}: {said}"
        if isinstance(error, MasterNotFoundError):
            said = said.partition(" : ")[0]  # then come the clients that asked, as Python writes objects
        raise TablesUnavailable("Redis", said or name, cause=cause) from error


def _cause_of(error: Exception) -> Cause | None:
    """Return why waiting may mend an error; None where it is a fault of ours, or of who wrote our keys."""
    text = str(error)
    if isinstance(error, _REFUSALS) or text.startswith(_REFUSAL_WORDS) or any(words in text for words in _IN_SCRIPTS):
        return "refused"
    if isinstance(error, BusyLoadingError) or "max number of clients" in text:
        return "unable"
    if isinstance(error, _SILENCES):
        return "unreachable"
    if isinstance(error, ResponseError):
        return "unable" if isinstance(error, _LATER) or text.startswith(_LATER_CODES) else None
    return "unreachable"


async def infos(client: _Client, section: str) -> list[dict[str, Any]]:
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
    for memory, persistence in zip(await infos(client, "memory"), await infos(client, "persistence"), strict=True):
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
