"""Sending a file of events to Kafka, each under its customer's key, and telling how it went; and any other records.

It judges nothing: what is no event is sent to the mixed topic all the same, and becomes a dead letter there with its
reason. What the stream will refuse, an inspection beside it tells (`tenure.files.inspection`). Partitions are those of
Kafka's own default partitioner (murmur2 of the key).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from msgspec import UNSET, UnsetType

from schemas.documents.ignored import IgnoredMembers
from schemas.documents.publication import PublicationSummary
from schemas.documents.translation import FileTranslation
from streams.batching.sender import Outgoing
from streams.clock import WallClock
from streams.errors import UsageError
from streams.kafka.answers import Answer, meaning_of
from streams.kafka.errors import no_kafka
from streams.kafka.producer_options import producer_options
from streams.kafka.security import client_options
from streams.routing import Route, Router
from tenure.files.reader import EventFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from streams.settings.settings import Settings
    from tenure.files.inspection import Inspection

_YIELD_EVERY: Final = 500
_PACE_SECONDS: Final = 0.01
"""With a rate, records go out in groups of what is due in so long."""


@dataclass
class Summary:
    """Counts of what was sent, so far.

    Attributes:
        sent: Records that Kafka has for good, by event type (count).
        malformed: Those of them, under no type, that will become dead letters: no event, no known type, no customer.
        undelivered: Records that Kafka did not take (count).
        first_reason: Why the first of them was not taken; empty where all were.
        bytes: Size of what was taken (bytes of keys and values).
        seconds: How long it took.
        ignored: Members that no event type has.
        translation: What became of records of another system; complete at the end.
    """

    sent: Counter[str] = field(default_factory=Counter)
    malformed: int = 0
    undelivered: int = 0
    first_reason: str = ""
    bytes: int = 0
    seconds: float = 0.0
    ignored: IgnoredMembers | UnsetType = UNSET
    translation: FileTranslation | UnsetType = UNSET

    @property
    def records(self) -> int:
        """Records that Kafka has for good (count), the malformed among them."""
        return sum(self.sent.values()) + self.malformed

    def document(self) -> PublicationSummary:
        """Return the summary as `publish --json` prints it."""
        return PublicationSummary(
            sent=dict(sorted(self.sent.items())),
            malformed=self.malformed,
            undelivered=self.undelivered,
            bytes=self.bytes,
            seconds=round(self.seconds, 3),
            ignored=self.ignored,
            translation=self.translation,
        )

    def delivered(self, event_type: str | None, size_bytes: int) -> None:
        """Count a record that Kafka has."""
        self.bytes += size_bytes
        if event_type is None:
            self.malformed += 1
        else:
            self.sent[event_type] += 1

    def refused(self, error: BaseException) -> None:
        """Count a record that Kafka did not take."""
        self.undelivered += 1
        self.first_reason = self.first_reason or reason_of(error)


async def publish_file(
    file: EventFile,
    settings: Settings,
    *,
    topic: str | None = None,
    rate: float | None = None,
    inspection: Inspection | None = None,
    progress: Callable[[Summary], None],
) -> Summary:
    """Send every record of a file, and wait until Kafka has them.

    Args:
        file: What to send.
        settings: Where Kafka is, and the names of the topics.
        topic: Where everything goes; None sends each type to its own topic.
        rate: Records a second, at most; None is as fast as Kafka takes them.
        inspection: Looks at each record before it is sent.
        progress: Told how far it is, every few hundred records.

    Returns:
        What became of the records.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: It answers, and does not let us in.
        UsageError: A topic that is needed does not exist; nothing after that record was sent.
        InputError: The file cannot be read on; what was read until then was sent.
    """
    router, clock = Router(settings, topic), WallClock()
    summary, began = Summary(), time.monotonic()
    step = _YIELD_EVERY if rate is None else max(1, min(_YIELD_EVERY, int(rate * _PACE_SECONDS)))
    async with connected(settings) as (producer, existing):
        for number, record in enumerate(file.records()):
            route = router.route(record.value, record.headers)
            check_topic(route.topic, existing, settings)
            if inspection is not None:
                inspection.take(record, clock.now_ms())
            await send(producer, summary, route, record.value)
            if number % step == 0:
                await _keep_pace(began, number + 1, rate)
                summary.seconds = time.monotonic() - began
                progress(summary)
    if inspection is not None:
        inspection.finish()
        summary.ignored = inspection.ignored.document()
    summary.seconds = time.monotonic() - began
    if file.translator is not None:
        summary.translation = file.translator.document()
    return summary


def check_topic(topic: str, existing: Collection[str], settings: Settings) -> None:
    """Refuse to send to a topic that is not there: Kafka might make it, with another number of partitions.

    Raises:
        UsageError: It does not exist.
    """
    if topic not in existing:
        how = " with `tenure topics --create`" if topic in settings.input_topics else " first"
        raise UsageError(f"topic {topic} does not exist at {settings.kafka_bootstrap}; create it{how}")


async def send(producer: AIOKafkaProducer, summary: Summary, route: Route, value: bytes) -> None:
    """Send one record; what becomes of it, the summary says later."""
    topic, key, headers, event_type = route
    try:
        delivery = await _hand_over(producer, Outgoing(topic, None, key, value, None, headers))
    except KafkaError as error:
        summary.refused(error)
        return
    delivery.add_done_callback(partial(_settle, summary, event_type, len(key or b"") + len(value)))


async def deliver(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> list[Exception | None]:
    """Send records, and return why each was not taken; None of those that Kafka has.

    A topic may take no timestamps of long ago. What it refuses for its own, or for that of another in its batch, is
    sent alone, and then without one.
    """
    faults = list(await asyncio.gather(*[_delivered(producer, record) for record in records]))
    for number, record in enumerate(records):
        for timestamp_ms in (record.timestamp_ms, None):
            if not _is_bad_time(faults[number]):
                break
            faults[number] = await _delivered(producer, record._replace(timestamp_ms=timestamp_ms))
    return faults


def reason_of(fault: BaseException) -> str:
    """Return why Kafka did not take a record, in words."""
    return f"{type(fault).__name__}: {fault}"


def _is_bad_time(fault: Exception | None) -> bool:
    return fault is not None and meaning_of(fault) is Answer.BAD_TIME


async def _delivered(producer: AIOKafkaProducer, record: Outgoing) -> Exception | None:
    try:
        await (await _hand_over(producer, record))
    except (KafkaError, OSError) as error:
        return error
    return None


async def _hand_over(producer: AIOKafkaProducer, record: Outgoing) -> asyncio.Future[Any]:
    """Give a record to the producer, and return what is done once Kafka has it."""
    value = record.value
    if record.key is None and value is None:
        value = b""  # aiokafka sends no record that is nothing at all
    sending: asyncio.Future[Any] = await producer.send(
        record.topic, value, key=record.key, timestamp_ms=record.timestamp_ms, headers=list(record.headers)
    )
    return sending


def _settle(summary: Summary, event_type: str | None, size_bytes: int, delivery: asyncio.Future[Any]) -> None:
    error = asyncio.CancelledError() if delivery.cancelled() else delivery.exception()
    if error is None:
        summary.delivered(event_type, size_bytes)
    else:
        summary.refused(error)


async def _keep_pace(began: float, sent: int, rate: float | None) -> None:
    """Let the producer work; wait until as many are due as were sent."""
    ahead = 0.0 if rate is None else began + sent / rate - time.monotonic()
    await asyncio.sleep(max(0.0, ahead))


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[tuple[AIOKafkaProducer, frozenset[str]]]:
    """Yield a producer and the topics that exist; when it is left, Kafka has what was sent."""
    # What aiokafka would log stands in the one line that the command ends with.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    options = client_options(settings)
    producer = AIOKafkaProducer(**producer_options(settings, idempotent=True))
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        existing = frozenset(await admin.list_topics())
        await producer.start()
    except (KafkaError, OSError) as error:
        await producer.stop()
        raise await no_kafka(settings, options, error) from error
    finally:
        await admin.close()
    try:
        yield producer, existing
    finally:
        await producer.stop()
