"""A real Redis Cluster of three masters for the tests."""

from pathlib import Path

import redis

from services.process import free_port, wait_until
from services.redis import Redis

SLOTS = 16_384
NODES = 3


class RedisCluster:
    """Three nodes, each a `Redis` of its own in `nodes`; `url` is the address of the first."""

    def __init__(self, folder: Path) -> None:
        """Lay out the nodes, whose data lie in folders inside `folder`, which exists."""
        self.nodes: list[Redis] = []
        for number in range(NODES):
            node_folder = folder / f"node-{number}"
            node_folder.mkdir()
            # A node is declared dead soon, and the slots of the others go on: Redis's own default is that none does.
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "1000")
            self.nodes.append(Redis(node_folder, options=options))
        self.url = self.nodes[0].url

    def start(self) -> None:
        """Start the nodes, give each a third of the slots, and wait until all agree that the cluster is well."""
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            with node.client() as client:
                slots = range(SLOTS * number // NODES, SLOTS * (number + 1) // NODES)
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", slots[0], slots[-1])
                # Without an epoch of its own each, the nodes spend seconds on settling who is who.
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                if node is not first:
                    bus_port = first.process.command[first.process.command.index("--cluster-port") + 1]
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", first.port, bus_port)
        self.wait_until_well()

    def wait_until_well(self) -> None:
        """Wait until every node sees all slots served."""
        wait_until(lambda: all(_is_well(node) for node in self.nodes), seconds=30.0, what="the cluster")

    def client(self) -> redis.RedisCluster:
        """Return a new client of the cluster; close it after use."""
        return redis.RedisCluster.from_url(self.url)

    def flush(self) -> None:
        """Delete every key, after bringing back what was killed or paused."""
        for node in self.nodes:
            if not node.process.running:
                node.start()
            node.resume()
        self.wait_until_well()
        for node in self.nodes:
            with node.client() as client:
                client.flushall()

    def stop(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.kill()


def _is_well(node: Redis) -> bool:
    with node.client() as client:
        info = bytes(client.execute_command("CLUSTER", "INFO")).split()
    # Without full coverage a cluster is "ok" while slots are nobody's.
    return {b"cluster_state:ok", b"cluster_slots_ok:16384", b"cluster_known_nodes:%d" % NODES} <= set(info)
