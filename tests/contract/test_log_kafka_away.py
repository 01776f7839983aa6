"""A worker whose Kafka goes away waits, and goes on by itself; and what crashes a worker is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streams.batching.application import run_until_stopped
from streams.records import TP
from tests.contract.logs import EmbeddedLogUnderTest, KafkaUnderTest, Ledger, LogUnderTest, Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.kafka import Kafka


@pytest.fixture
async def log(kafka: Kafka) -> AsyncIterator[KafkaUnderTest]:
    """A real log, whose broker is running at the end whatever the test did."""
    under_test = KafkaUnderTest(kafka.bootstrap)
    yield under_test
    await under_test.close()
    if not kafka.process.running:
        kafka.start()


async def test_a_worker_reads_on_after_its_broker_was_killed_and_came_back(
    log: KafkaUnderTest, kafka: Kafka, prefix: str
) -> None:
    """A broker's restart is everyday; a worker that needs one as well would need a person."""
    topic = f"{prefix}events"
    await log.create_topic(topic, 2)
    await log.append(topic, [b"before"], partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 1)
        kafka.kill()
        while worker.app.batch_consumer.last_heartbeat_age_seconds() < 2.5:
            await asyncio.sleep(0.1)
        await asyncio.to_thread(kafka.start)
        await log.append(topic, [b"after"], partition=0)
        await ledger.until(lambda: ledger.total() == 2)
    assert ledger.values(topic, 0) == [b"before", b"after"]
    assert worker.app.crash_reason is None


async def test_a_worker_that_starts_without_a_broker_waits_for_it(
    log: KafkaUnderTest, kafka: Kafka, prefix: str
) -> None:
    """After a power cut everything starts at once, in any order."""
    topic = f"{prefix}events"
    await log.create_topic(topic, 2)
    await log.append(topic, [b"x"], partition=0)
    ledger = Ledger()
    kafka.kill()
    worker = Worker(log, prefix, [topic], ledger)
    stop = asyncio.Event()
    running = asyncio.create_task(run_until_stopped(worker.app, stop))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(kafka.start)
    await ledger.until(lambda: ledger.total() == 1)
    stop.set()
    await running


async def test_a_worker_stops_while_its_broker_is_away(log: KafkaUnderTest, kafka: Kafka, prefix: str) -> None:
    """Otherwise a rolling deployment during an outage ends in SIGKILL."""
    topic = f"{prefix}events"
    await log.create_topic(topic, 2)
    await log.append(topic, [b"x"], partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 1)
        kafka.kill()
        stopping_seconds = worker.app.loop.time()
    assert worker.app.loop.time() - stopping_seconds < 15
    await asyncio.to_thread(kafka.start)


@pytest.mark.parametrize("where", ["embedded", "kafka"])
async def test_a_fault_that_waiting_does_not_mend_ends_the_run_and_is_told(
    where: str, request: pytest.FixtureRequest, prefix: str
) -> None:
    """Faust alone would go on spinning, and nobody would know."""
    log: LogUnderTest = EmbeddedLogUnderTest(prefix.rstrip("."))
    if where == "kafka":
        log = KafkaUnderTest(request.getfixturevalue("kafka_bootstrap"))
    topic = f"{prefix}events"
    await log.create_topic(topic, 1)
    worker = Worker(log, prefix, [topic], Ledger())
    worker.failures = [ValueError("a bug of ours")]
    with pytest.raises(ValueError, match="a bug of ours"):
        await asyncio.wait_for(run_until_stopped(worker.app), 10)
    await log.close()
    assert worker.app.batch_consumer.reading_position(TP(topic, 0)) is None
