"""What other clients write to Kafka is read as they wrote it: compressed, large, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from streams.records import TP
from tests.contract.logs import KafkaUnderTest, Ledger, Worker

if TYPE_CHECKING:
    from tests.services.kafka import Kafka


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_compressed_records_are_read_with_every_codec(codec: str, kafka: Kafka, prefix: str) -> None:
    """The producer chooses the codec; a consumer that lacks one stops at the first such batch."""
    topic = f"{prefix}events"
    kafka.create_topics([topic], 2)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "compression.type": codec, "linger.ms": 50})
    for i in range(3_000):
        producer.produce(topic, b"%d" % i, b"customer-%d" % (i % 50), partition=i % 2, headers=[("h", b"%d" % i)])
    producer.flush()
    ledger = Ledger()
    async with Worker(KafkaUnderTest(kafka.bootstrap), prefix, [topic], ledger, batch_max_records=700):
        await ledger.until(lambda: ledger.total() == 3_000)
    for partition in (0, 1):
        records = ledger.records[TP(topic, partition)]
        assert [record.value for record in records] == [b"%d" % i for i in range(partition, 3_000, 2)]
        assert all(tuple(record.headers) == (("h", record.value),) for record in records)


async def test_records_larger_than_a_fetch_are_read(kafka: Kafka, prefix: str) -> None:
    """Ten megabytes are a dead letter; it must arrive to become one, and hold up no other partition for ever."""
    topic = f"{prefix}events"
    kafka.create_topics([topic], 2, config={"max.message.bytes": "20000000"})
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.max.bytes": 20_000_000})
    for i in range(4):
        producer.produce(topic, b"%d" % i * 5_000_000, partition=i % 2)
        producer.produce(topic, b"small", partition=i % 2)
    producer.flush()
    ledger = Ledger()
    async with Worker(KafkaUnderTest(kafka.bootstrap), prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 8)
    assert [len(value or b"") for value in ledger.values(topic, 0)] == [5_000_000, 5] * 2
