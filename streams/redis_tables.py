"""Tables on Redis, or on Redis Cluster: one script commits a batch.

All keys of a partition share its hash tag, so that one script may write them on a cluster too:

    <prefix>:{<partition>}:h            the head: positions and counts of events
    <prefix>:{<partition>}:s:<customer> a customer's state
    <prefix>:{<partition>}:c:<group>    counters of one value of one dimension: field -> amount
    <prefix>:{<partition>}:n:<table>    names, in the order of their numbers
    <prefix>:mark                       the stream's mark
    <prefix>:note:<name>                small values that belong to no partition
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import hiredis
import numpy as np
import redis.asyncio as redis
from redis.asyncio.cluster import RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ExecAbortError,
    MasterDownError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from kpis.cells import FIELD_BITS, FIELD_MASK
from streams.errors import ConfigurationError, Conflict, TablesUnavailable
from streams.tables import Commit, Stored, StreamMark, positions_of

_NAME_TABLES: Final = ("plan", "reason", "currency", "profile")
_FIELD_BYTES: Final = (FIELD_BITS + 7) // 8
_SLICE: Final = 5000
#: beyond it they travel as one; Redis 6.2 takes 1,048,576
_MOST_ARGUMENTS: Final = 500_000
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
_Result = TypeVar("_Result")
_Client = Any  # redis.asyncio.Redis | RedisCluster: their commands are typed as sync or async, which helps nobody


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
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
    }
    client = redis.Redis.from_url(url, **options)
    pool = client.connection_pool
    pool.connection_class = _packing_in_c(pool.connection_class)
    info = await _asked(lambda: client.info("cluster"))
    if not info.get("cluster_enabled"):
        return client
    await client.aclose()
    cluster = RedisCluster.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds)
    options = cluster.connection_kwargs  # of nodes that it finds from now on
    options["connection_class"] = _packing_in_c(options["connection_class"])
    return cluster


async def _asked(call: Callable[[], Awaitable[_Result]]) -> _Result:
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
    except RedisError as error:
        raise TablesUnavailable("Redis", f"{type(error).__name__}: {error}") from error


async def _infos(client: _Client, section: str) -> list[dict[str, Any]]:
    """Return a section of what each node says of itself."""
    if not isinstance(client, RedisCluster):
        return [await _asked(lambda: client.info(section))]
    by_node = await _asked(lambda: client.info(section, target_nodes=RedisCluster.PRIMARIES))
    return [by_node[node] for node in sorted(by_node)]


async def check_durability(client: _Client, *, allow_unsafe: bool, setting: str = "TENURE_REDIS_URL") -> list[str]:
    """Refuse a Redis that may lose what it was told to keep.

    Args:
        client: The client.
        allow_unsafe: True returns what was found instead of refusing.
        setting: How the address was set, for the message.

    Returns:
        What is unsafe, in words; empty where nothing is.

    Raises:
        ConfigurationError: It evicts, or does not persist.
    """
    found: list[str] = []
    for memory, persistence in zip(await _infos(client, "memory"), await _infos(client, "persistence"), strict=True):
        policy = memory.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            found.append(f"it evicts (maxmemory-policy {policy}): set it to noeviction")
        if not persistence.get("aof_enabled"):
            found.append("it keeps nothing across a restart: set appendonly to yes")
    found = list(dict.fromkeys(found))
    if found and not allow_unsafe:
        advice = " and ".join(found) + "; or set TENURE_ALLOW_UNSAFE_REDIS=true to go on regardless"
        raise ConfigurationError(setting, "this Redis", advice)
    return found


def _packed(fields: Sequence[int]) -> list[bytes]:
    """Return fields as the bytes that name them in Redis."""
    text = np.asarray(fields, np.dtype(">u8")).tobytes()
    return [text[at + 8 - _FIELD_BYTES : at + 8] for at in range(0, len(text), 8)]


def _unpacked(found: dict[bytes, bytes]) -> dict[int, int]:
    """Return a hash as amounts by field."""
    return {int.from_bytes(field, "big"): int(amount) for field, amount in found.items()}


class _Script:
    """A script that Redis runs as one step."""

    def __init__(self, name: str) -> None:
        self._text = (Path(__file__).parent / name).read_text()
        self._sha1 = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, client: _Client, keys: Sequence[str], arguments: Sequence[bytes | str | int]) -> Any:
        """Run it; a Redis that has restarted since is given the text again.

        By EVAL, not by loading it first: the client would load it on all nodes of a cluster, also on one that is down.
        """
        try:
            return await client.evalsha(self._sha1, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self._text, len(keys), *keys, *arguments)


_COMMIT: Final = _Script("commit.lua")
_LOAD: Final = _Script("load.lua")


def _as_one(arguments: Sequence[bytes | str | int]) -> bytes:
    """Return arguments as an array of raw strings in MessagePack, the older one that Redis's scripts read."""
    texts = [part if isinstance(part, bytes) else str(part).encode() for part in arguments]
    return b"".join([b"\xdd", len(texts).to_bytes(4), *(b"\xdb" + len(text).to_bytes(4) + text for text in texts)])


class RedisTables:
    """Implements `streams.tables.Tables`."""

    def __init__(self, client: _Client, *, prefix: str) -> None:
        """Take a client of `connect`, and the prefix of all keys."""
        self._redis = client
        self._prefix = prefix
        self._is_cluster = isinstance(client, RedisCluster)
        self._notes = f"{prefix}:note:"
        self._mark_key = f"{prefix}:mark"

    def _key(self, partition: int, rest: str) -> str:
        return f"{self._prefix}:{{{partition}}}:{rest}"

    async def load(self, partition: int) -> Stored:
        """See `Tables`."""
        stored, _ = await self.snapshot(partition, ())
        return stored

    async def snapshot(self, partition: int, groups: Sequence[int]) -> tuple[Stored, dict[int, dict[int, int]]]:
        """See `Tables`."""
        # Not MULTI: the client has it on a cluster only by a thread and an event loop of its own for each command.
        keys = [self._key(partition, "h"), *(self._key(partition, f"n:{table}") for table in _NAME_TABLES)]
        keys += [self._key(partition, f"c:{group}") for group in groups]
        head, *found = await _asked(lambda: _LOAD.run(self._redis, keys, [len(_NAME_TABLES)]))
        names = {table: [name.decode() for name in found[at]] for at, table in enumerate(_NAME_TABLES)}
        hashes = (dict(zip(flat[::2], flat[1::2], strict=True)) for flat in found[len(names) :])
        cells = {group: _unpacked(amounts) for group, amounts in zip(groups, hashes, strict=True)}
        return Stored(head, names), cells

    async def read_head(self, partition: int) -> bytes | None:
        """See `Tables`."""
        key = self._key(partition, "h")
        return cast("bytes | None", await _asked(lambda: self._redis.get(key)))

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """See `Tables`."""
        start = self._key(partition, "s:")
        out: list[bytes | None] = []
        for at in range(0, len(customers), _SLICE):
            keys = [start + customer for customer in customers[at : at + _SLICE]]
            out += await _asked(lambda keys=keys: self._redis.mget(keys))  # type: ignore[misc]
        return out

    async def read_cells(self, partition: int, keys: Sequence[int]) -> list[int]:
        """See `Tables`."""
        by_group: dict[int, list[int]] = {}
        for key in keys:
            by_group.setdefault(key >> FIELD_BITS, []).append(key)

        async def ask() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            for group, members in by_group.items():
                pipe.hmget(self._key(partition, f"c:{group}"), _packed([key & FIELD_MASK for key in members]))
            # As they come: the pipeline would put its own words before those of an error.
            answers: list[Any] = await pipe.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers

        found: dict[int, int] = {}
        if by_group:
            for members, amounts in zip(by_group.values(), await _asked(ask), strict=True):
                found.update((key, int(amount or 0)) for key, amount in zip(members, amounts, strict=True))
        return [found[key] for key in keys]

    async def load_group(self, partition: int, group: int) -> dict[int, int]:
        """See `Tables`."""
        key = self._key(partition, f"c:{group}")
        found = await _asked(lambda: self._redis.hgetall(key))
        return _unpacked(found)

    async def commit(self, partition: int, commit: Commit) -> None:
        """See `Tables`."""
        arguments: list[bytes | str | int] = [commit.expected or b"", commit.head]
        if commit.states:
            start = self._key(partition, "s:")
            arguments += ["S", 2 * len(commit.states)]
            for customer, state in commit.states.items():
                arguments += (start + customer, state)
        for group, fields, amounts in commit.cells:
            pairs: list[bytes | int] = [0] * (2 * len(fields))
            pairs[::2], pairs[1::2] = _packed(fields), amounts
            arguments += ["C", self._key(partition, f"c:{group}"), len(pairs), *pairs]
        for table, names in commit.names.items():
            arguments += ["N", self._key(partition, f"n:{table}"), len(names), *names]
        if len(arguments) > _MOST_ARGUMENTS:
            arguments[2:] = ["P", _as_one(arguments[2:])]
        keys = self._keys_of(partition, commit)
        said, stored = await _asked(lambda: _COMMIT.run(self._redis, keys, arguments))
        if said != b"OK" and stored != commit.head:  # our own head: an answer was lost, the commit was not
            raise Conflict(partition, positions_of(commit.expected), positions_of(stored))

    def _keys_of(self, partition: int, commit: Commit) -> list[str]:
        """Return the head's key; on a cluster, all keys of a commit.

        A cluster that is moving a slot refuses a script that names keys on both sides, before it has written anything.
        """
        keys = [self._key(partition, "h")]
        if self._is_cluster:
            keys += [self._key(partition, f"s:{customer}") for customer in commit.states]
            keys += [self._key(partition, f"c:{update.group}") for update in commit.cells]
            keys += [self._key(partition, f"n:{table}") for table in commit.names]
        return keys

    async def mark(self, mark: StreamMark) -> StreamMark:
        """See `Tables`."""
        text = json.dumps(mark._asdict())
        await _asked(lambda: self._redis.set(self._mark_key, text, nx=True))
        found = await self.read_mark()
        assert found is not None
        return found

    async def read_mark(self) -> StreamMark | None:
        """See `Tables`."""
        found = await _asked(lambda: self._redis.get(self._mark_key))
        return None if found is None else StreamMark(**json.loads(found))

    async def note(self, name: str, value: bytes | None) -> bytes | None:
        """See `Tables`."""
        key = self._notes + name
        if value is not None:
            await _asked(lambda: self._redis.set(key, value))
            return value
        return cast("bytes | None", await _asked(lambda: self._redis.get(key)))

    async def close(self) -> None:
        """See `Tables`."""
        await self._redis.aclose()
