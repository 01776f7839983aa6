"""The dead letters of a stream, read from their topic: each once, by reason, and the latest in detail.

They are sent at least once; topic, partition and offset of the record that was refused say which are the same. What a
dead letter carries: docs/events.md, section Dead letters.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

import schemas.documents.dead_letters as documents
from kpis.instants import instant_text
from schemas.refusals import (
    HEADER_DETAIL,
    HEADER_OFFSET,
    HEADER_PARTITION,
    HEADER_REASON,
    HEADER_TOPIC,
    HEADER_TRUNCATED,
)
from streams.errors import CheckFailed
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options
from streams.kafka.topics import check_visible, sizes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from streams.records import ReadableRecord
    from streams.settings.settings import Settings

SHOWN_CHARACTERS: Final = 1_000
"""Of a value that is shown (count)."""
_ANSWER_SECONDS: Final = 30.0
_FETCH_MS: Final = 2_000


class StoredDeadLetter(NamedTuple):
    """One record that could not be applied.

    Attributes:
        reason: Of the closed list of docs/events.md.
        detail: What exactly was wrong.
        topic, partition, offset: Where the record lay.
        refused_at_ms: When it was sent here (ms since 1970).
        truncated: Whether this is the beginning of it only.
        key, value: Its own, as text; of the value the beginning. None where it has none.
        value_bytes: Size of the value as it lies here (bytes).
    """

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    refused_at_ms: int
    truncated: bool
    key: str | None
    value: str | None
    value_bytes: int

    def document(self) -> documents.DeadLetterEntry:
        """Return it as `tenure dlq list --json` prints it."""
        members = self._asdict()
        return documents.DeadLetterEntry(refused_at=instant_text(members.pop("refused_at_ms")), **members)


def letter_of(record: ReadableRecord) -> StoredDeadLetter | None:
    """Return a record of the topic as a dead letter; None where it is none of ours."""
    # The last of each name is ours: the record that was refused may have been a dead letter before.
    headers = {name: value or b"" for name, value in record.headers}
    try:
        partition, offset = int(headers[HEADER_PARTITION]), int(headers[HEADER_OFFSET])
        topic, reason = headers[HEADER_TOPIC].decode(), headers[HEADER_REASON].decode()
    except (KeyError, ValueError):
        return None
    value = record.value
    return StoredDeadLetter(
        reason=reason,
        detail=headers.get(HEADER_DETAIL, b"").decode(errors="replace"),
        topic=topic,
        partition=partition,
        offset=offset,
        refused_at_ms=max(record.timestamp, 0),
        truncated=HEADER_TRUNCATED in headers,
        key=None if record.key is None else record.key[:SHOWN_CHARACTERS].decode(errors="replace"),
        value=None if value is None else value[: 4 * SHOWN_CHARACTERS].decode(errors="replace")[:SHOWN_CHARACTERS],
        value_bytes=len(value or b""),
    )


class Found:
    """The content of a topic of dead letters.

    Args:
        limit: So many of the latest are kept in detail (count).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._latest: list[tuple[int, str, int, int, StoredDeadLetter]] = []
        self.reasons: Counter[str] = Counter()
        #: dead letters that lie there more than once, and records that are none of ours (counts)
        self.repeated = self.foreign = 0

    def take(self, record: ReadableRecord) -> None:
        """Take one record of the topic."""
        letter = letter_of(record)
        if letter is None:
            self.foreign += 1
            return
        seen = self._seen[letter.topic, letter.partition]
        if letter.offset in seen:
            self.repeated += 1
            return
        seen.add(letter.offset)
        self.reasons[letter.reason] += 1
        # By what names a letter: the same listing comes out wherever the letters lie.
        entry = (letter.refused_at_ms, letter.topic, letter.partition, letter.offset, letter)
        if len(self._latest) < self._limit:
            heapq.heappush(self._latest, entry)
        elif self._latest:
            heapq.heappushpop(self._latest, entry)

    def document(self, topic: str) -> documents.DeadLetterList:
        """Return what `tenure dlq list --json` prints."""
        return documents.DeadLetterList(
            topic=topic,
            dead_letters=self.reasons.total(),
            repeated=self.repeated,
            foreign=self.foreign,
            reasons=dict(sorted(self.reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
            latest=[entry[-1].document() for entry in sorted(self._latest, reverse=True)],
        )


async def read_dead_letters(settings: Settings, *, limit: int) -> documents.DeadLetterList:
    """Return the dead letters of a stream, as `tenure dlq list --json` prints them.

    Args:
        settings: Where Kafka is, and the name of the topic.
        limit: Dead letters that are shown in detail, the latest first (count).

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: Kafka does not let us in.
        CheckFailed: The topic is not there, or cannot be read.
    """
    found = Found(limit)
    async for record in _records(settings):
        found.take(record)
    return found.document(settings.dead_letter_topic)


async def _records(settings: Settings) -> AsyncIterator[ReadableRecord]:
    """Yield every record that the topic holds now."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)  # what it would say stands in the answer
    options = client_options(settings)
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, isolation_level="read_committed")
    topic = settings.dead_letter_topic
    try:
        await asyncio.wait_for(consumer.start(), _ANSWER_SECONDS)
        tps = [TopicPartition(topic, number) for number in range(await _partitions(topic, settings, options))]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await asyncio.wait_for(consumer.end_offsets(tps), _ANSWER_SECONDS)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            batches = await consumer.getmany(*tps, timeout_ms=_FETCH_MS)
            if not batches:  # what is left was deleted meanwhile, or Kafka is away: then this does not answer
                await asyncio.wait_for(consumer.end_offsets(tps), _ANSWER_SECONDS)
                return
            for tp, records in batches.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
    except UnicodeDecodeError as error:
        raise CheckFailed(f"a record of {topic} has a header whose name is no UTF-8: somebody else wrote it") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise await no_kafka(settings, options, error) from error
    finally:
        await consumer.stop()


async def _partitions(topic: str, settings: Settings, options: Mapping[str, Any]) -> int:
    """Return how many partitions the topic has (count).

    Raises:
        CheckFailed: It is not there.
        TopicsUnfit: Kafka hides it from us.
    """
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        sizes = await sizes_of([topic], admin)
        if topic in sizes:
            return sizes[topic].partitions
        await check_visible([topic], admin, settings)
    finally:
        await admin.close()
    raise CheckFailed(f"Kafka does not have {topic}, where dead letters go; run `tenure topics --create`")
