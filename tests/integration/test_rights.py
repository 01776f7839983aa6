"""Every part runs with the rights that the page of rights lists, and no others; without one of them it does not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are there
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from pydantic import SecretStr

from services.certificates import Certificates
from services.installation import PREFIX, Installation, WorkerProcess, until
from services.kafka import Kafka, Secured
from services.process import StartProcess
from services.redis import Redis
from streams.rights import KafkaRight, Principal, principals
from streams.settings.settings import Settings
from tests.integration.test_refusals import refusal_of
from tests.integration.test_security import SIGNUP

NAMES: Final = tuple(each.name for each in principals(Settings()))
GOLDEN: Final = Path(__file__).parents[2] / "docs" / "examples" / "golden.ndjson"
READS: Final = (
    ["kpi", "--json"], ["periods", "--json"], ["cohorts", "--json"], ["lifetime", "--json"], ["explain", "churn"],
    ["lenses", "--json"], ["reasons", "--json"], ["features", "--json"], ["history"], ["target", "list"],
    ["digest", "--json"], ["sql", "SELECT count(*) FROM customers"],
)  # fmt: skip
UNDONE: Final = ("--source", "customer.signup", "--since", "1h", "--type", "signup", "--yes", "--as", "ada")
FORGET_KEY: Final = "pw-of-forgetting-thirty-two-characters"
SET_TARGET: Final = ("target", "set", "churn_standard", "30d", "3%", "--owner", "retention-team")


def secret_of(name: str) -> str:
    """Return the password of a user."""
    return f"pw-of-{name}"


@pytest.fixture(scope="module")
def guarded_kafka(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker that lets nobody do what no entry allows."""
    users = {name: secret_of(name) for name in NAMES}
    secured = Secured(certificates, "nobody", "none", others=users, authorizer=True)
    broker = Kafka(tmp_path_factory.mktemp("guarded-kafka"), secured=secured)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


class Guarded(Installation):
    """A stream of which every part is a user of its own in Kafka and in Redis."""

    def __init__(self, *args: Any, certificates: Certificates) -> None:
        """Give every part the rights of the list, with the names of this stream."""
        super().__init__(*args)
        self.foreign_topic = f"{self.prefix}stripe"
        self.kafka.create_topics([self.foreign_topic], 1)
        self.environment |= {
            "TENURE_KAFKA_BOOTSTRAP": self.kafka.secured_bootstrap,
            "TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "TENURE_KAFKA_SASL_MECHANISM": "PLAIN",
            "TENURE_KAFKA_CA_FILE": str(certificates.authority),
            "TENURE_SURVEY_REQUESTS": "true",
            "TENURE_FORGET_KEY": FORGET_KEY,
            "TENURE_ADAPTER_TOPICS": f"{self.foreign_topic}=stripe",
            "TENURE_METRICS_PORT": "0",
        }
        settings = Settings(
            topics=self.topics,
            dead_letter_topic=self.dead_letter_topic,
            survey_request_topic=self.environment["TENURE_SURVEY_REQUEST_TOPIC"],
            group=self.environment["TENURE_GROUP"],
            redis_prefix=PREFIX,
            survey_requests=True,
            forgotten_topic=self.forgotten_topic,
            movement_topic=self.movement_topic,
            forget_key=SecretStr(FORGET_KEY),
            adapter_topics={self.foreign_topic: "stripe"},
        )
        self.principals = {each.name: each for each in principals(settings)}
        for each in self.principals.values():
            self.give(each)

    def give(self, principal: Principal) -> None:
        """Give a part its rights, and make its user."""
        bindings = [_binding(principal.name, right) for right in principal.kafka]
        for done in self.kafka.admin.create_acls(bindings).values() if bindings else ():
            done.result(timeout=30)
        until(lambda: self._has(bindings), f"rights of {principal.name}")
        if principal.redis is not None:
            user = ("ACL", "SETUSER", principal.name, "reset", "on", f">{secret_of(principal.name)}")
            with self.redis.client() as client:
                client.execute_command(*user, *principal.redis.rules())

    def _has(self, bindings: Iterable[AclBinding]) -> bool:
        whoever: Any = None
        operation, permission = AclOperation.ANY, AclPermissionType.ANY
        anything = AclBindingFilter(
            ResourceType.ANY, whoever, ResourcePatternType.ANY, whoever, whoever, operation, permission
        )
        return set(bindings) <= set(self.kafka.admin.describe_acls(anything).result(timeout=30))

    def take(self, name: str, right: KafkaRight) -> None:
        """Take a right away."""
        binding = _binding(name, right)
        given = AclBindingFilter(
            binding.restype, binding.name, binding.resource_pattern_type, binding.principal, binding.host,
            binding.operation, binding.permission_type,
        )  # fmt: skip
        for done in self.kafka.admin.delete_acls([given]).values():
            assert len(done.result(timeout=30)) == 1
        until(lambda: not self._has([binding]), f"{right} is gone")

    def as_user(self, name: str) -> dict[str, str]:
        """Return the settings by which a command is a user."""
        secret = secret_of(name)
        url = f"redis://{name}:{secret}@127.0.0.1:{self.redis.port}/0"
        return {"TENURE_KAFKA_USERNAME": name, "TENURE_KAFKA_PASSWORD": secret, "TENURE_REDIS_URL": url}

    def does(self, name: str, *command: str) -> str:
        """Run a command as a user to its good end, and return what it prints."""
        result = self.run(*command, **self.as_user(name))
        assert result.returncode == 0, result.stderr
        return result.stdout

    def send(self, events: Iterable[dict[str, Any]], *, key: bytes | None = None) -> None:
        """Send events by the listener that asks for nothing, as if by other systems."""
        producer = self.producer()
        for event in events:
            producer.produce(self.topics["signup"], json.dumps(event).encode(), key=key)
        assert producer.flush(30) == 0

    def dead_letters(self) -> int:
        """Return how many records were refused."""
        return sum(sum(head.dead_letters.values()) for head in self.heads().values())

    def translate(self) -> None:
        """Send a record of another system that is none, and wait until it is a dead letter."""
        before, producer = self.dead_letters(), self.producer()
        producer.produce(self.foreign_topic, b"{")
        assert producer.flush(30) == 0
        until(lambda: self.dead_letters() > before, "a record that is translated, and refused")

    def working(self) -> WorkerProcess:
        """Start a worker as its user."""
        return self.worker(TENURE_VERIFY_CPU_SHARE="1", **self.as_user("worker"))


def _binding(name: str, right: KafkaRight) -> AclBinding:
    return AclBinding(
        ResourceType[right.resource],
        right.name,
        ResourcePatternType.LITERAL,
        f"User:{name}",
        "*",
        AclOperation[right.operation],
        AclPermissionType.ALLOW,
    )


@pytest.fixture
def stream(
    guarded_kafka: Kafka,
    redis_server: Redis,
    certificates: Certificates,
    prefix: str,
    start_process: StartProcess,
    tmp_path: Path,
) -> Iterator[Guarded]:
    """A stream with rights and without topics."""
    guarded = Guarded(guarded_kafka, redis_server, prefix, start_process, tmp_path, certificates=certificates)
    yield guarded
    guarded.delete_topics()


@pytest.mark.timeout(900)  # some forty commands
def test_every_part_runs_with_the_rights_that_are_listed_for_it(stream: Guarded, tmp_path: Path) -> None:
    """Who follows the page has an installation that works, and no part that may more than it needs."""
    stream.does("topics", "topics", "--create", "--partitions", "4")
    worker = stream.working()
    stream.does("publisher", "publish", str(GOLDEN))
    gateway = stream.gateway(**stream.as_user("publisher"))
    until(gateway.is_ready, "a gateway")
    assert gateway.send(SIGNUP).status == 200
    stream.send([{"type": "nonsense"}])  # becomes a dead letter
    stream.send([{**SIGNUP, "customer_id": f"c{number}"} for number in range(8)], key=b"another's")  # are forwarded
    stream.until_applied()
    stream.translate()
    for command in READS:
        stream.does("reader", *command)
    (report,) = json.loads(stream.does("reader", "kpi", "--json"))
    assert report["events"]["applied"] > 8
    assert sum(report["events"]["dead_letters"].values()) == 2
    stream.does("operator", *SET_TARGET)
    stream.does("operator", "digest", "--issue")
    assert "Rows: movements" in stream.does("exporter", "export", "--to", "kafka")
    assert "retention-team" in stream.does("operator", "target", "list")
    assert "2 dead letters\n" in stream.does("reader", "dlq", "list")
    assert "customer c1, partition" in stream.does("reader", "customer", "c1")
    assert "2  sent" in stream.does("corrector", "dlq", "replay", "--all", "--anyway", "--as", "ada")
    assert "revokes were sent" in stream.does("corrector", "undo", *UNDONE)
    assert "1 worker in the group" in stream.does("doctor", "doctor")
    stream.does("doctor", "validate", "--topic", stream.topics["survey"])
    assert "c2: forgotten" in stream.does("eraser", "forget", "c2", "--yes", "--still-active")
    assert "read back and whole" in stream.does("keeper", "snapshot", str(tmp_path / "taken"))
    for source in ("tables", "kafka"):
        assert "all of them the same" in stream.does("keeper", "rebuild", "--from", source, "--yes")
    until(lambda: worker.total("tenure_verified_cells_total") > 0, "a recount of what was built")
    assert "'c2' is forgotten" in stream.run("customer", "c2", **stream.as_user("reader")).stderr
    assert worker.process.stop() == 0
    secrets = [*map(secret_of, NAMES), FORGET_KEY]
    assert [secret for secret in secrets if secret in worker.process.output] == []


def test_no_part_may_do_what_another_is_for(stream: Guarded) -> None:
    """A publisher that is broken into reads nothing; a reader changes nothing."""
    stream.does("topics", "topics", "--create", "--partitions", "4")
    worker = stream.working()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "a worker")
    refused = stream.run("publish", str(GOLDEN), **stream.as_user("reader"))
    assert refused.returncode != 0
    assert "authori" in refused.stderr.lower()
    for name in ("publisher", "topics"):
        assert "refuses its name or password" in refusal_of(stream.run("kpi", "--json", **stream.as_user(name)))
        refusal_of(stream.run("worker", **stream.as_user(name)))
    refusal_of(stream.run("worker", **stream.as_user("reader")))
    assert "docs/rights.md" in refusal_of(stream.run(*SET_TARGET, **stream.as_user("reader")))


def right_of(stream: Guarded, name: str, operation: str, resource: str, named: str) -> KafkaRight:
    """Return a right of the list."""
    found = [
        r for r in stream.principals[name].kafka if (r.operation, r.resource, r.name) == (operation, resource, named)
    ]
    (right,) = found
    return right


@pytest.mark.parametrize("what", ["an input topic", "dead letters", "survey requests", "tombstones"])
def test_topic_that_a_worker_may_not_use_is_named(what: str, stream: Guarded) -> None:
    """Kafka hides it, and the worker cannot know whether it is there: the line says both."""
    topic = {
        "an input topic": stream.topics["cancel"],
        "dead letters": stream.dead_letter_topic,
        "survey requests": stream.environment["TENURE_SURVEY_REQUEST_TOPIC"],
        "tombstones": stream.forgotten_topic,
    }[what]
    stream.does("topics", "topics", "--create", "--partitions", "4")
    for right in [each for each in stream.principals["worker"].kafka if each.name == topic]:
        stream.take("worker", right)
    line = refusal_of(stream.run("worker", **stream.as_user("worker")))
    assert topic in line
    assert "docs/rights.md" in line


@pytest.mark.parametrize("what", ["the group", "the mixed topic"])
def test_right_to_read_that_a_worker_lacks_is_told_in_one_line(what: str, stream: Guarded) -> None:
    """It shows only when the worker begins to read; it would wait for ever, or end in a traceback."""
    resource, named = {
        "the group": ("GROUP", stream.environment["TENURE_GROUP"]),
        "the mixed topic": ("TOPIC", stream.topics["events"]),
    }[what]
    stream.does("topics", "topics", "--create", "--partitions", "4")
    stream.take("worker", right_of(stream, "worker", "READ", resource, named))
    line = refusal_of(stream.run("worker", **stream.as_user("worker")))
    assert line.startswith("tenure: TENURE_KAFKA_USERNAME is 'worker': it may not read ")
    assert named in line
    assert "docs/rights.md" in line


def test_record_that_a_worker_may_not_forward_waits_for_the_right(stream: Guarded) -> None:
    """Nothing is lost meanwhile: the batch is committed when the record has been sent."""
    right = right_of(stream, "worker", "WRITE", "TOPIC", stream.topics["events"])
    stream.does("topics", "topics", "--create", "--partitions", "4")
    stream.take("worker", right)
    worker = stream.working()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "a worker")
    stream.send([{**SIGNUP, "customer_id": f"c{number}"} for number in range(8)], key=b"another's")
    until(lambda: "TopicAuthorizationFailed" in worker.process.output, "a log line that says why")
    assert not stream.is_applied()
    stream.give(stream.principals["worker"]._replace(kafka=(right,)))
    stream.until_applied()


@pytest.mark.parametrize("what", ["an input topic", "the group", "its configuration", "dead letters"])
def test_right_that_a_doctor_lacks_is_a_finding_that_names_it(what: str, stream: Guarded) -> None:
    """Without it the group would seem to be empty, or Kafka to be away."""
    topic, group = stream.topics["cancel"], stream.environment["TENURE_GROUP"]
    operation, resource, named = {
        "an input topic": ("READ", "TOPIC", topic),
        "the group": ("DESCRIBE", "GROUP", group),
        "its configuration": ("DESCRIBE_CONFIGS", "TOPIC", topic),
        "dead letters": ("DESCRIBE", "TOPIC", stream.dead_letter_topic),
    }[what]
    stream.does("topics", "topics", "--create", "--partitions", "4")
    worker = stream.working()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "a worker")
    stream.take("doctor", right_of(stream, "doctor", operation, resource, named))
    result = stream.run("doctor", "--json", **stream.as_user("doctor"))
    faults = [each["what"] for each in json.loads(result.stdout)["findings"] if each["level"] == "fault"]
    if what == "its configuration":
        assert (result.returncode, faults) == (0, []), "it says less"
    else:
        assert all(named in each and "docs/rights.md" in each for each in faults), faults
        assert (result.returncode, len(faults)) == (1, 1)


@pytest.mark.parametrize(
    ("name", "operation", "command"),
    [("publisher", "WRITE", ["publish", str(GOLDEN)]), ("topics", "CREATE", ["topics", "--create"])],
)
def test_command_without_one_of_its_rights_ends_with_a_line_that_names_the_topic(
    name: str, operation: str, command: list[str], stream: Guarded
) -> None:
    """As for a worker."""
    if name == "publisher":
        stream.does("topics", "topics", "--create", "--partitions", "4")
    topic = stream.topics["signup"]
    stream.take(name, right_of(stream, name, operation, "TOPIC", topic))
    result = stream.run(*command, **stream.as_user(name))
    assert result.returncode != 0
    assert topic in result.stderr
    assert len(result.stderr.splitlines()) == 1
