"""The three kinds of Redis that faults are tried on: one server, one behind a Sentinel, and three shards with replicas.

Each leads workers to it by `url`, and tells the tests what its primaries hold by ways that no fault closes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

import redis

from services.network import Link, Network
from services.process import wait_until
from services.redis import Redis
from services.redis_sentinel import RedisSentinel
from services.redis_shards import PASSWORD, USER, RedisShards

_SECONDS: Final = 2.0


class Stores(Protocol):
    """A kind of Redis."""

    url: str

    @property
    def groups(self) -> Sequence[Sequence[Redis]]:
        """The servers that hold the same: one that is written to, and its replicas."""

    @property
    def links(self) -> Sequence[Link]:
        """The ways of clients to it that can be disturbed."""

    def start(self) -> None:
        """Start it."""

    def primary(self, group: Sequence[Redis]) -> Redis:
        """Return the server of a group that is written to; of several that believe to be it, the later one."""

    def until_well(self) -> None:
        """Wait until all that was broken is whole."""

    def client(self) -> contextlib.AbstractContextManager[redis.Redis | redis.RedisCluster]:
        """Return a client as `services.installation` takes it."""

    def stop(self) -> None:
        """End it."""


def asked(server: Redis, *command: str) -> object:
    """Return a server's answer to a command; None where there is none."""
    with contextlib.suppress(redis.RedisError), client_of(server) as client:
        return client.execute_command(*command)
    return None


def client_of(server: Redis) -> redis.Redis:
    """Return a client of a server that may be away."""
    return redis.Redis(port=server.port, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)


def role_of(server: Redis) -> str:
    """Return "master", "slave", or "" where it does not answer."""
    answer = asked(server, "ROLE")
    return bytes(answer[0]).decode() if isinstance(answer, list) else ""


class Alone:
    """One Redis, reached by a link, for whose user rights can be taken away."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.server = Redis(folder, options=("--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all"))
        self.groups = ((self.server,),)
        self.links = (network.link(self.server.port),)
        self.url = f"redis://{USER}:{PASSWORD}@127.0.0.1:{self.links[0].port}/0"

    def start(self) -> None:
        """See `Stores`."""
        self.server.start()

    def primary(self, group: Sequence[Redis]) -> Redis:
        """See `Stores`."""
        return group[0]

    def until_well(self) -> None:
        """See `Stores`."""
        wait_until(lambda: role_of(self.server) == "master", seconds=60.0, what="a Redis")

    def client(self) -> redis.Redis:
        """See `Stores`."""
        return client_of(self.server)

    def stop(self) -> None:
        """See `Stores`."""
        self.server.kill()


class BehindSentinel:
    """A primary and its replica, of which a Sentinel says which is which."""

    def __init__(self, folder: Path) -> None:
        self.sentinel = RedisSentinel(folder)
        self.groups = (tuple(self.sentinel.servers),)
        self.links: tuple[Link, ...] = ()  # a Sentinel tells clients where servers are, and knows of none
        self.url = self.sentinel.url

    def start(self) -> None:
        """See `Stores`."""
        self.sentinel.start()

    def primary(self, group: Sequence[Redis]) -> Redis:
        """See `Stores`."""
        return self.sentinel.primary()

    def until_well(self) -> None:
        """See `Stores`."""
        wait_until(self._is_well, seconds=90.0, what="a primary and its replica")

    def _is_well(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            roles = [asked(server, "ROLE") for server in self.sentinel.servers]
            known = self.sentinel.primary()
            others = [role for server, role in zip(self.sentinel.servers, roles, strict=True) if server is not known]
            follows = all(isinstance(role, list) and role[0] == b"slave" and role[3] == b"connected" for role in others)
            return role_of(known) == "master" and follows
        return False

    def client(self) -> redis.Redis:
        """See `Stores`."""
        return client_of(self.sentinel.primary())

    def stop(self) -> None:
        """See `Stores`."""
        self.sentinel.stop()


class Sharded:
    """Three shards with replicas; see `services.redis_shards`."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.cluster = RedisShards(folder, network)
        self.groups = tuple(tuple(node.server for node in shard) for shard in self.cluster.shards)
        self.links = tuple(node.link for node in self.cluster.nodes)
        self.url = self.cluster.url

    def start(self) -> None:
        """See `Stores`."""
        self.cluster.start()

    def primary(self, group: Sequence[Redis]) -> Redis:
        """See `Stores`."""
        found = [server for server in group if role_of(server) == "master"]
        return max(found, key=_epoch_of, default=group[0])

    def until_well(self) -> None:
        """See `Stores`."""
        self.cluster.until_well(seconds=120.0)

    def client(self) -> contextlib.AbstractContextManager[redis.Redis | redis.RedisCluster]:
        """See `Stores`; it asks primaries by ways that no fault closes."""
        return contextlib.nullcontext(_Direct(self))  # type: ignore[arg-type]  # it has what is asked of it

    def stop(self) -> None:
        """See `Stores`."""
        self.cluster.stop()


def _epoch_of(server: Redis) -> int:
    info = asked(server, "CLUSTER", "INFO")
    lines = bytes(info).split() if isinstance(info, bytes) else []
    return next((int(line.rpartition(b":")[2]) for line in lines if line.startswith(b"cluster_my_epoch:")), 0)


class _Direct:
    """What of a cluster's client is needed: one key, by the primary that has its slot."""

    def __init__(self, stores: Sharded) -> None:
        self._stores = stores

    def get(self, key: str) -> bytes | None:
        """Return what lies under a key.

        Raises:
            redis.ConnectionError: Who should have it does not answer.
        """
        for answer in self._answers(key):
            return answer
        raise redis.ConnectionError(f"no primary has {key}")

    def _answers(self, key: str) -> Iterator[bytes | None]:
        for group in self._stores.groups:
            with client_of(self._stores.primary(group)) as client:
                try:
                    yield client.get(key)
                except redis.ResponseError:
                    continue  # another one has it


KINDS: Final = ("alone", "sentinel", "cluster")


def stores_of(kind: str, folder: Path, network: Network) -> Stores:
    """Lay out a Redis of one of `KINDS`, whose data lie in `folder`, which exists."""
    if kind == "alone":
        return Alone(folder, network)
    return BehindSentinel(folder) if kind == "sentinel" else Sharded(folder, network)
