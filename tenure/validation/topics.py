"""Validation of topics: their records from the earliest to the end as it was at the start, under their own timestamps.

It joins no group and commits nothing. Only records of committed transactions are read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from schemas.adapters.adapter import Adapter
from schemas.documents.validation import ValidationReport
from schemas.wording import nearest_name
from streams.errors import UsageError
from streams.partition.forwarding import is_copy
from streams.records import ReadableRecord
from streams.settings.settings import Settings
from streams.translation.translator import Schemas
from tenure.doctor.producers import FAULTS, ProducerFault, ProducerSample
from tenure.files.notation import Notation
from tenure.files.tables import FileRecord
from tenure.files.translation import FileTranslator
from tenure.operations.topic_records import MissingTopic, TopicReading, reading
from tenure.stored.opening import seal_of
from tenure.validation.questions.question import EXAMPLES_KEPT, Asked, Mention, Weight
from tenure.validation.validation import SourceTold, Validation


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

    def number_of(self, record: ReadableRecord) -> int:
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

    async def report(self) -> ValidationReport:
        """Read, and return the report.

        Raises:
            UsageError: There is no such topic.
            LogUnavailable: Kafka does not answer.
            ConfigurationError: Kafka does not let us in.
        """
        try:
            async with reading(self._settings, self._topics, what="to be validated", last=self._last) as found:
                return await self._report(found)
        except MissingTopic as missing:
            hint = nearest_name(missing.topic, missing.known)
            raise UsageError(f"--topic {missing.topic}: Kafka has no such topic{hint}") from missing

    async def _report(self, found: TopicReading) -> ValidationReport:
        source = TopicSource(found.partitions, self._settings.default_currency, self._adapter)
        validation, producers = Validation(self._settings, source), _Producers(found.partitions, source)
        seal, copies = await seal_of(self._settings), 0
        async for records in found.records():
            for record in records:
                if is_copy(record, seal):
                    copies += 1
                    continue
                if self._adapter is None:
                    producers.take(record)
                await self._take(validation, source, record)
            self._progress(found.done, found.total)
        name, asked = ", ".join(self._topics), tuple(producers.asked())
        return validation.report(SourceTold(name, None, copies, asked, tuple(found.gave_up)))

    async def _take(self, validation: Validation, source: TopicSource, record: ReadableRecord) -> None:
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
        self._examples: dict[tuple[str, ProducerFault], list[Mention]] = {}

    def take(self, record: ReadableRecord) -> None:
        """Look at one record that a producer sent."""
        topic = record.topic
        fault = self._samples[topic].take(record, self._partitions[topic], self._now_ms)
        if fault is None:
            return
        examples = self._examples.setdefault((topic, fault), [])
        if len(examples) < EXAMPLES_KEPT:
            key = "none" if record.key is None else record.key.decode("utf-8", "replace")
            examples.append(Mention(f"its key is {key}", self._source.number_of(record)))

    def asked(self) -> Iterator[Asked]:
        """Yield what there is to ask of them."""
        for topic, sample in self._samples.items():
            for fault in FAULTS:
                if sample.faults[fault]:
                    yield Asked(
                        "producer",
                        Weight.MEDIUM,
                        sample.faults[fault],
                        sample.records,
                        f"records of {topic} {fault.what}: each is forwarded and counted, at twice the cost",
                        fault.advice,
                        self._examples[topic, fault],
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
