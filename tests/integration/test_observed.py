"""Real workers looked at from outside while they are fed and killed: all that they show has an explanation."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from confluent_kafka import KafkaError, Message

from services.installation import Installation, WorkerProcess, until
from tests.logs.logs import generate
from tests.logs.shapes import PLAIN
from tests.observer.checker import Checker, SentRecord, Shown
from tests.observer.scrapes import shown_in_report, shown_in_scrape

pytestmark = pytest.mark.alone

BURSTS = 12


def test_whatever_workers_show_under_kills_is_that_of_a_prefix_of_what_was_sent(installation: Installation) -> None:
    """Exact at the end is not enough: whoever looks meanwhile must not see a number that never was."""
    log = generate(Random(5), replace(PLAIN, events=120, customers=12))
    installation.environment["TENURE_SESSION_TIMEOUT_SECONDS"] = "2"
    installation.create_topics()
    workers = [installation.worker(), installation.worker()]
    until(lambda: sum(len(worker.owned()) for worker in workers) == installation.partitions, "partitions owned")
    watch = Watch(installation, list(log.records))
    for burst in range(BURSTS):
        watch.send(burst)
        watch.look(workers)
        if burst in (4, 8):
            workers[-1].process.kill()
            workers.append(installation.worker())
    installation.until_applied()
    watch.look(workers)
    watch.look_at_report()
    checker = Checker(watch.known(), log.options)
    for shown in watch.shown:
        checker.look(shown)
    assert checker.violations == []
    assert checker.undecided == 0
    # Before the first kill at the least, both workers showed what they had counted.
    assert sum(bool(shown.marks) for shown in watch.shown) > BURSTS // 3


class Watch:
    """Somebody who sends records, remembers where they came to lie, and looks at workers and reports."""

    def __init__(self, installation: Installation, records: list[bytes]) -> None:
        self._installation = installation
        self._records = records
        self._producer = installation.producer(**{"partitioner": "murmur2_random", "linger.ms": 0})
        self._sent: dict[tuple[str, int, int], SentRecord] = {}
        self.shown: list[Shown] = []

    def send(self, burst: int) -> None:
        """Send a part of the records, each under its customer's id, signups on a topic of their own."""
        topics = self._installation.topics
        for value in self._records[burst::BURSTS]:
            members = json.loads(value)
            topic = topics["signup" if members["type"] == "signup" else "events"]
            sent_seconds = time.monotonic()

            def arrived(error: KafkaError | None, message: Message, sent_seconds: float = sent_seconds) -> None:
                assert error is None, error
                place = (message.topic() or "", message.partition() or 0, message.offset() or 0)
                self._sent[place] = SentRecord(*place[:2], message.value() or b"", sent_seconds)

            self._producer.produce(topic, value, str(members["customer_id"]).encode(), on_delivery=arrived)
        assert self._producer.flush(30) == 0

    def look(self, workers: list[WorkerProcess]) -> None:
        """Look at all workers that answer."""
        for worker in workers:
            status, text = worker.get("/metrics")
            if status == 200:
                self.shown.append(shown_in_scrape(text, who=str(worker.port), seconds=time.monotonic()))

    def look_at_report(self) -> None:
        """Look at a report as of the end of this hour."""
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        (report,) = self._installation.kpi("--at", now.isoformat())
        shown = shown_in_report(
            report, who="report", seconds=time.monotonic(), partitions=self._installation.partitions, mark=0
        )
        self.shown.append(shown)

    def known(self) -> list[SentRecord]:
        """Return all records where they lie, in their order."""
        return [self._sent[place] for place in sorted(self._sent)]
