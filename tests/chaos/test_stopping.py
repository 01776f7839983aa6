"""SIGTERM ends a worker within seconds, whatever is away: otherwise a deployment during an outage ends in SIGKILL."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.installation import Installation, until
from tests.chaos.crowd import crowd_of

pytestmark = pytest.mark.alone

#: a few seconds for a good-bye to Kafka that never comes, and those that a busy machine takes
PATIENCE_SECONDS = 12.0
AWAY: dict[str, Callable[[Installation], None]] = {
    "Kafka killed": lambda installation: installation.kafka.kill(),
    "Kafka standing still": lambda installation: installation.kafka.pause(),
    "Redis killed": lambda installation: installation.redis.kill(),
    "Redis standing still": lambda installation: installation.redis.pause(),
}


@pytest.mark.parametrize(("way", "busy"), [*((way, True) for way in AWAY), ("Kafka killed", False)])
def test_a_worker_that_works_stops_while_a_service_is_away(way: str, busy: bool, installation: Installation) -> None:
    """What is committed stays; what is not is read again by whoever comes next."""
    installation.create_topics()
    records = crowd_of(2_000)
    file = installation.file_of([*records, *[b"no event"] * 500] if busy else records[:100])
    worker = installation.worker()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "the assignment")
    installation.publish(file)
    if not busy:
        installation.until_applied()
    AWAY[way](installation)
    began = time.monotonic()
    assert worker.process.stop(seconds=PATIENCE_SECONDS) == 0, worker.process.output[-3000:]
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert '"worker_stopped"' in worker.process.output


@pytest.mark.parametrize("way", list(AWAY))
def test_a_worker_that_waits_for_a_service_at_its_start_stops(way: str, installation: Installation) -> None:
    """It has nothing to close yet, and must not wait for what it never had."""
    installation.create_topics()
    AWAY[way](installation)
    port = (installation.kafka if "Kafka" in way else installation.redis).port
    before = connections_to(port)
    worker = installation.worker()
    if "killed" in way:
        until(lambda: '"waiting_for_' in worker.process.output, "the worker waits")
    else:
        until(lambda: connections_to(port) > before, "the worker waits for an answer")
    service = "Kafka" if "Kafka" in way else "Redis"
    until(lambda: service in worker.get("/readyz")[1], "it says what it waits for")
    assert worker.get("/healthz") == (200, "alive\n")
    assert worker.get("/readyz")[0] == 503
    up = [sample.value for sample in worker.metrics(f"tenure_{service.lower()}_up")]
    assert up == [0] or (service == "Redis" and "killed" not in way)  # nobody can say yet whether it will answer
    assert worker.process.stop(seconds=PATIENCE_SECONDS) == 0
    assert worker.get("/healthz")[0] == 0


@pytest.mark.parametrize("way", ["Kafka killed", "Kafka standing still"])
def test_a_worker_that_lost_kafka_while_it_started_stops(way: str, installation: Installation) -> None:
    """It has seen its topics, waited for Redis, and finds Kafka gone when it joins its group."""
    installation.create_topics()
    installation.redis.kill()
    worker = installation.worker()
    until(lambda: '"waiting_for_redis"' in worker.process.output, "the worker waits for Redis")
    AWAY[way](installation)
    before = connections_to(installation.kafka.port)
    installation.redis.start()
    until(worker.has_begun, "the worker is about to join its group")
    if "killed" in way:
        until(lambda: '"waiting_for_kafka"' in worker.process.output, "it finds Kafka gone")
    else:
        until(lambda: connections_to(installation.kafka.port) > before, "it waits for an answer")
    assert worker.process.stop(seconds=PATIENCE_SECONDS) == 0


def connections_to(port: int) -> int:
    """Return how many connections to a port of this machine there are (count)."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    established = [line.split()[2] for line in lines if line.split()[3] == "01"]
    return sum(int(remote.rpartition(":")[2], 16) == port for remote in established)


def test_a_worker_that_waited_for_kafka_and_redis_goes_on_by_itself(installation: Installation) -> None:
    """After a power cut everything starts at once, in any order."""
    installation.create_topics()
    installation.publish(installation.file_of(crowd_of(100)))
    installation.kafka.kill()
    installation.redis.kill()
    worker = installation.worker()
    until(lambda: '"waiting_for_kafka"' in worker.process.output, "the worker waits for Kafka")
    installation.kafka.start()
    until(lambda: '"waiting_for_redis"' in worker.process.output, "the worker waits for Redis")
    installation.redis.start()
    installation.until_applied()
    assert worker.process.stop(seconds=PATIENCE_SECONDS) == 0
