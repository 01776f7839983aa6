"""A real Kafka broker (KRaft, one node) for the tests.

Its jars come from pom.xml by `make services`; the JVM is tuned to start in two seconds, not to serve for weeks.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from services.certificates import Certificates
from services.process import Process, free_port, listens

JARS = Path(__file__).parents[1] / "build" / "services" / "kafka"

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

SECURED = """
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port},SASL_SSL://127.0.0.1:{secured_port},\
    MUTUAL://127.0.0.1:{mutual_port},SASL_PLAINTEXT://127.0.0.1:{password_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secured_port},MUTUAL://127.0.0.1:{mutual_port},\
    SASL_PLAINTEXT://127.0.0.1:{password_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,MUTUAL:SSL,\
    SASL_PLAINTEXT:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
    {users};
# Without a handler of one's own, tokens are believed that nobody signed.
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=\
    org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
# A connection lives no longer than its token.
listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms=3600000
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_plaintext.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=\
    org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.ssl.keystore.type=PEM
listener.name.sasl_ssl.ssl.keystore.location={certificate_and_key}
listener.name.mutual.ssl.keystore.type=PEM
listener.name.mutual.ssl.keystore.location={certificate_and_key}
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.truststore.type=PEM
listener.name.mutual.ssl.truststore.location={authority}
listener.name.mutual.ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/
"""
"""Listeners with TLS that ask for a password or a token, or a certificate; and one without. Later lines win."""

AUTHORIZER = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# Whoever comes by the listener without TLS: the broker itself, and the tests.
super.users=User:ANONYMOUS
"""


IN_CLUSTER = """
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port},LINKED://127.0.0.1:{linked_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},LINKED://127.0.0.1:{link_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LINKED:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.linked.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
    user_{user}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# Whoever comes directly, brokers and tests, may do everything; who comes by a link, what is not denied.
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
# What is acknowledged lies on two brokers, and a broker that was out of step never leads.
min.insync.replicas=2
unclean.leader.election.enable=false
replica.lag.time.max.ms=2000
offsets.topic.replication.factor=3
# A group goes on while its broker is away.
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
"""
"""One of several brokers, with a listener that is reached by a link; later lines win."""


class Member(NamedTuple):
    """A broker's place among several.

    Attributes:
        number: Which of them it is, from 0 on.
        controllers: The ports of their controllers, in order.
        linked_port: Where it listens for those who come by its link.
        link_port: Where its link listens, which is the address that it tells clients.
        user: Who may come by the link: name and password.
    """

    number: int
    controllers: Sequence[int]
    linked_port: int
    link_port: int
    user: tuple[str, str]

    def properties(self, port: int) -> str:
        """Return the lines of its configuration; `port` is where it listens for the others."""
        voters = ",".join(f"{n}@127.0.0.1:{controller}" for n, controller in enumerate(self.controllers))
        name, password = self.user
        return IN_CLUSTER.format(
            number=self.number,
            voters=voters,
            port=port,
            controller_port=self.controllers[self.number],
            linked_port=self.linked_port,
            link_port=self.link_port,
            user=name,
            password=password,
        )


class Secured(NamedTuple):
    """Security of a broker's further listeners: their certificate, and whom they let in."""

    certificates: Certificates
    user: str
    password: str
    others: Mapping[str, str] = {}
    """More users and their passwords, by PLAIN alone."""
    authorizer: bool = False
    """Whether they may do only what they are given rights to."""


class Kafka:
    """One broker: `bootstrap` is its address, `process` what a test may kill, pause and start again."""

    def __init__(
        self,
        folder: Path,
        *,
        jvm_flags: Sequence[str] = JVM_FLAGS,
        port: int | None = None,
        secured: Secured | None = None,
        member: Member | None = None,
    ) -> None:
        """Lay out a broker.

        Args:
            folder: Where its data lie; it exists, and is empty or was such a broker's before.
            jvm_flags: What Java is told.
            port: Where it listens, on loopback; None takes any free one.
            secured: Of further listeners, at `…_bootstrap`; None: there are none.
            member: Its place among several brokers; None: it is the only one.

        Raises:
            FileNotFoundError: Java or the broker's jars are missing.
        """
        if not any(JARS.glob("kafka_*.jar")) or shutil.which("java") is None:
            message = f"no Java, or no Kafka in {JARS}: run `make services`"
            raise FileNotFoundError(message)
        self.folder = folder
        self.port = port or free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._member = member
        self.secured, self._secured_port = secured, free_port()
        self.secured_bootstrap = f"127.0.0.1:{self._secured_port}"
        self._mutual_port = free_port()
        self.mutual_bootstrap = f"127.0.0.1:{self._mutual_port}"
        self._password_port = free_port()
        self.password_bootstrap = f"127.0.0.1:{self._password_port}"
        self._properties = folder / "server.properties"
        self._java = ["java", *jvm_flags, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{JARS}/*"]
        self._admin: AdminClient | None = None
        self._laid_out = False
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
        self.launch()
        self.process.wait_until(self._answers, seconds=60.0, what=f"Kafka on {self.bootstrap}")

    def launch(self) -> None:
        """Start the broker, formatting its folder the first time; one of several answers only with the others."""
        if not self._laid_out:
            self._lay_out()
        self.process.start()

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
        self,
        names: Sequence[str],
        partitions: int = 1,
        *,
        config: Mapping[str, str] | None = None,
        replicas: int = 1,
    ) -> None:
        """Create topics and wait until the broker serves them.

        Args:
            names: Topics' names, new ones.
            partitions: Partitions of each (count).
            config: Topic settings, for example {"max.message.bytes": "20000000"}.
            replicas: How many brokers hold each partition (count).

        Raises:
            KafkaException: Kafka refused, for example because a topic exists.
        """
        new = [
            NewTopic(name, num_partitions=partitions, replication_factor=replicas, config=dict(config or {}))
            for name in names
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

    def _lay_out(self) -> None:
        ports = {"port": self.port, "controller_port": free_port(), "secured_port": self._secured_port}
        properties, users = PROPERTIES.format(**ports, folder=self.folder), []
        if self.secured is not None:
            certificates, user, password, others, authorizer = self.secured
            properties += SECURED.format(
                **ports,
                mutual_port=self._mutual_port,
                password_port=self._password_port,
                users=" ".join(f'user_{name}="{secret}"' for name, secret in {user: password, **others}.items()),
                certificate_and_key=certificates.both,
                authority=certificates.authority,
            )
            properties += AUTHORIZER if authorizer else ""
            kinds = ("SCRAM-SHA-256", "SCRAM-SHA-512")
            users = [word for kind in kinds for word in ("--add-scram", f"{kind}=[name={user},password={password}]")]
        if self._member is not None:
            properties += self._member.properties(self.port)
        self._properties.write_text(properties, encoding="utf-8")
        self._laid_out = True
        if (self.folder / "data" / "meta.properties").exists():
            return
        tool = [*self._java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c"]
        subprocess.run([*tool, str(self._properties), *users], check=True, capture_output=True)
