"""Rights that are taken from a running worker: it waits, says who refuses what, and goes on when it has them back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from services.certificates import Certificates
from services.installation import Installation, WorkerProcess, until
from services.kafka import Kafka, Secured
from services.process import StartProcess
from services.redis import Redis
from tests.integration.test_refusals import refusal_of

pytestmark = pytest.mark.alone

USER: Final = "tenure"
PASSWORD: Final = "corr3ct-h0rse"
Right = tuple[ResourceType, str, AclOperation]


@pytest.fixture(scope="module")
def guarded_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker whose second listener lets a user do only what it was given the right to."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "kafka").mkdir()
    secured = Secured(Certificates(folder / "certificates"), USER, PASSWORD, authorizer=True)
    broker = Kafka(folder / "kafka", secured=secured)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def _told(
    right: Right,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    """Return a right as Kafka is told of it."""
    kind, name, operation = right
    return kind, name, ResourcePatternType.LITERAL, f"User:{USER}", "*", operation, AclPermissionType.ALLOW


class Guarded:
    """A stream whose worker has the rights on Kafka that a test gives."""

    def __init__(self, stream: Installation) -> None:
        self.stream = stream
        self.sent = 0

    def give(self, *rights: Right) -> None:
        """Give rights."""
        for given in self.stream.kafka.admin.create_acls([AclBinding(*_told(right)) for right in rights]).values():
            given.result(timeout=30)

    def take(self, *rights: Right) -> None:
        """Take rights away."""
        filters = [AclBindingFilter(*_told(right)) for right in rights]
        for taken in self.stream.kafka.admin.delete_acls(filters).values():
            assert taken.result(timeout=30)

    def send(self, topic: str, value: bytes | None = None) -> None:
        """Send an event, or a record that is none."""
        self.sent += 1
        event: dict[str, object] = {
            "type": "signup",
            "id": f"s{self.sent}",
            "customer_id": f"c{self.sent}",
            "plan": "pro",
        }
        event |= {"time": "2025-01-01T00:00:00Z", "mrr_minor": 500}
        producer = self.stream.producer()
        producer.produce(topic, json.dumps(event).encode() if value is None else value, key=b"k%d" % self.sent)
        assert producer.flush(30) == 0


@pytest.fixture
def guarded(
    guarded_kafka: Kafka, redis_server: Redis, prefix: str, start_process: StartProcess, tmp_path: Path
) -> Guarded:
    """A stream with topics, whose commands reach Kafka by its guarded listener."""
    stream = Installation(guarded_kafka, redis_server, prefix, start_process, tmp_path, partitions=2)
    assert guarded_kafka.secured is not None
    stream.environment |= {
        "TENURE_KAFKA_BOOTSTRAP": guarded_kafka.secured_bootstrap,
        "TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "TENURE_KAFKA_SASL_MECHANISM": "PLAIN",
        "TENURE_KAFKA_USERNAME": USER,
        "TENURE_KAFKA_PASSWORD": PASSWORD,
        "TENURE_KAFKA_CA_FILE": str(guarded_kafka.secured.certificates.authority),
        "TENURE_SESSION_TIMEOUT_SECONDS": "6",
    }
    stream.create_topics()
    return Guarded(stream)


def reads(topic: str) -> Right:
    """Return the right to read a topic."""
    return ResourceType.TOPIC, topic, AclOperation.READ


def says(worker: WorkerProcess, *words: str) -> bool:
    """Whether a worker is not ready for a reason with these words."""
    status, text = worker.get("/readyz")
    return status == 503 and all(word in text for word in words)


def test_rights_on_kafka_that_are_taken_away_and_given_back_cost_nothing(guarded: Guarded) -> None:
    """Somebody tightens the rules by mistake: what came meanwhile counts as soon as it is put right, and once."""
    stream = guarded.stream
    signup, letters = stream.topics["signup"], stream.dead_letter_topic
    rights = {
        "topic": reads(signup),
        "group": (ResourceType.GROUP, stream.environment["TENURE_GROUP"], AclOperation.READ),
        "letters": (ResourceType.TOPIC, letters, AclOperation.WRITE),
    }
    guarded.give(*rights.values(), *(reads(topic) for topic in stream.topics.values() if topic != signup))
    worker = stream.worker()
    guarded.send(signup)
    stream.until_applied()
    for what, words in (("topic", signup), ("group", "group"), ("letters", letters)):
        guarded.take(rights[what])
        guarded.send(signup, b"no event" if what == "letters" else None)
        until(lambda words=words: says(worker, "Kafka refuses us", words), f"{what} refused", seconds=60)  # type: ignore[misc]
        (waiting,) = (each for each in worker.metrics("tenure_waiting") if each.value)
        assert waiting.labels == {"service": "kafka", "cause": "refused"}
        guarded.give(rights[what])
        stream.until_applied(seconds=90)
        until(lambda: worker.get("/readyz")[0] == 200, f"ready after {what}", seconds=60)
    assert worker.process.running
    (report,) = stream.kpi()
    assert report["events"]["applied"] == 3
    assert report["events"]["dead_letters"]["malformed_json"] == 1
    assert len(stream.records_in(letters)) == 1
    assert worker.process.stop() == 0


def test_rights_that_are_missing_at_the_start_are_told_in_one_line(guarded: Guarded) -> None:
    """Nothing ran before: it is the settings, or rights that nobody has given yet."""
    stream = guarded.stream
    group: Right = (ResourceType.GROUP, stream.environment["TENURE_GROUP"], AclOperation.READ)
    describe = [(ResourceType.TOPIC, topic, AclOperation.DESCRIBE) for topic in stream.topics.values()]
    guarded.give(*describe, (ResourceType.TOPIC, stream.dead_letter_topic, AclOperation.WRITE))
    line = refusal_of(stream.run("worker"))
    assert f"it may not read as the group {group[1]}; give it the rights" in line
    guarded.give(group)
    line = refusal_of(stream.run("worker"))
    assert "it may not read the topics " in line


def test_rights_on_redis_that_are_taken_away_and_given_back_cost_nothing(installation: Installation) -> None:
    """A halt would need a restart of the worker even after the rules were put right."""
    installation.create_topics()
    give = "ACL SETUSER worker reset on >secret +@all ~*"
    with installation.redis.client() as client:
        client.execute_command(*give.split())
        url = installation.redis.url.replace("redis://", "redis://worker:secret@")
        worker = installation.worker(TENURE_REDIS_URL=url)
        guarded = Guarded(installation)
        guarded.send(installation.topics["signup"])
        installation.until_applied()
        client.execute_command(*["ACL", "SETUSER", "worker", "-hset"])
        guarded.send(installation.topics["signup"])
        until(lambda: says(worker, "Redis refuses us", "hset"), "refused")
        (waiting,) = (each for each in worker.metrics("tenure_waiting") if each.value)
        assert waiting.labels == {"service": "redis", "cause": "refused"}
        assert worker.total("tenure_partition_halted") == 0
        client.execute_command(*give.split())
    installation.until_applied()
    until(lambda: worker.get("/readyz")[0] == 200, "ready again")
    assert installation.kpi()[0]["events"]["applied"] == 2
    with installation.redis.client() as client:
        client.execute_command(*["ACL", "SETUSER", "worker", "-hset", "-set"])
    line = refusal_of(installation.run("worker", TENURE_REDIS_URL=url))
    assert line.startswith("tenure: TENURE_REDIS_URL is 'redis://worker:****@")
