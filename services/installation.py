"""A stream as its operator sees it: topics on a real Kafka, tables in a real Redis, commands in their own processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import redis
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec
from prometheus_client.parser import text_string_to_metric_families

from services.gateway import TOKEN, GatewayProcess
from services.process import NotReadyError, Process, StartProcess, free_port
from streams.holding import unheld
from streams.settings.settings import Settings
from streams.tables import Head, decode_head, version_of

if TYPE_CHECKING:
    from confluent_kafka import Message

    from services.kafka import Kafka
    from services.redis import Redis as RedisServer

TENURE: Final = str(Path(sys.executable).with_name("tenure"))
PREFIX: Final = "under-test"
#: What is asked here, of several processes, costs more than the looks of `services`.
POLL_SECONDS: Final = 0.05
#: Kept for the next process, which then starts in a third of the time.
BYTECODE: Final = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(Path(__file__).parents[1] / "build" / "bytecode"),
}
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    """One line of /metrics."""

    name: str
    labels: Labels
    value: float


def samples_in(text: str, prefix: str = "") -> list[Sample]:
    """Return the samples of an exposition whose names begin with something."""
    lines = [line for line in text.splitlines() if line.startswith(prefix)]
    families = text_string_to_metric_families("\n".join(lines) + "\n")
    return [Sample(sample.name, sample.labels, sample.value) for each in families for sample in each.samples]


class WorkerProcess:
    """A running `tenure worker`; `process` is what a test kills, pauses and starts again."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page; (0, "") where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def has_begun(self) -> bool:
        """Return whether it has found Kafka and Redis, and goes on to join its group."""
        text = self.get("/readyz")[1]
        return bool(text) and "since the worker started" not in text

    def metrics(self, prefix: str = "") -> list[Sample]:
        """Return the samples of /metrics whose names begin with something; parsing all of them takes a while."""
        return samples_in(self.get("/metrics")[1], prefix)

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a name that have these labels."""
        found = [sample for sample in self.metrics(name) if sample.name == name]
        return sum(sample.value for sample in found if labels.items() <= sample.labels.items())

    def owned(self) -> set[int]:
        """Return the partitions that it says it owns."""
        return {int(sample.labels["partition"]) for sample in self.metrics("tenure_partition_owned")}


class Installation:
    """One stream's settings, and what can be done with it."""

    def __init__(
        self,
        kafka: Kafka,
        redis_server: RedisServer,
        prefix: str,
        start_process: StartProcess,
        folder: Path,
        *,
        partitions: int = 4,
    ) -> None:
        """Name a stream; `create_topics` makes its topics."""
        self.kafka, self.redis, self.prefix, self.partitions = kafka, redis_server, prefix, partitions
        self._start_process, self._folder = start_process, folder
        self.topics = {name: prefix + topic for name, topic in Settings().topics.items()}
        self.dead_letter_topic = f"{prefix}dead-letters"
        self.forgotten_topic = f"{prefix}forgotten"
        self.movement_topic = f"{prefix}movements"
        self.environment = {
            "TENURE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TENURE_REDIS_URL": redis_server.url,
            "TENURE_REDIS_PREFIX": PREFIX,
            "TENURE_GROUP": f"{prefix}group",
            "TENURE_TOPICS": ",".join(f"{name}={topic}" for name, topic in self.topics.items()),
            "TENURE_DEAD_LETTER_TOPIC": self.dead_letter_topic,
            "TENURE_SURVEY_REQUEST_TOPIC": f"{prefix}survey-requests",
            "TENURE_FORGOTTEN_TOPIC": self.forgotten_topic,
            "TENURE_MOVEMENT_TOPIC": self.movement_topic,
            "TENURE_METRICS_REFRESH_SECONDS": "0.2",
            "TENURE_LOG_FORMAT": "json",
            **BYTECODE,
        }

    # -- parts

    def create_topics(self, *, config: Mapping[str, str] | None = None) -> None:
        """Create the topics, the input topics with settings of their own."""
        settings = {"file.delete.delay.ms": "0", **(config or {})}
        self.kafka.create_topics(list(self.topics.values()), self.partitions, config=settings)
        self.kafka.create_topics([self.dead_letter_topic], 1)

    def delete_topics(self) -> None:
        """Delete the topics: a broker that is killed looks through all it has when it comes back."""
        self.kafka.bring_back()
        names = {*self.topics.values(), self.dead_letter_topic, self.movement_topic} & set(
            self.kafka.admin.list_topics(timeout=30).topics
        )
        for deleted in self.kafka.admin.delete_topics(sorted(names)).values() if names else ():
            deleted.result(timeout=30)

    def worker(self, **settings: str) -> WorkerProcess:
        """Start a worker with further settings (`TENURE_…`)."""
        port = free_port()
        environment = {**self.environment, "TENURE_METRICS_PORT": str(port), **settings}
        return WorkerProcess(self._start_process([TENURE, "worker"], environment), port)

    def gateway(self, **settings: str) -> GatewayProcess:
        """Start a gateway with a token and further settings (`TENURE_…`)."""
        port = free_port()
        named = {"TENURE_GATEWAY_PORT": str(port), "TENURE_GATEWAY_TOKENS": f"app={TOKEN}", **settings}
        return GatewayProcess(self._start_process([TENURE, "gateway"], {**self.environment, **named}), port)

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run another command to its end."""
        return subprocess.run(
            [TENURE, *arguments],
            env={**os.environ, **self.environment, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    # -- what goes in

    def file_of(self, records: Iterable[bytes], name: str = "events.ndjson") -> Path:
        """Write records as lines."""
        file = self._folder / name
        file.write_bytes(b"".join(record + b"\n" for record in records))
        return file

    def publish(self, file: Path, *arguments: str) -> None:
        """Send a file to Kafka by `tenure publish`; the stream may refuse some of it."""
        _check(self.run("publish", str(file), *arguments))

    def producer(self, **options: Any) -> Producer:
        """Return a producer that is not ours, with librdkafka's own defaults."""
        return Producer({"bootstrap.servers": self.kafka.bootstrap, "message.max.bytes": 30_000_000, **options})

    # -- what comes out

    def kpi(self, *arguments: str, **settings: str) -> list[dict[str, Any]]:
        """Return what `tenure kpi --json` prints."""
        reports: list[dict[str, Any]] = self._json("kpi", *arguments, **settings)
        return reports

    def replay(self, file: Path, *arguments: str, **settings: str) -> list[dict[str, Any]]:
        """Return what `tenure replay FILE --json` prints."""
        reports: list[dict[str, Any]] = self._json("replay", str(file), *arguments, **settings)
        return reports

    def cohorts(self, *arguments: str, **settings: str) -> dict[str, Any]:
        """Return what `tenure cohorts --json` prints."""
        report: dict[str, Any] = self._json("cohorts", *arguments, **settings)
        return report

    def _json(self, *arguments: str, **settings: str) -> Any:
        result = self.run(*arguments, "--json", **settings)
        _check(result)
        return json.loads(result.stdout)

    def heads(self) -> dict[int, Head]:
        """Return what Redis holds at the head of each partition; not of one that is empty, or being cleared."""
        with self.redis.client() as client:
            generation = json.loads(client.get(f"{PREFIX}:mark") or "{}").get("generation")
            space = f"{PREFIX}:g{generation}" if generation else PREFIX
            found = [client.get(f"{space}:{{{number}}}:h") for number in range(self.partitions)]
        heads = {number: unheld(head) for number, head in enumerate(found)}
        return {number: decode_head(head) for number, head in heads.items() if head and version_of(head) is not None}

    def ends(self, topics: Sequence[str] | None = None) -> dict[tuple[str, int], int]:
        """Return the end of each partition of topics, by default of the input topics."""
        names = list(self.topics.values()) if topics is None else topics
        places = [TopicPartition(topic, number) for topic in names for number in self._numbers(topic)]
        latest: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self.kafka.admin.list_offsets(dict.fromkeys(places, latest), request_timeout=10)
        return {(place.topic, place.partition): found.result().offset for place, found in asked.items()}

    def _numbers(self, topic: str) -> range:
        return range(1 if topic == self.dead_letter_topic else self.partitions)

    def is_applied(self) -> bool:
        """Return whether everything that lies in Kafka is in Redis; forwarded records are sent before a commit."""
        try:
            heads, ends = self.heads(), self.ends()
        except (redis.ConnectionError, KafkaException):
            return False  # one of them is just coming back
        stored = {(topic, number): at for number, head in heads.items() for topic, at in head.positions.items()}
        return all(stored.get(place, 0) == end for place, end in ends.items())

    def until_applied(self, *, seconds: float = 60.0) -> None:
        """Wait until it is.

        Raises:
            NotReadyError: It was not in time.
        """
        until(self.is_applied, f"everything applied: {self.prefix}", seconds=seconds)

    def records_in(self, topic: str) -> list[Message]:
        """Return all records of a topic, by partition and offset, read by another client than ours."""
        ends = self.ends([topic])
        wanted = [TopicPartition(name, number, 0) for (name, number), end in ends.items() if end]
        consumer = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "none", "fetch.max.bytes": 2**30})
        consumer.assign(wanted)
        found: list[Message] = []
        try:
            while len(found) < sum(ends.values()):
                some = consumer.consume(min(1000, sum(ends.values()) - len(found)), timeout=10)
                assert some, f"only {len(found)} of {sum(ends.values())} records of {topic} are there"
                found += some
        finally:
            consumer.close()
        return sorted(found, key=lambda record: (record.partition(), record.offset()))


def until(true: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
    """Wait for a condition.

    Raises:
        NotReadyError: It did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not within {seconds:g} s")
        time.sleep(POLL_SECONDS)


def header_list(record: Message) -> list[tuple[str, bytes | None]]:
    """Return a record's headers, in their order."""
    found: Any = record.headers() or []
    return list(found)


def headers_of(record: Message) -> dict[str, bytes | None]:
    """Return a record's headers by name; the last of each."""
    return dict(header_list(record))


def _check(result: subprocess.CompletedProcess[str]) -> None:
    """Assert that a command did all that it was asked for; files with events that are refused end with 1."""
    refused = result.returncode == 1 and "refused; see above" in result.stderr
    assert result.returncode == 0 or refused, result.stderr
