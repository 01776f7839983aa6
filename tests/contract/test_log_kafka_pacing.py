"""Records that wait in Kafka for more to come are read at once by whoever cannot wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.kafka import pacing
from streams.records import TP
from tests.contract.logs import KafkaUnderTest, Ledger, Worker

if TYPE_CHECKING:
    import pytest


async def test_a_pause_between_fetches_is_ended_by_whoever_cannot_wait(
    kafka_bootstrap: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scrape shows them, and a worker that nobody reads may wait for larger batches."""
    monkeypatch.setattr(pacing, "LINGER_SECONDS", 3600.0)
    monkeypatch.setattr(pacing, "FETCH_SECONDS", 30.0)
    log, ledger, topic = KafkaUnderTest(kafka_bootstrap), Ledger(), f"{prefix}events"
    await log.create_topic(topic, 1)
    async with Worker(log, prefix, [topic], ledger) as worker:
        await log.append(topic, [b"first"], partition=0)
        await ledger.until(lambda: ledger.total() == 1)
        await log.append(topic, [b"second"], partition=0)
        ends = await worker.app.batch_consumer.hurry()
        assert ends == {TP(topic, 0): 2}
        await ledger.until(lambda: ledger.total() == 2)
    await log.close()
