"""Faults of Redis: servers killed and stopped, fail-overs, full disks, and files that have lost their end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from services.installation import until
from services.redis import Redis
from services.redis_shards import NODE_TIMEOUT_MS, USER
from tests.chaos.faults import FULL_DISK_BYTES, LONG_SECONDS, SHORT_SECONDS, Fault, one_of
from tests.chaos.scene import Scene
from tests.chaos.stores import Sharded, asked, role_of

LOST_SECONDS: Final = 2.0
#: A minority is left alone for twice the time after which the others give it up.
MINORITY_SECONDS: Final = 2 * NODE_TIMEOUT_MS / 1_000
_FAILOVER_SECONDS: Final = 60.0


def _group(scene: Scene) -> tuple[int, Sequence[Redis], Redis]:
    number, group = one_of(scene, scene.stores.groups)
    return number, group, scene.stores.primary(group)


def kill_primary(scene: Scene) -> Iterator[str]:
    """It comes back with what the kernel kept, or as the replica of who took its place."""
    number, _, server = _group(scene)
    server.kill()
    yield f"shard {number}"
    server.start()


def kill_replica(scene: Scene) -> Iterator[str]:
    """Nobody misses it until the other one fails."""
    number, group, primary = _group(scene)
    replica = next(server for server in group if server is not primary)
    replica.kill()
    yield f"shard {number}"
    replica.start()


def pause_primary(scene: Scene) -> Iterator[str]:
    """It stands still until its replica has its place, and comes back without knowing."""
    number, group, server = _group(scene)
    server.pause()
    yield f"shard {number}"
    if len(group) > 1:
        others = [other for other in group if other is not server]
        until(lambda: any(role_of(other) == "master" for other in others), "a fail-over", seconds=_FAILOVER_SECONDS)
    server.resume()


def pause_primary_briefly(scene: Scene) -> Iterator[str]:
    """A fork of a large process, or a slow disk."""
    number, _, server = _group(scene)
    server.pause()
    yield f"shard {number}"
    server.resume()


def isolate_primary(scene: Scene) -> Iterator[str]:
    """The others lose sight of it and put its replica in its place, while clients go on to write to it."""
    assert isinstance(scene.stores, Sharded)
    cluster = scene.stores.cluster
    number, _, server = _group(scene)
    cluster.isolate(next(node for node in cluster.nodes if node.server is server))
    yield f"shard {number}"
    scene.network.heal()


def fill_disk(scene: Scene) -> Iterator[str]:
    """Redis refuses writes until there is room again."""
    number, _, server = _group(scene)
    server.process.limit_files(FULL_DISK_BYTES)
    yield f"shard {number}"
    server.process.limit_files(None)


def take_rights(scene: Scene) -> Iterator[str]:
    """Every server of a shard refuses the workers' user what it needs to write."""
    number, group, _ = _group(scene)
    for server in group:
        assert asked(server, "ACL", "SETUSER", USER, "-@write") == b"OK"
    yield f"shard {number}"
    for server in group:
        assert asked(server, "ACL", "SETUSER", USER, "+@all") == b"OK"


def lose_seconds(scene: Scene) -> Iterator[str]:
    """A power cut: every server of a shard comes back as it was two seconds before."""
    number, group, primary = _group(scene)
    moments = {server: server.remember() for server in group}
    time.sleep(LOST_SECONDS)
    for server in group:
        server.kill()
    yield f"shard {number}"
    for server in _primary_first(group, primary):
        server.restart_from(moments[server])


def tear(scene: Scene) -> Iterator[str]:
    """A power cut within a commit, whose first half is carried out when the file is loaded once more."""
    number, group, primary = _group(scene)
    for server in group:
        server.kill()
    primary.tear(scene.random.random())
    for server in _primary_first(group, primary):
        server.start()
    scene.stores.until_well()
    before = _commits(scene)
    until(lambda: _commits(scene) >= before + 2 * len(scene.workers), "commits behind it", seconds=_FAILOVER_SECONDS)
    yield f"shard {number}"
    for server in group:
        server.kill()
    for server in _primary_first(group, primary):
        server.start()


def _commits(scene: Scene) -> int:
    return sum(head.commits for head in scene.heads().values())


def _primary_first(group: Sequence[Redis], primary: Redis) -> list[Redis]:
    return sorted(group, key=lambda server: server is not primary)


_REPLICATED: Final = frozenset({"sentinel", "cluster"})
_WITH_USERS: Final = frozenset({"alone", "cluster"})
FAULTS_OF_REDIS: Final = (
    Fault("Redis killed", kill_primary),
    Fault("Redis killed, away for long", kill_primary, LONG_SECONDS),
    Fault("Redis' replica killed", kill_replica, SHORT_SECONDS, _REPLICATED),
    Fault("Redis stopped, failed over", pause_primary, LONG_SECONDS),
    Fault("Redis stopped for a moment", pause_primary_briefly, 0.5),
    Fault("Redis alone on the minority's side", isolate_primary, MINORITY_SECONDS, frozenset({"cluster"})),
    Fault("Redis' disk full", fill_disk, LONG_SECONDS),
    Fault("rights on Redis taken", take_rights, LONG_SECONDS, _WITH_USERS),
    Fault("Redis' last two seconds lost", lose_seconds, kinds=_WITH_USERS),
    Fault("Redis' file torn within a commit", tear, kinds=_WITH_USERS, times=3),
)
