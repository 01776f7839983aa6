"""/metrics of real workers: gauges that add up to the report, and none from a worker that may be a zombie."""

from __future__ import annotations

import datetime as dt
import socket
from typing import TYPE_CHECKING

import pytest

from schemas.catalogue.counts import COUNTS
from services.installation import Installation, Sample, WorkerProcess, samples_in, until
from tests.chaos.crowd import START, crowd_of
from tests.reports import counts_in

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.alone

SESSION_SECONDS = 2
BY = ("plan", "country", "channel")


def recent_events() -> list[bytes]:
    """Return events of this year, so that every window as of now has some."""
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=330)
    shift = start.replace(hour=0, minute=0, second=0, microsecond=0) - START
    now = dt.datetime.now(dt.UTC).isoformat().encode()
    moved = [shifted(record, shift) for record in crowd_of(4_000)]
    return [record for record in moved if time_of(record) < now]


def shifted(record: bytes, by: dt.timedelta) -> bytes:
    """Return an event that happened later."""
    before, found, rest = record.partition(b'"time":"')
    assert found
    time = dt.datetime.fromisoformat(rest[:29].decode()) + by
    return before + found + time.isoformat(timespec="milliseconds").encode() + rest[29:]


@pytest.fixture
def two_workers(installation: Installation) -> list[WorkerProcess]:
    """Two workers that share four partitions of applied events."""
    installation.environment["TENURE_SESSION_TIMEOUT_SECONDS"] = str(SESSION_SECONDS)
    installation.create_topics()
    workers = [installation.worker() for _ in range(2)]
    until(lambda: [len(worker.owned()) for worker in workers] == [2, 2], "two partitions each")
    installation.publish(installation.file_of(recent_events()))
    installation.until_applied()
    return workers


def time_of(record: bytes) -> bytes:
    """Return an event's time, as it is written."""
    return record.partition(b'"time":"')[2][:29]


def summed(workers: Iterable[WorkerProcess]) -> dict[tuple[str, str, str, str], int]:
    """Return the counts of all workers by metric, window, dimension and value, as Prometheus would add them up."""
    sums: dict[tuple[str, str, str, str], int] = {}
    metrics = {count.metric for count in COUNTS}
    for worker in workers:
        for sample in worker.metrics():
            if sample.name in metrics:
                key = key_of(sample)
                sums[key] = sums.get(key, 0) + int(sample.value)
    return sums


def key_of(sample: Sample) -> tuple[str, str, str, str]:
    """Return what a sample counts."""
    labels = sample.labels
    return sample.name, labels.get("window", ""), labels["dimension"], labels["value"]


def test_gauges_of_two_workers_add_up_to_the_report(
    two_workers: list[WorkerProcess], installation: Installation
) -> None:
    """That is all that Prometheus does with them: sum and divide."""

    def agree() -> bool:
        report = installation.kpi(*(word for name in BY for word in ("--by", name)))[0]
        sums = summed(two_workers)
        expected = counts_in(report, BY)
        # Values that are not shown by name are folded into `other`, which the report does not have.
        others = {key: amount for key, amount in sums.items() if key not in expected}
        return expected.items() <= sums.items() and set(others.values()) <= {0}

    until(agree, "gauges that add up to the report", seconds=40)
    handled = sum(worker.total("tenure_events_applied_total") for worker in two_workers)
    assert handled == sum(head.applied + head.duplicates for head in installation.heads().values())
    for worker in two_workers:
        assert worker.total("tenure_customers_active", dimension="all") > 0
        assert worker.total("tenure_identities_violated") == 0
        assert worker.total("tenure_lag_records") == 0
        assert worker.total("tenure_partitions_expected") == 4
        assert worker.get("/readyz") == (200, "ready\n")


def test_a_worker_that_stood_still_for_longer_than_its_session_shows_no_kpis(
    two_workers: list[WorkerProcess], installation: Installation
) -> None:
    """Its partitions are counted by the other by now: what both show would be counted twice."""
    zombie, other = two_workers
    total = installation.kpi()[0]["totals"]["customers_active"]
    assert total > 0
    until(lambda: total_of(two_workers) == total, "all counts on both workers")
    zombie.process.pause()
    until(lambda: len(other.owned()) == 4, "the other worker takes over")
    until(lambda: other.total("tenure_customers_active", dimension="all") == total, "all counts on the other worker")
    # Asked before it can do anything else: it finds the question when it goes on.
    with socket.create_connection(("127.0.0.1", zombie.port), timeout=30) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        zombie.process.resume()
        first_words = b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
    assert samples_in(first_words, "tenure_build_info") != []
    assert samples_in(first_words, "tenure_customers_active") == []
    until(lambda: [len(worker.owned()) for worker in two_workers] == [2, 2], "two partitions each, again")
    until(lambda: total_of(two_workers) == total, "the same numbers as before")


def total_of(workers: Iterable[WorkerProcess]) -> float:
    """Return the active customers of all workers together."""
    return sum(worker.total("tenure_customers_active", dimension="all") for worker in workers)


def test_metrics_say_which_service_is_away_and_that_it_is_back(installation: Installation) -> None:
    """An operator looks here first."""
    installation.create_topics()
    worker = installation.worker()
    records = recent_events()
    installation.publish(installation.file_of(records))
    installation.until_applied()
    until(lambda: worker.total("tenure_customers_active", dimension="all") > 0, "counts")
    assert worker.total("tenure_redis_up") == 1
    installation.redis.kill()
    installation.publish(installation.file_of(records))
    until(lambda: worker.total("tenure_redis_up") == 0, "Redis is seen to be away")
    assert worker.total("tenure_lag_records") > 0
    assert worker.total("tenure_customers_active", dimension="all") > 0
    installation.redis.start()
    installation.until_applied()
    until(lambda: worker.total("tenure_redis_up") == 1, "Redis is seen to be back")
    assert worker.total("tenure_events_duplicate_total") >= len(records)
    assert "waiting_for_service" in worker.process.output
