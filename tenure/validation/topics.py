"""Validation of topics: their records from the earliest to the end as it was at the start, under their own timestamps.

It joins no group and commits nothing. Only records of committed transactions are read.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.adapters.adapter import Adapter
from schemas.documents.validation import ValidationReport
from schemas.wording import nearest_name
from streams.errors import UsageError
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options
from streams.kafka.topics import check_visible, sizes_of
from streams.settings.settings import Settings
from streams.translation.translator import Schemas
from tenure.doctor.producers import ProducerSample, is_sent_on
from tenure.files.notation import Notation
from tenure.files.tables import FileRecord
from tenure.files.translation import FileTranslator
from tenure.validation.questions.question import EXAMPLES_KEPT, Asked, Mention, Weight
from tenure.validation.validation import SourceTold, Validation

_FETCH_MS: Final = 1_000
_SILENCE_SECONDS: Final = 15.0
"""What is not there by then does not come: offsets of transactions that are not committed, or a broker that is away."""


class Extent(NamedTuple):
    """The part of a partition that is read: the first offset, and the offset after the last."""

    begin: int
    end: int


class TopicSource:
    """The records of topics as validation sees them; see `tenure.files.inspection.InspectedSource`.

    Args:
        partitions: Of each topic (count).
        default_currency: Of events that name none.
        adapter: Of the system whose records the topics hold; None is the product's own events.
    """

    def __init__(self, partitions: Mapping[str, int], default_currency: str, adapter: Adapter | None) -> None:
        self.notation = Notation(default_currency=default_currency, adapter=adapter)
        self.translator = None if adapter is None else FileTranslator(adapter)
        self.is_table = False
        self._topics = list(partitions)
        self._partitions = max(partitions.values())

    def number_of(self, record: Any) -> int:
        """Return one number for the place of a record: by it records of one partition are in order."""
        place = record.offset * self._partitions + record.partition
        return int(place * len(self._topics) + self._topics.index(record.topic))

    def place_of(self, number: int) -> str:
        """Return topic, partition and offset of a record."""
        place, topic = divmod(number, len(self._topics))
        offset, partition = divmod(place, self._partitions)
        return f"{self._topics[topic]}/{partition}/{offset}"


class TopicValidation:
    """Reads topics, and validates what they hold.

    Args:
        topics: Their names.
        settings: Where Kafka is, and what numbers mean.
        last: Only so many of the latest records of each partition; None reads all.
        adapter: Of the system whose records the topics hold.
        schemas: Has the schemas of framed values at hand; None where there is no registry.
        progress: Is told how many records were read, and how many there are.
    """

    def __init__(
        self,
        topics: Sequence[str],
        settings: Settings,
        *,
        last: int | None = None,
        adapter: Adapter | None = None,
        schemas: Schemas | None = None,
        progress: Callable[[int, int], None] = lambda _, __: None,
    ) -> None:
        self._topics = tuple(dict.fromkeys(topics))
        self._settings = settings
        self._last = last
        self._adapter = adapter
        self._schemas = schemas
        self._progress = progress
        self._copies = 0
        self._gave_up: list[str] = []

    async def report(self) -> ValidationReport:
        """Read, and return the report.

        Raises:
            UsageError: There is no such topic.
            LogUnavailable: Kafka does not answer.
            ConfigurationError: Kafka does not let us in.
        """
        options = client_options(self._settings)
        consumer = AIOKafkaConsumer(
            **options, enable_auto_commit=False, auto_offset_reset="none", isolation_level="read_committed"
        )
        try:
            partitions = await self._sizes(options)
            source = TopicSource(partitions, self._settings.default_currency, self._adapter)
            validation = Validation(self._settings, source)
            await consumer.start()
            producers = _Producers(partitions, source)
            async for record in self._records(consumer, partitions):
                if is_sent_on(record):
                    self._copies += 1
                    continue
                if self._adapter is None:
                    producers.take(record)
                await self._take(validation, source, record)
        except (KafkaError, OSError) as error:
            raise await no_kafka(self._settings, options, error) from error
        finally:
            await consumer.stop()
        name, asked = ", ".join(self._topics), tuple(producers.asked())
        return validation.report(SourceTold(name, None, self._copies, asked, tuple(self._gave_up)))

    async def _sizes(self, options: Mapping[str, Any]) -> dict[str, int]:
        """Return how many partitions each topic has."""
        admin = AIOKafkaAdminClient(**options)
        try:
            await admin.start()
            sizes = await sizes_of(self._topics, admin)
            missing = [topic for topic in self._topics if topic not in sizes]
            await check_visible(missing, admin, self._settings)
            if missing:
                there = sorted(await admin.list_topics())
                hint = nearest_name(missing[0], there)
                raise UsageError(f"--topic {missing[0]}: Kafka has no such topic{hint}")
        finally:
            await admin.close()
        return {topic: sizes[topic].partitions for topic in self._topics}

    async def _records(self, consumer: Any, partitions: Mapping[str, int]) -> AsyncIterator[Any]:
        """Yield the records of all partitions, up to the ends that they have now."""
        left = await self._extents(consumer, partitions)
        total, done = sum(extent.end - extent.begin for extent in left.values()), 0
        silent_since = time.monotonic()
        while left:
            batches = await consumer.getmany(*left, timeout_ms=_FETCH_MS)
            for tp, records in batches.items():
                for record in records:
                    if record.offset < left[tp].end:
                        yield record
                done += len(records)
            self._progress(min(done, total), total)
            if batches:
                silent_since = time.monotonic()
            for tp in list(left):
                if await consumer.position(tp) >= left[tp].end:
                    consumer.pause(tp)
                    del left[tp]
            if time.monotonic() - silent_since > _SILENCE_SECONDS:
                for tp, extent in left.items():
                    position = await consumer.position(tp)
                    self._gave_up.append(
                        f"{tp.topic}/{tp.partition}: read up to offset {position:,} of {extent.end:,}: Kafka did not "
                        "give the rest; a transaction may be open"
                    )
                return

    async def _extents(self, consumer: Any, partitions: Mapping[str, int]) -> dict[TopicPartition, Extent]:
        tps = [TopicPartition(topic, number) for topic, count in partitions.items() for number in range(count)]
        consumer.assign(tps)
        begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        extents = {}
        for tp in tps:
            begin = begins[tp] if self._last is None else max(begins[tp], ends[tp] - self._last)
            consumer.seek(tp, begin)
            if begin < ends[tp]:
                extents[tp] = Extent(begin, ends[tp])
            else:
                consumer.pause(tp)
        return extents

    async def _take(self, validation: Validation, source: TopicSource, record: Any) -> None:
        number, value, headers = source.number_of(record), record.value or b"", tuple(record.headers)
        if source.translator is None:
            validation.take_logged(FileRecord(number, value, "", headers), record.timestamp)
            return
        if record.value is None:
            return  # a tombstone says nothing
        if self._schemas is not None:
            await self._schemas.load(value)
        for event in source.translator.translated(FileRecord(number, value)):
            validation.take_logged(event, record.timestamp)


class _Producers:
    """The producers of topics, by their records; see `tenure.doctor.producers`."""

    def __init__(self, partitions: Mapping[str, int], source: TopicSource) -> None:
        self._partitions = partitions
        self._source = source
        self._now_ms = int(time.time() * 1000)
        self._samples = {topic: ProducerSample() for topic in partitions}
        self._examples: dict[tuple[str, str], list[Mention]] = {}

    def take(self, record: Any) -> None:
        """Look at one record that a producer sent."""
        topic, partitions = record.topic, self._partitions[record.topic]
        sample = self._samples[topic]
        before = sample.forwarded
        sample.take(record, partitions, self._now_ms)
        if sample.forwarded == before:
            return
        alone = ProducerSample()
        alone.take(record, partitions, self._now_ms)
        (fault,) = alone.faults()
        examples = self._examples.setdefault((topic, fault.what), [])
        if len(examples) < EXAMPLES_KEPT:
            key = "none" if record.key is None else record.key.decode("utf-8", "replace")
            examples.append(Mention(f"its key is {key}", self._source.number_of(record)))

    def asked(self) -> Iterator[Asked]:
        """Yield what there is to ask of them."""
        for topic, sample in self._samples.items():
            for fault in sample.faults():
                yield Asked(
                    "producer",
                    Weight.MEDIUM,
                    fault.count,
                    sample.records,
                    f"records of {topic} {fault.what}: each is forwarded and counted, at twice the cost",
                    fault.advice,
                    self._examples[topic, fault.what],
                )
            if sample.ahead:
                yield Asked(
                    "stamped_ahead",
                    Weight.MEDIUM,
                    sample.ahead,
                    sample.records,
                    f"records of {topic} are stamped up to {sample.ahead_ms // 1000:,} s after now",
                    "set the clock of their producer, or of this machine",
                )
