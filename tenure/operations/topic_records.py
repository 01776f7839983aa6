"""Records that topics of Kafka hold now, read once by no group: from the beginning, from a timestamp on, or the latest.

Nothing is stored of it, and nothing waits for what comes later. Only records of committed transactions are read, as a
worker reads them; what was not read is told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.errors import CheckFailed
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options
from streams.kafka.topics import check_visible, sizes_of
from streams.kafka.wire import keep_bytes

if TYPE_CHECKING:
    from streams.records import ReadableRecord
    from streams.settings.settings import Settings

_ANSWER_SECONDS: Final = 30.0
_FETCH_MS: Final = 1_000
_AT_ONCE: Final = 10_000
"""So many records are held at once, at most (count)."""
_SILENCE_SECONDS: Final = 15.0
"""What is not there by then, while Kafka answers, does not come: offsets that were deleted meanwhile."""
Offsets = Mapping[TopicPartition, int]


class MissingTopic(CheckFailed):
    """Kafka does not have a topic.

    Args:
        topic: Its name.
        what: What lies there.
        known: The topics that Kafka has.
    """

    def __init__(self, topic: str, what: str, known: Sequence[str]) -> None:
        self.topic = topic
        self.known = known
        super().__init__(f"Kafka does not have {topic}, {what}; run `tenure topics --create`")


class TopicReading:
    """A reading of topics, up to the ends that they had when it began.

    Attributes:
        partitions: Of each topic (count).
        begins, ends: Of each partition the first offset to read, and the one after the last.
        done: Offsets that were passed (count).
        gave_up: What was not read, in words; complete once all records were yielded.
    """

    def __init__(self, consumer: Any, settings: Settings, partitions: Mapping[str, int]) -> None:
        self._consumer = consumer
        self._settings = settings
        self.partitions = partitions
        self.begins: Offsets = {}
        self.ends: Offsets = {}
        self.done = 0
        self.gave_up: list[str] = []

    @property
    def total(self) -> int:
        """The offsets that are to be passed (count)."""
        return sum(self.ends[tp] - begin for tp, begin in self.begins.items())

    async def place(self, since_ms: int | None, last: int | None) -> None:
        """Find out where reading begins and ends; see `reading`."""
        consumer = self._consumer
        tps = [TopicPartition(topic, number) for topic, count in self.partitions.items() for number in range(count)]
        consumer.assign(tps)
        consumer.pause(*tps)  # until `records` asks for them
        self.ends = await _answered(consumer.end_offsets(tps))
        begins = await _answered(consumer.beginning_offsets(tps))
        if last is not None:
            begins = {tp: max(begin, self.ends[tp] - last) for tp, begin in begins.items()}
        if since_ms is not None:
            first = await _answered(consumer.offsets_for_times(dict.fromkeys(tps, since_ms)))
            places = {tp: self.ends[tp] if first.get(tp) is None else first[tp].offset for tp in tps}
            begins = {tp: max(begin, places[tp]) for tp, begin in begins.items()}
        self.begins = {tp: min(begin, self.ends[tp]) for tp, begin in begins.items()}
        for tp, begin in self.begins.items():
            consumer.seek(tp, begin)

    async def records(self) -> AsyncIterator[list[ReadableRecord]]:
        """Yield the records, some of one partition at a time, in its order.

        Raises:
            LogUnavailable: Kafka does not answer.
            ConfigurationError: Kafka does not let us in, or does not let us read a topic.
        """
        async with _kafka_said(self._settings):
            consumer, silent_since = self._consumer, time.monotonic()
            positions = dict(self.begins)
            left = set(self._to_read(positions))
            consumer.resume(*left)
            while left:
                batches = await consumer.getmany(*left, timeout_ms=_FETCH_MS, max_records=_AT_ONCE)
                for tp, records in batches.items():
                    yield [record for record in records if record.offset < self.ends[tp]]
                before, positions = self.done, {tp: await consumer.position(tp) for tp in self.begins}
                left = set(self._to_read(positions))
                self.done = sum(min(at, self.ends[tp]) - self.begins[tp] for tp, at in positions.items())
                if self.done > before:
                    silent_since = time.monotonic()
                elif left:  # Kafka may be away: then this does not answer
                    await _answered(consumer.end_offsets(list(left)))
                    if time.monotonic() - silent_since > _SILENCE_SECONDS:
                        break
            self.gave_up += self._unread(positions)

    def _to_read(self, positions: Offsets) -> Iterator[TopicPartition]:
        """Yield the partitions that are not read to their ends; those that are, are fetched no more."""
        for tp, position in positions.items():
            if position < self.ends[tp]:
                yield tp
            else:
                self._consumer.pause(tp)

    def _unread(self, positions: Offsets) -> Iterator[str]:
        for tp, position in positions.items():
            end, name = self.ends[tp], f"{tp.topic}/{tp.partition}"
            stable, high = self._consumer.last_stable_offset(tp), self._consumer.highwater(tp)
            if position < end:
                yield f"{name}: read up to offset {position:,} of {end:,}: Kafka did not give the rest"
            elif stable == end and high is not None and end < high:
                yield f"{name}: read up to offset {end:,} of {high:,}: the rest waits for a transaction that is open"


@asynccontextmanager
async def reading(
    settings: Settings, topics: Sequence[str], *, what: str, since_ms: int | None = None, last: int | None = None
) -> AsyncIterator[TopicReading]:
    """Open a reading of topics.

    Args:
        settings: Where Kafka is.
        topics: Their names.
        what: What lies there, for messages: "where dead letters go".
        since_ms: From the first record of this timestamp on (ms since 1970); None is from the beginning.
        last: Only so many of the latest offsets of each partition (count); None is all.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: Kafka does not let us in.
        MissingTopic: A topic is not there.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)  # what it would say stands in the answer
    keep_bytes()
    # A partition that is assigned begins to look for its position at once: that must not be the end.
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    try:
        async with _kafka_said(settings):
            await _answered(consumer.start())
            found = TopicReading(consumer, settings, await _partitions(topics, what, settings))
            await found.place(since_ms, last)
        yield found
    finally:
        await consumer.stop()


async def records_in(
    settings: Settings,
    topics: Sequence[str],
    *,
    what: str,
    since_ms: int | None = None,
    tell: Callable[[str], None],
) -> AsyncIterator[list[ReadableRecord]]:
    """Yield the records of topics; arguments and errors are those of `reading`, and of `TopicReading.records`.

    Args:
        settings: See `reading`.
        topics: See `reading`.
        what: See `reading`.
        since_ms: See `reading`.
        tell: Told in a line what was not read.
    """
    async with reading(settings, topics, what=what, since_ms=since_ms) as found:
        async for records in found.records():
            yield records
    for each in found.gave_up:
        tell(f"not read to the end: {each}")


async def _answered(asking: Any) -> Any:
    return await asyncio.wait_for(asking, _ANSWER_SECONDS)


@asynccontextmanager
async def _kafka_said(settings: Settings) -> AsyncIterator[None]:
    """Raise errors of Kafka as the product's own."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise await no_kafka(settings, client_options(settings), error) from error


async def _partitions(topics: Sequence[str], what: str, settings: Settings) -> dict[str, int]:
    """Return how many partitions each topic has.

    Raises:
        MissingTopic: One of them is not there.
        TopicsUnfit: Kafka hides one from us.
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        sizes = await sizes_of(topics, admin)
        missing = [topic for topic in topics if topic not in sizes]
        await check_visible(missing, admin, settings)
        if missing:
            raise MissingTopic(missing[0], what, sorted(await admin.list_topics()))
    finally:
        await admin.close()
    return {topic: sizes[topic].partitions for topic in topics}
