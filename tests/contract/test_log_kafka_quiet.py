"""Fetches of a worker that has nothing to read: few of them, and each comes back with the first record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from confluent_kafka import Producer

from streams.kafka import fetcher
from tests.contract.logs import PATIENCE_SECONDS, KafkaUnderTest, Ledger, Worker

if TYPE_CHECKING:
    import pytest

    from services.kafka import Kafka

QUIET = (fetcher.QUIET_FETCH_WAIT_MS, 1)
BUSY = (fetcher.FETCH_WAIT_MS, fetcher.FETCH_MIN_BYTES)


async def test_fetches_wait_longer_while_nothing_comes(
    kafka: Kafka, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten fetches a second are half of what an idle worker costs; batches form only where records follow each other."""
    topic = f"{prefix}events"
    kafka.create_topics([topic], 2)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    ledger = Ledger()
    monkeypatch.setattr(fetcher, "QUIET_SECONDS", 0.2)
    async with Worker(KafkaUnderTest(kafka.bootstrap), prefix, [topic], ledger) as worker:

        def asks() -> tuple[int, int]:
            consumer: Any = worker.app.consumer
            ours = consumer._thread._consumer._fetcher
            return ours._fetch_max_wait_ms, ours._fetch_min_bytes

        producer.produce(topic, b"first", partition=0)
        producer.flush()
        await ledger.until(lambda: ledger.total() == 1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while asks() != QUIET:
                await asyncio.sleep(0.01)
        monkeypatch.setattr(fetcher, "QUIET_SECONDS", 3600.0)
        producer.produce(topic, b"second", partition=1)
        producer.flush()
        await ledger.until(lambda: ledger.total() == 2)
        assert asks() == BUSY
    assert ledger.values(topic, 1) == [b"second"]
