"""The one reader of topics on a real Kafka: what it reads, where it begins, and what it says that it has not read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import Producer

from streams.settings.settings import Settings
from tenure.operations.topic_records import MissingTopic, TopicReading, reading
from tests.contract.test_log_kafka_clients import NoText

if TYPE_CHECKING:
    from services.kafka import Kafka
    from streams.records import ReadableRecord


@pytest.fixture(name="topic")
def _topic(kafka: Kafka, prefix: str) -> str:
    """A topic of two partitions, with the values 0 to 9 on the first, stamped a second apart."""
    name = f"{prefix}events"
    kafka.create_topics([name], 2)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for n in range(10):
        producer.produce(name, b"%d" % n, partition=0, timestamp=1_700_000_000_000 + 1_000 * n)
    assert producer.flush(30) == 0
    return name


async def read(
    kafka: Kafka, topic: str, *, since_ms: int | None = None, last: int | None = None
) -> tuple[list[ReadableRecord], TopicReading]:
    """Return what a reading of a topic yields, and the reading."""
    settings = Settings(kafka_bootstrap=kafka.bootstrap)
    async with reading(settings, [topic], what="of the test", since_ms=since_ms, last=last) as found:
        return [record async for records in found.records() for record in records], found


async def test_reading_begins_where_it_is_told_to_and_ends_where_the_topic_did(kafka: Kafka, topic: str) -> None:
    """A doctor wants the latest records, an undo those of a span, and the others all of them."""
    for wanted, first in (
        (await read(kafka, topic), 0),
        (await read(kafka, topic, last=3), 7),
        (await read(kafka, topic, since_ms=1_700_000_005_000), 5),
        (await read(kafka, topic, since_ms=1_700_000_005_000, last=2), 8),
        (await read(kafka, topic, since_ms=1_800_000_000_000), 10),
    ):
        records, found = wanted
        assert [record.value for record in records] == [b"%d" % n for n in range(first, 10)]
        assert (found.done, found.total, found.gave_up) == (10 - first, 10 - first, [])
        assert found.partitions == {topic: 2}


async def test_header_whose_name_is_no_text_is_read_as_a_worker_reads_it(kafka: Kafka, topic: str) -> None:
    """One producer that writes such must not keep whoever is called at night from looking."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 16384)  # takes our names
    batch.append(key=b"k", value=b"10", timestamp=1_700_000_010_000, headers=[(NoText("bad"), b"\xff")])
    await (await producer.send_batch(batch, topic, partition=0))
    await producer.stop()
    records, found = await read(kafka, topic)
    assert [record.value for record in records] == [b"%d" % n for n in range(11)]
    assert list(records[-1].headers) == [("bad\ufffd\ufffd", b"\xff")]
    assert found.gave_up == []


async def test_what_waits_for_an_open_transaction_is_told(kafka: Kafka, topic: str) -> None:
    """Records of others lie behind it too: an undo that is silent about them would be believed."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": f"{topic}-open"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"open", partition=0)
    assert producer.flush(30) == 0
    records, found = await read(kafka, topic)
    assert len(records) == 10
    assert found.gave_up == [
        f"{topic}/0: read up to offset 10 of 11: the rest waits for a transaction that is open",
    ]
    producer.abort_transaction(30)  # the broker says so before the partition has it
    async with asyncio.timeout(30):
        while (await read(kafka, topic))[1].gave_up:
            await asyncio.sleep(0.05)
    assert len((await read(kafka, topic))[0]) == 10


async def test_topic_that_is_not_there_is_named_with_those_that_are(kafka: Kafka, topic: str) -> None:
    """The name may be misspelt."""
    with pytest.raises(MissingTopic) as refused:
        await read(kafka, f"{topic}s")
    assert refused.value.topic == f"{topic}s"
    assert topic in refused.value.known
