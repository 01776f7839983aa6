"""Event ids of facts: a state knows where a record lies, and the record knows the id.

What is read is checked against the hash in the state, so that a topic that was made anew cannot answer for the old one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from kpis.customer.deduplication import identity_of
from schemas.decoding.decoder import Decoder
from streams.embedded.log import Log, Refused
from streams.kafka.security import client_options
from streams.kafka.wire import keep_bytes
from streams.records import TP, ReadableRecord
from streams.settings.meaning import decoder_of

if TYPE_CHECKING:
    from streams.settings.settings import Settings

GONE: Final = "record no longer in Kafka"
ANOTHER: Final = "another record lies there now"
SILENT: Final = "Kafka does not answer"
_ANSWER_SECONDS: Final = 10.0
_NEVER_MS: Final = 1 << 60


class Place(NamedTuple):
    """The position of a record."""

    topic: str
    partition: int
    offset: int


class Known(NamedTuple):
    """The identity of an event: its id and source, or why there is none; and its number in the file that it is of."""

    event_id: str | None
    source: str | None
    note: str
    number: int | None = None


Records = Mapping[Place, ReadableRecord | None]


async def look_up(settings: Settings, log: Log | None, wanted: Mapping[Place, tuple[str, bytes]]) -> dict[Place, Known]:
    """Return what is known of events.

    Args:
        settings: Where Kafka is, and what a record is.
        log: Of a file; None is Kafka.
        wanted: For each place the customer, and the hash that stands for the event's source and id.
    """
    if not wanted:
        return {}
    found = _from_log(log, wanted) if log is not None else await _from_kafka(settings, wanted)
    if found is None:
        return dict.fromkeys(wanted, Known(None, None, SILENT))
    decoder = decoder_of(settings, latest_ms=_NEVER_MS)
    known = {place: _known(decoder, found.get(place), *identity) for place, identity in wanted.items()}
    return known if log is None else {place: _numbered(each, found.get(place)) for place, each in known.items()}


def _known(decoder: Decoder, record: ReadableRecord | None, customer_id: str, identity: bytes) -> Known:
    if record is None:
        return Known(None, None, GONE)
    for event in decoder.decode([record]).events:
        if event.customer_id == customer_id and identity_of(event.source, event.id) == identity:
            return Known(event.id, event.source, "")
    return Known(None, None, ANOTHER)


def _numbered(known: Known, record: ReadableRecord | None) -> Known:
    """Return the identity with the number in the file, which a replay gives a record for a timestamp."""
    return known if record is None else known._replace(number=record.timestamp)


def _from_log(log: Log, wanted: Iterable[Place]) -> Records:
    found: dict[Place, ReadableRecord | None] = {}
    for place in wanted:
        try:
            records, _ = log.read(TP(place.topic, place.partition), place.offset, 1)
        except Refused:
            continue
        found[place] = next((record for record in records if record.offset == place.offset), None)
    return found


async def _from_kafka(settings: Settings, wanted: Iterable[Place]) -> Records | None:
    """Return the records; None where Kafka does not answer."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)  # what it would say stands in the answer
    keep_bytes()
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, fetch_max_wait_ms=100, auto_offset_reset="earliest"
    )
    try:
        await asyncio.wait_for(consumer.start(), _ANSWER_SECONDS)
        return await _records(consumer, wanted)
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        await consumer.stop()


async def _records(consumer: Any, wanted: Iterable[Place]) -> Records:
    offsets: dict[TopicPartition, list[int]] = defaultdict(list)
    for place in wanted:
        offsets[TopicPartition(place.topic, place.partition)].append(place.offset)
    topics = await asyncio.wait_for(consumer.topics(), _ANSWER_SECONDS)
    found: dict[Place, ReadableRecord | None] = {}
    for tp, asked in offsets.items():
        if tp.topic not in topics:
            continue
        consumer.assign([tp])
        first = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        for offset in sorted(asked):
            if not first <= offset < end:
                continue
            consumer.seek(tp, offset)
            record = await asyncio.wait_for(consumer.getone(tp), _ANSWER_SECONDS)
            if record.offset == offset:  # a later one, where compaction or deletion took it
                found[Place(tp.topic, tp.partition, offset)] = record
    return found
