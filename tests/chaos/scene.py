"""A stream that runs while things break: three brokers, a kind of Redis, three workers, and events at a steady rate."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Final, Self, cast

import redis
from confluent_kafka import KafkaException

from services.installation import TENURE, Installation, WorkerProcess, until
from services.kafka import Kafka
from services.kafka_cluster import PASSWORD, USER, KafkaCluster
from services.network import Network
from services.process import Process
from services.redis import Redis
from tests.chaos.crowd import AT
from tests.chaos.stores import Stores, stores_of
from tests.chaos.traffic import Sender, endless
from tests.recount.report import recount

WORKERS: Final = 3
SESSION_SECONDS: Final = 6
BY: Final = ("plan", "country")
#: What was sent in the last run, for whoever looks for what went wrong.
SENT: Final = Path("build") / "chaos" / "sent.ndjson"
_PATIENCE_SECONDS: Final = 300.0
_AWAY: Final = (redis.RedisError, KafkaException, OSError)


class Scene:
    """All of it, in a folder; use it in a `with` statement.

    Args:
        folder: Where data and logs lie; it exists.
        kind: Of Redis; one of `tests.chaos.stores.KINDS`.
        seed: Of all chance.
        rate: Events a second.
        settings: Further settings of the workers that begin.
        leave_out: Topics and settings that these do not know.
    """

    def __init__(
        self,
        folder: Path,
        *,
        kind: str,
        seed: int,
        rate: int,
        settings: Mapping[str, str] = MappingProxyType({}),
        leave_out: tuple[Sequence[str], Sequence[str]] = ((), ()),
    ) -> None:
        self.folder, self.kind, self.seed, self.rate = folder, kind, seed, rate
        self.random = Random(seed)
        self.network = Network()
        self.workers: list[WorkerProcess] = []
        self._settings, self._leave_out = settings, leave_out
        self._processes: list[Process] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        for name in ("kafka", "redis", "stream"):
            (self.folder / name).mkdir()
        with self._stack:
            self._stack.enter_context(self.network)
            self.kafka = KafkaCluster(self.folder / "kafka", self.network)
            self._stack.callback(self.kafka.stop)
            self.stores: Stores = stores_of(self.kind, self.folder / "redis", self.network)
            self._stack.callback(self.stores.stop)
            self._stack.callback(self._end_processes)
            self.stores.start()
            self.kafka.start()
            self._begin()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _begin(self) -> None:
        stream = self.folder / "stream"
        # They have what it asks of one Kafka and one Redis.
        kafka, stores = cast("Kafka", self.kafka), cast("Redis", self.stores)
        self.installation = Installation(kafka, stores, "chaos.", self._start, stream)
        self.installation.environment |= {
            "TENURE_KAFKA_BOOTSTRAP": self.kafka.linked_bootstrap,
            "TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "TENURE_KAFKA_SASL_MECHANISM": "PLAIN",
            "TENURE_KAFKA_USERNAME": USER,
            "TENURE_KAFKA_PASSWORD": PASSWORD,
            "TENURE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "TENURE_METRICS_REFRESH_SECONDS": "5",
        }
        self.installation.create_topics()
        self.workers = self._first_workers()
        until(self.is_owned, "an owner for each partition", seconds=_PATIENCE_SECONDS)
        self.sender = Sender(self.installation, endless(self.seed), rate=self.rate)
        self.sender.start()
        until(lambda: bool(self.heads()), "the first commit", seconds=_PATIENCE_SECONDS)

    def _first_workers(self) -> list[WorkerProcess]:
        (topics, settings), environment = self._leave_out, self.installation.environment
        known = {name: topic for name, topic in self.installation.topics.items() if name not in topics}
        named = {**self._settings, "TENURE_TOPICS": ",".join(f"{name}={topic}" for name, topic in known.items())}
        left = {name: environment.pop(name) for name in settings}
        found = [self.installation.worker(**named) for _ in range(WORKERS)]
        environment.update(left)
        return found

    def command(self, *arguments: str) -> Process:
        """Start another command of the stream."""
        return self._start([TENURE, *arguments], self.installation.environment)

    def _start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
        log = self.folder / "stream" / f"process-{len(self._processes)}.log"
        process = Process(command, log=log, environment=environment)
        self._processes.append(process)
        process.start()
        return process

    def _end_processes(self) -> None:
        for process in self._processes:
            process.kill()

    # -- what is

    def heads(self) -> dict[int, Any]:
        """Return the heads of partitions, or nothing while somebody is away."""
        try:
            return dict(self.installation.heads())
        except _AWAY:
            return {}

    def is_owned(self) -> bool:
        """Return whether each partition is owned once, by workers that all run."""
        owned = sorted(itertools.chain.from_iterable(worker.owned() for worker in self.workers))
        return owned == list(range(self.installation.partitions))

    def ends(self) -> dict[tuple[str, int], int]:
        """Return where the input topics end; Kafka may be away for a while."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self.installation.ends()
            except _AWAY:
                if time.monotonic() > deadline:
                    raise
                self.kafka.forget_client()
                time.sleep(0.2)

    def is_applied_to(self, ends: Mapping[tuple[str, int], int]) -> bool:
        """Return whether the tables have everything up to these ends."""
        heads = self.heads()
        stored = {(topic, number): at for number, head in heads.items() for topic, at in head.positions.items()}
        return all(stored.get(place, 0) >= end for place, end in ends.items())

    # -- what is waited for

    def until_recovered(self) -> None:
        """Wait until servers are whole, each partition has an owner, and all that is in Kafka now is applied.

        Raises:
            NotReadyError: It did not come to that; the message says what was missing.
        """
        self.kafka.until_whole(seconds=_PATIENCE_SECONDS)
        self.stores.until_well()
        ends = self.ends()
        until(lambda: self.is_applied_to(ends), "everything applied", seconds=_PATIENCE_SECONDS)
        until(self.is_owned, "an owner for each partition", seconds=_PATIENCE_SECONDS)

    def state(self) -> Iterator[str]:
        """Yield what is known when something did not come back: readiness and last words."""
        for number, worker in enumerate(self.workers):
            status, text = worker.get("/readyz")
            yield f"worker {number}: owns {sorted(worker.owned())}, ready {status}: {text.strip()}"
            yield from worker.process.output.splitlines()[-5:]
        heads, ends = self.heads(), self.ends()
        stored = {(topic, number): at for number, head in heads.items() for topic, at in head.positions.items()}
        behind = {place: (stored.get(place, 0), end) for place, end in ends.items() if stored.get(place, 0) != end}
        yield f"behind: {behind}"

    def last_words(self) -> list[str]:
        """Return the last lines of the process that was started last."""
        return self._processes[-1].output.splitlines()[-20:]

    def check(self) -> tuple[int, float]:
        """Hold all numbers against the recount once everything sent is applied; then stop the workers in good order.

        Returns:
            How many records were sent, and how many a second.

        Raises:
            AssertionError: A number is another one.
        """
        a_second = self.sender.stop()
        # Records of other partitions' customers come to lie in Kafka once more, before they are applied.
        until(lambda: self.is_applied_to(self.ends()), "everything applied", seconds=2 * _PATIENCE_SECONDS)
        records = self.sender.sent
        SENT.parent.mkdir(parents=True, exist_ok=True)
        SENT.write_bytes(b"\n".join(records))
        by = [argument for dimension in BY for argument in ("--by", dimension)]
        at = [argument for moment in AT for argument in ("--at", moment.isoformat())]
        found = self.installation.kpi(*at, *by)
        assert differences(found, recount(records, at=AT, by=BY)) == []
        for worker in self.workers:
            assert worker.process.stop(seconds=60) == 0, worker.process.output[-2000:]
        return len(records), a_second


def differences(found: Any, expected: Any, path: str = "") -> list[str]:
    """Return where two reports differ, as paths with both values."""
    if isinstance(found, dict) and isinstance(expected, dict):
        names = [*expected, *(name for name in found if name not in expected)]
        return [each for name in names for each in differences(found.get(name), expected.get(name), f"{path}/{name}")]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [each for n, (one, other) in pairs for each in differences(one, other, f"{path}/{n}")]
    return [] if found == expected else [f"{path}: {found!r}, recounted {expected!r}"]
