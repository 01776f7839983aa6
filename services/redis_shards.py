"""A real Redis Cluster of three shards, each a master and a replica, whose nodes reach one another by links.

Nodes can lose sight of one another while clients still reach them: what a network that breaks apart does.
`services.redis_cluster` has a smaller one, without replicas.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import redis

from services.process import free_port, wait_until
from services.redis import Redis
from services.redis_cluster import SLOTS

if TYPE_CHECKING:
    from services.network import Network

SHARDS: Final = 3
#: Long enough for a machine that is busy with other things.
NODE_TIMEOUT_MS: Final = 4_000
USER: Final = "tenure"
PASSWORD: Final = "corr3ct-h0rse"


class Node:
    """One server of the cluster.

    Attributes:
        server: The server; its own port is reached directly.
        source: The address that its connections to others come from.
        link: Where clients and replicas reach it.
        bus: Where the other nodes do.
    """

    def __init__(self, folder: Path, network: Network, number: int) -> None:
        folder.mkdir()
        port, bus_port = free_port(), free_port()
        self.source = f"127.0.0.{10 + number}"
        self.link, self.bus = network.link(port), network.link(bus_port)
        options = (
            *("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
            *("--cluster-port", str(bus_port), "--cluster-announce-ip", "127.0.0.1"),
            *("--cluster-announce-port", str(self.link.port), "--cluster-announce-bus-port", str(self.bus.port)),
            *("--bind-source-addr", self.source, "--cluster-allow-replica-migration", "no"),
            *("--repl-diskless-sync-delay", "0", "--repl-timeout", "5", "--repl-ping-replica-period", "1"),
            *("--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all"),
        )
        self.server = Redis(folder, options=options, port=port)

    def asked(self, *command: str | int) -> object:
        """Return its answer to a command; None where there is none."""
        with contextlib.suppress(redis.RedisError), self._client() as client:
            return client.execute_command(*command)
        return None

    def _client(self) -> redis.Redis:
        return redis.Redis(port=self.server.port, socket_timeout=1.0, socket_connect_timeout=1.0)

    def role(self) -> str:
        """Return "master", "slave", or "" where it does not answer."""
        answer = self.asked("ROLE")
        return bytes(answer[0]).decode() if isinstance(answer, list) else ""

    def is_well(self) -> bool:
        """Return whether it sees all slots served and, as a replica, follows its master."""
        info = self.asked("CLUSTER", "INFO")
        if info is None or b"cluster_state:ok" not in bytes(info):  # type: ignore[call-overload]
            return False
        answer = self.asked("ROLE")
        return isinstance(answer, list) and (answer[0] == b"master" or answer[3] == b"connected")


class RedisShards:
    """`shards`, each of two nodes of which one is the master; `url` leads to all of them by their links."""

    def __init__(self, folder: Path, network: Network) -> None:
        """Lay out the nodes, whose data lie in folders inside `folder`, which exists."""
        self.nodes = [Node(folder / f"node-{number}", network, number) for number in range(2 * SHARDS)]
        self.shards = [(self.nodes[2 * number], self.nodes[2 * number + 1]) for number in range(SHARDS)]
        places = ",".join(f"127.0.0.1:{node.link.port}" for node in self.nodes)
        self.url = f"redis://{USER}:{PASSWORD}@{places}/0"

    def start(self) -> None:
        """Start the nodes, make a cluster of them, and wait until all agree that it is well."""
        for node in self.nodes:
            node.server.start()
        first = self.nodes[0]
        for number, (master, replica) in enumerate(self.shards):
            slots = range(SLOTS * number // SHARDS, SLOTS * (number + 1) // SHARDS)
            master.asked("CLUSTER", "ADDSLOTSRANGE", slots[0], slots[-1])
            master.asked("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            for node in (master, replica):
                if node is not first:
                    node.asked("CLUSTER", "MEET", "127.0.0.1", first.link.port, first.bus.port)
        for master, replica in self.shards:
            name = master.asked("CLUSTER", "MYID")
            assert isinstance(name, bytes), "a node that does not answer"
            # As soon as it has heard of its master.
            wait_until(
                lambda replica=replica, name=name: replica.asked("CLUSTER", "REPLICATE", name.decode()) == b"OK",  # type: ignore[misc]
                seconds=30.0,
                what="a replica that knows its master",
            )
        self.until_well()

    def is_well(self) -> bool:
        """Return whether all nodes agree that the cluster is well, and each shard has one master and one replica."""
        roles = [sorted(node.role() for node in shard) for shard in self.shards]
        return roles == [["master", "slave"]] * SHARDS and all(node.is_well() for node in self.nodes)

    def until_well(self, *, seconds: float = 60.0) -> None:
        """Wait until it is."""
        wait_until(self.is_well, seconds=seconds, what="a cluster of three shards")

    def isolate(self, node: Node) -> None:
        """Let a node and the others lose sight of each other; clients reach all of them."""
        others = [other for other in self.nodes if other is not node]
        for link in (node.link, node.bus):
            link.cut([other.source for other in others])
        for other in others:
            for link in (other.link, other.bus):
                link.cut([node.source])

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.server.kill()
