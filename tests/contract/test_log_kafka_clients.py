"""What other clients write to Kafka is read as they wrote it: compressed, large, under whatever names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBase, _DefaultRecordBatchBuilderPy
from confluent_kafka import Producer

from schemas.decoding.cut_values import whole_size
from streams.records import TP
from tests.contract.logs import KafkaUnderTest, Ledger, Worker

if TYPE_CHECKING:
    from services.kafka import Kafka


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
    assert [whole_size(value or b"") for value in ledger.values(topic, 0)] == [5_000_000, 5] * 2


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
async def test_few_bytes_that_stand_for_very_many_are_read_in_order(codec: str, kafka: Kafka, prefix: str) -> None:
    """One batch of a few kilobytes may hold more than a worker has memory; others are read beside it."""
    topic = f"{prefix}events"
    kafka.create_topics([topic], 2)
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "compression.type": codec,
            "linger.ms": 500,
            "batch.size": 500_000_000,
            "message.max.bytes": 500_000_000,
        }
    )
    for n in range(100):
        producer.produce(topic, b"%07d" % n * 100_000, partition=0)
    producer.produce(topic, b"small", partition=1)
    producer.flush()
    ledger = Ledger()
    async with Worker(KafkaUnderTest(kafka.bootstrap), prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 101)
    assert ledger.values(topic, 0) == [b"%07d" % n * 100_000 for n in range(100)]
    assert ledger.values(topic, 1) == [b"small"]
    assert len([batch for batch in ledger.batches if batch.partition == 0]) > 5


class NoText(str):
    """A header's name whose bytes are no UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return bytes that no text has, after those of the name itself."""
        return super().encode(encoding, errors) + b"\xff\xfe"


@pytest.mark.parametrize("compression", [DefaultRecordBase.CODEC_NONE, DefaultRecordBase.CODEC_GZIP])
async def test_header_names_that_are_no_text_are_read_with_replacements(
    compression: int, kafka: Kafka, prefix: str
) -> None:
    """Kafka takes any bytes for a name; one producer that writes such must not stop the stream."""
    topic = f"{prefix}events"
    kafka.create_topics([topic], 1)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    for number in range(3):  # batches before and after, and records before and after in its own
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, 0, 16384)  # takes our names
        for name in ("first", NoText("bad") if number == 1 else "fine", "last"):
            headers = [("b", b"1"), (name, b"\xff"), ("e", None)]
            batch.append(key=b"k", value=b"%d" % number, timestamp=1_000 + number, headers=headers)
        await (await producer.send_batch(batch, topic, partition=0))
    await producer.stop()
    ledger = Ledger()
    async with Worker(KafkaUnderTest(kafka.bootstrap), prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 9)
    expected = [
        (at, 1_000 + at // 3, b"k", b"%d" % (at // 3), [("b", b"1"), (name, b"\xff"), ("e", None)])
        for at, name in enumerate(
            ["first", "fine", "last", "first", "bad\ufffd\ufffd", "last", "first", "fine", "last"]
        )
    ]
    actual = [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in ledger.records[TP(topic, 0)]]
    assert actual == expected
