"""Diagnosis of producers, by the latest records of each input topic: keys, partitioners and clocks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.wording import counted
from streams.batching.partitioner import partition_of
from streams.partition.forwarding import is_copy
from streams.records import ReadableRecord
from streams.routing import heading_of
from streams.settings.settings import Settings
from tenure.doctor.findings import Diagnosed, ok, warning
from tenure.operations.topic_records import reading
from tenure.stored.opening import seal_of

AREA: Final = "producers"
LOOKED_AT: Final = 500
"""So many of the latest records of each partition are looked at (count)."""
_AHEAD_MS: Final = 60_000


class ProducerFault(NamedTuple):
    """One thing that records of a topic have in common: what it is, and what to set."""

    what: str
    advice: str


KEYLESS: Final = ProducerFault("have no key", "set the record's key to the customer's id")
FOREIGN_KEY: Final = ProducerFault("have another key than their customer's id", "set the record's key to it")
MISPLACED: Final = ProducerFault(
    "lie on another partition than Kafka's own partitioner chooses",
    "set the client's partitioner: examples/producers/README.md has a table",
)
FAULTS: Final = (KEYLESS, FOREIGN_KEY, MISPLACED)
"""For each of them a record is forwarded and counted, at twice the cost."""


@dataclass
class ProducerSample:
    """Counts of the records of one topic that were looked at.

    Attributes:
        records: All of them.
        faults: Those that a worker has to forward, by what is wrong with them.
        ahead: Stamped more than a minute after the instant at which they were read.
        ahead_ms: By how much at most (ms).
    """

    records: int = 0
    faults: Counter[ProducerFault] = field(default_factory=Counter)
    ahead: int = 0
    ahead_ms: int = 0

    def take(self, record: ReadableRecord, partitions: int, now_ms: int) -> ProducerFault | None:
        """Look at one record that a producer sent; return why it has to be forwarded, if it has to be."""
        self.records += 1
        if record.timestamp > now_ms + _AHEAD_MS:
            self.ahead += 1
            self.ahead_ms = max(self.ahead_ms, record.timestamp - now_ms)
        found = _fault_of(record, partitions)
        if found is not None:
            self.faults[found] += 1
        return found


def _fault_of(record: ReadableRecord, partitions: int) -> ProducerFault | None:
    customer = None if record.value is None else heading_of(record.value, record.headers).customer_id
    if customer is None:
        return None
    if record.key is None:
        return KEYLESS
    if record.key != customer.encode("utf-8", "surrogatepass"):
        return FOREIGN_KEY
    return None if partition_of(record.key, partitions) == record.partition else MISPLACED


async def producer_findings(settings: Settings, inputs: Sequence[str]) -> AsyncIterator[Diagnosed]:
    """Yield what the latest records of the input topics that Kafka has say of those who send them.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: Kafka does not let us in.
    """
    samples = {topic: ProducerSample() for topic in sorted(inputs)}
    gave_up = await _look(settings, samples) if samples else []
    for topic, sample in samples.items():
        latest = f"of the {counted(sample.records, 'latest records')} of {topic}"
        for each in FAULTS:
            if sample.faults[each]:
                what = f"{sample.faults[each]:,} {latest} {each.what}: each is forwarded and counted, at twice the cost"
                yield warning(AREA, what, each.advice)
        if sample.ahead:
            what = f"{sample.ahead:,} {latest} are stamped up to {sample.ahead_ms // 1000:,} s after now"
            yield warning(AREA, what, "set the clock of their producer, or of this machine")
    for unread in gave_up:
        yield warning(AREA, unread, "look for producers whose transactions stay open, and look again")
    looked = sum(sample.records for sample in samples.values())
    if not looked:
        yield warning(AREA, "no input topic has a record", "send events: docs/getting-started.md")
    elif not any(sample.faults or sample.ahead for sample in samples.values()):
        yield ok(AREA, f"the {looked:,} latest records have their customer's key and partition, and no time ahead")


async def _look(settings: Settings, samples: Mapping[str, ProducerSample]) -> list[str]:
    """Look at the end of each partition; forwarded records, which we wrote ourselves, say nothing of a producer."""
    now_ms, seal = int(time.time() * 1000), await seal_of(settings)
    async with reading(settings, list(samples), what="an input topic", last=LOOKED_AT) as found:
        async for records in found.records():
            for record in records:
                if not is_copy(record, seal):
                    samples[record.topic].take(record, found.partitions[record.topic], now_ms)
        return found.gave_up
