"""Diagnosis of producers, by the latest records of each input topic: keys, partitioners and clocks."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.refusals import HEADER_FORWARDED
from streams.batching.partitioner import partition_of
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options
from streams.routing import heading_of
from streams.settings.settings import Settings
from tenure.doctor.findings import Diagnosed, ok, warning
from tenure.doctor.topics import input_partitions

AREA: Final = "producers"
LOOKED_AT: Final = 500
"""So many of the latest records of each partition are looked at (count)."""
_SECONDS: Final = 10.0
_FETCH_MS: Final = 1_000
_AHEAD_MS: Final = 60_000
_WHAT_TO_SET: Final = "set the client's partitioner: examples/producers/README.md has a table"


@dataclass(frozen=True)
class ProducerFault:
    """One thing that records of a topic have in common: how many do, what it is, and what to set."""

    count: int
    what: str
    advice: str


@dataclass
class ProducerSample:
    """Counts of the records of one topic that were looked at.

    Attributes:
        records: All of them.
        keyless: Without a key.
        foreign_key: With another key than their customer's id.
        misplaced: With the customer's key, on another partition than Kafka's partitioner chooses.
        ahead: Stamped more than a minute after the instant at which they were read.
    """

    records: int = 0
    keyless: int = 0
    foreign_key: int = 0
    misplaced: int = 0
    ahead: int = 0
    ahead_ms: int = field(default=0, repr=False)

    def take(self, record: Any, partitions: int, now_ms: int) -> None:
        """Look at one record that a producer sent."""
        self.records += 1
        if record.timestamp > now_ms + _AHEAD_MS:
            self.ahead += 1
            self.ahead_ms = max(self.ahead_ms, record.timestamp - now_ms)
        customer = None if record.value is None else heading_of(record.value, record.headers).customer_id
        if customer is None:
            return
        if record.key is None:
            self.keyless += 1
        elif record.key != customer.encode("utf-8", "surrogatepass"):
            self.foreign_key += 1
        elif partition_of(record.key, partitions) != record.partition:
            self.misplaced += 1

    @property
    def forwarded(self) -> int:
        """The records that a worker has to forward (count)."""
        return self.keyless + self.foreign_key + self.misplaced

    def faults(self) -> Iterator[ProducerFault]:
        """Yield what its records cost the stream: each is forwarded and counted, at twice the cost."""
        if self.keyless:
            yield ProducerFault(self.keyless, "have no key", "set the record's key to the customer's id")
        if self.foreign_key:
            yield ProducerFault(
                self.foreign_key, "have another key than their customer's id", "set the record's key to it"
            )
        if self.misplaced:
            yield ProducerFault(
                self.misplaced, "lie on another partition than Kafka's own partitioner chooses", _WHAT_TO_SET
            )


async def producer_findings(settings: Settings) -> AsyncIterator[Diagnosed]:
    """Yield what the latest records say of those who send them."""
    samples = await _samples(settings)
    for topic, sample in samples.items():
        for each in sample.faults():
            share = f"{each.count:,} of the {sample.records:,} latest records of {topic} {each.what}"
            yield warning(AREA, f"{share}: each is forwarded and counted, at twice the cost", each.advice)
        if sample.ahead:
            yield warning(
                AREA,
                f"{sample.ahead:,} of the {sample.records:,} latest records of {topic} are stamped up to "
                f"{sample.ahead_ms // 1000:,} s after now",
                "set the clock of their producer, or of this machine",
            )
    looked = sum(sample.records for sample in samples.values())
    if not looked:
        yield warning(AREA, "no input topic has a record", "send events: docs/getting-started.md")
    elif not any(sample.forwarded or sample.ahead for sample in samples.values()):
        yield ok(AREA, f"the {looked:,} latest records have their customer's key and partition, and no time ahead")


async def _samples(settings: Settings) -> dict[str, ProducerSample]:
    tps = await input_partitions(settings)
    if not tps:
        return {}
    options = client_options(settings)
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, isolation_level="read_committed")
    try:
        await asyncio.wait_for(consumer.start(), _SECONDS)
        return await asyncio.wait_for(_read(consumer, tps), 3 * _SECONDS)
    except (KafkaError, OSError, TimeoutError) as error:
        raise await no_kafka(settings, options, error) from error
    finally:
        await consumer.stop()


async def _read(consumer: Any, tps: list[TopicPartition]) -> dict[str, ProducerSample]:
    """Read the end of each partition; forwarded records, which we wrote ourselves, say nothing of a producer."""
    consumer.assign(tps)
    begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    for tp in tps:
        consumer.seek(tp, max(begins[tp], ends[tp] - LOOKED_AT))
    sizes = Counter(tp.topic for tp in tps)
    samples = {topic: ProducerSample() for topic in sorted(sizes)}
    now_ms = int(time.time() * 1000)
    while any([await consumer.position(tp) < ends[tp] for tp in tps]):
        batches = await consumer.getmany(*tps, timeout_ms=_FETCH_MS)
        if not batches:
            break
        for tp, records in batches.items():
            for record in _of_producers(records):
                samples[tp.topic].take(record, sizes[tp.topic], now_ms)
    return samples


def _of_producers(records: Iterable[Any]) -> Iterable[Any]:
    return [record for record in records if not is_sent_on(record)]


def is_sent_on(record: Any) -> bool:
    """Tell whether a worker has sent a record on to the partition of its customer."""
    return any(name == HEADER_FORWARDED for name, _ in record.headers)
