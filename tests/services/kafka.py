"""A real Kafka broker (KRaft, one node) for the tests.

Its jars come from pom.xml by `make services`; the JVM is tuned to start in two seconds, not to serve for weeks.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.services.process import Process, free_port, listens

JARS = Path(__file__).parents[2] / "build" / "services" / "kafka"

# C1 and the serial collector: up in half the time, in half the memory.
JVM_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms128m", "-Xmx512m")

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
# Events of years ago are kept: retention goes by the records' own time.
log.retention.ms=-1
# A group of tests forms at once, and notices a dead member soon.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
# A broker that was killed is let in again once its old session is over.
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1000
# One node, few partitions, small buffers.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=4194304
"""


class Kafka:
    """One broker: `bootstrap` is its address, `process` what a test may kill, pause and start again."""

    def __init__(self, folder: Path, *, jvm_flags: Sequence[str] = JVM_FLAGS) -> None:
        """Lay out a broker whose data lie in `folder`, which exists and is empty.

        Raises:
            FileNotFoundError: Java or the broker's jars are missing.
        """
        if not any(JARS.glob("kafka_*.jar")) or shutil.which("java") is None:
            message = f"no Java, or no Kafka in {JARS}: run `make services`"
            raise FileNotFoundError(message)
        self.folder = folder
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._properties = folder / "server.properties"
        self._java = ["java", *jvm_flags, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{JARS}/*"]
        self._admin: AdminClient | None = None
        self.process = Process([*self._java, "kafka.Kafka", str(self._properties)], log=folder / "kafka.log")

    @property
    def admin(self) -> AdminClient:
        """A client for administration, connected to this broker."""
        if self._admin is None:
            self._admin = AdminClient(
                {
                    "bootstrap.servers": self.bootstrap,
                    "reconnect.backoff.ms": 20,
                    "reconnect.backoff.max.ms": 200,
                    "log_level": 0,
                }
            )
        return self._admin

    def start(self) -> None:
        """Start the broker, formatting its folder the first time, and wait until it answers."""
        if not self._properties.exists():
            self._format()
        self.process.start()
        self.process.wait_until(self._answers, seconds=60.0, what=f"Kafka on {self.bootstrap}")

    def stop(self) -> None:
        """Shut the broker down in good order; `start` brings it back with its data."""
        self.process.resume()
        self.process.stop()

    def kill(self) -> None:
        """Kill the broker; `start` brings it back with its data."""
        self.process.kill()

    def pause(self) -> None:
        """Let the broker stand still with its connections open."""
        self.process.pause()

    def resume(self) -> None:
        """Let the broker go on after a pause."""
        self.process.resume()

    def bring_back(self) -> None:
        """Have the broker run, whether it runs, stands still or has ended."""
        if not self.process.running:
            self.start()
        self.resume()

    def create_topics(
        self, names: Sequence[str], partitions: int = 1, *, config: Mapping[str, str] | None = None
    ) -> None:
        """Create topics and wait until the broker serves them.

        Args:
            names: Topics' names, new ones.
            partitions: Partitions of each (count).
            config: Topic settings, for example {"max.message.bytes": "20000000"}.

        Raises:
            KafkaException: Kafka refused, for example because a topic exists.
        """
        new = [
            NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config or {})) for name in names
        ]
        missing = {topic.topic: topic for topic in new}
        self.process.wait_until(lambda: self._create(missing), what=f"creation of {', '.join(names)}")
        self.process.wait_until(
            lambda: all(self._leads(name, partitions) for name in names), what=f"leaders of {', '.join(names)}"
        )

    def _create(self, missing: dict[str, NewTopic]) -> bool:
        """Create what is missing; not yet while the controller still fences a broker that stood still."""
        for name, created in self.admin.create_topics(list(missing.values())).items():
            try:
                created.result(timeout=30)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.INVALID_REPLICATION_FACTOR:
                    raise
            else:
                del missing[name]
        return not missing

    def delete_topics(self, names: Sequence[str]) -> None:
        """Delete topics and wait until Kafka no longer lists them."""
        for deleted in self.admin.delete_topics(list(names)).values():
            deleted.result(timeout=30)
        self.process.wait_until(
            lambda: not set(names) & set(self.admin.list_topics(timeout=10).topics), what="deletion"
        )

    def _leads(self, topic: str, partitions: int) -> bool:
        found = self.admin.list_topics(topic, timeout=10).topics[topic].partitions.values()
        return len(found) == partitions and all(partition.leader >= 0 for partition in found)

    def _answers(self) -> bool:
        if not listens(self.port):
            return False
        try:
            return bool(self.admin.list_topics(timeout=1).brokers)
        except KafkaException:
            # Its port is open before it serves; the caller asks again until its time is over.
            return False

    def _format(self) -> None:
        self._properties.write_text(
            PROPERTIES.format(port=self.port, controller_port=free_port(), folder=self.folder), encoding="utf-8"
        )
        tool = [*self._java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c"]
        subprocess.run([*tool, str(self._properties)], check=True, capture_output=True)
