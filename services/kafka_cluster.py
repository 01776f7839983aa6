"""Three real Kafka brokers (KRaft), of which two must have what is acknowledged; clients may come by links.

As `services.kafka.Kafka` for those who create topics and look at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from services.kafka import Kafka, Member
from services.process import Process, free_port, listens, wait_until

if TYPE_CHECKING:
    from services.network import Link, Network

BROKERS: Final = 3
USER: Final = "tenure"
PASSWORD: Final = "corr3ct-h0rse"


class KafkaCluster:
    """`brokers`, of which each has one of `links`; `bootstrap` leads to them directly, `linked_bootstrap` by links.

    By the links they ask for `USER` and `PASSWORD`, by SASL PLAIN without TLS; that user may do what is not denied.

    Args:
        folder: Where all data lie; it exists.
        network: What the links are part of.
    """

    def __init__(self, folder: Path, network: Network) -> None:
        controllers = tuple(free_port() for _ in range(BROKERS))
        self.brokers: list[Kafka] = []
        self.links: list[Link] = []
        for number in range(BROKERS):
            place = folder / f"broker-{number}"
            place.mkdir()
            port = free_port()
            link = network.link(port)
            member = Member(number, controllers, port, link.port, (USER, PASSWORD))
            self.brokers.append(Kafka(place, member=member))
            self.links.append(link)
        self.bootstrap = ",".join(broker.bootstrap for broker in self.brokers)
        self.linked_bootstrap = ",".join(f"127.0.0.1:{link.port}" for link in self.links)
        self._admin: AdminClient | None = None

    @property
    def admin(self) -> AdminClient:
        """A client for administration, by the direct way."""
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        return self._admin

    def forget_client(self) -> None:
        """Look for the brokers anew: a client that saw leaders change for long may keep to what it knew."""
        self._admin = None

    @property
    def port(self) -> int:
        """The port of the first broker."""
        return self.brokers[0].port

    @property
    def process(self) -> Process:
        """The process of the first broker."""
        return self.brokers[0].process

    def start(self) -> None:
        """Start all brokers, and wait until they know one another."""
        for broker in self.brokers:
            broker.launch()
        self.until_whole()

    def until_whole(self, *, seconds: float = 90.0) -> None:
        """Wait until all brokers are there, and every partition has a leader."""
        wait_until(self._is_whole, seconds=seconds, what="three brokers")

    def _is_whole(self) -> bool:
        if not all(listens(broker.port) for broker in self.brokers):
            return False
        try:
            found = self.admin.list_topics(timeout=2)
        except KafkaException:
            return False
        led = (part.leader >= 0 for topic in found.topics.values() for part in topic.partitions.values())
        return len(found.brokers) == BROKERS and all(led)

    def bring_back(self) -> None:
        """Have all brokers run, whether they run, stand still or have ended."""
        for broker in self.brokers:
            if broker.process.running:
                broker.resume()
            else:
                broker.launch()
        self.until_whole()

    def create_topics(
        self, names: Sequence[str], partitions: int = 1, *, config: Mapping[str, str] | None = None
    ) -> None:
        """Create topics of three replicas; see `services.kafka.Kafka.create_topics`."""
        self.brokers[0].create_topics(names, partitions, config=config, replicas=BROKERS)

    def stop(self) -> None:
        """End all brokers."""
        for broker in self.brokers:
            broker.kill()
