"""Export of movements into a topic of Kafka, which keeps the last record of each: what it has is what there is.

An export reads the topic to its end, compares it with the movements of all customers, and sends what differs: a
movement that is new or other now under its id, and for one that late events have taken away a record without a value.
Each record names in a header the stream whose movements these are. Where another's lie, nothing is sent: it would take
them back. Nothing else is remembered: after a kill the next one sends what is missing. Two at once send some twice,
which changes nothing for whoever goes by id.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import xxhash
from aiokafka.errors import KafkaError

from kpis.instants import instant_text
from schemas.documents.export import ExportSummary
from schemas.movement_messages import HEADER_OWNER, movement_message
from schemas.relations import MOVEMENTS
from streams.batching.partitioner import partition_of
from streams.errors import LogUnavailable, RecordRefused, Undelivered, UsageError
from streams.kafka.answers import Answer, meaning_of
from streams.settings.meaning import dimensions_of
from tenure.files.publish import connected
from tenure.operations.topic_records import records_in
from tenure.operations.topics import create_compacted
from tenure.outlets.export import owner_of
from tenure.outlets.reading import rows_of_customers
from tenure.reports.customers import Scope, lacking, open_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.settings.settings import Settings

KIND: Final = "kafka"
_AT_ONCE: Final = 2_000


class KnownMovement(NamedTuple):
    """A movement as the topic has it: where, and a digest of what it says."""

    partition: int
    digest: int


async def export_movements(settings: Settings, tell: Callable[[str], None]) -> ExportSummary:
    """Bring the topic of movements up to date with the running stream.

    Args:
        settings: Of the stream: where its Redis and its Kafka are, and the name of the topic.
        tell: Told in a line what of the topic was not read.

    Raises:
        UsageError: The topic holds what another stream, or somebody else, has written.
        Undelivered: Kafka did not take all records.
        TenureError: As `tenure.reports.customers.open_source`, `scan_all`, and Kafka's.
    """
    topic = settings.movement_topic
    await create_compacted(settings, topic)
    async with open_source(settings, Scope()) as source, connected(settings) as (producer, _):
        owner = owner_of(source.stream_id)
        left = await _known(settings, owner, tell)
        sending = _Sending(producer, topic, owner)
        partitions = len(await producer.partitions_for(topic))
        dimensions = dimensions_of(settings)[1:]
        tally: Counter[str] = Counter()
        async for part in rows_of_customers(source, [MOVEMENTS.name]):
            for row in part.rows:
                tally["movements"] += 1
                key, value = movement_message(row, dimensions)
                place = KnownMovement(partition_of(row[0].encode(), partitions), xxhash.xxh3_64_intdigest(value))
                before = left.pop(key, None)
                if before == place:
                    continue
                if before is not None and before.partition != place.partition:
                    await sending.send(before.partition, key, None)
                await sending.send(place.partition, key, value)
                tally["sent"] += 1
        for key, gone in left.items():
            await sending.send(gone.partition, key, None)
        await sending.finish()
        summary = ExportSummary(
            to=KIND,
            as_of=instant_text(source.at_ms),
            customers=0,
            changed=0,
            removed=0,
            rows={MOVEMENTS.name: tally["sent"], "tombstones": len(left)},
        )
        return lacking(summary, source)


async def _known(settings: Settings, owner: str, tell: Callable[[str], None]) -> dict[bytes, KnownMovement]:
    """Return the movements that the topic has, by id.

    Raises:
        UsageError: A record in it is not of this owner.
    """
    topic, found = settings.movement_topic, dict[bytes, KnownMovement]()
    async for records in records_in(settings, [topic], what="where movements go", tell=tell):
        for record in records:
            if record.key is None or dict(record.headers).get(HEADER_OWNER) != owner.encode():
                raise UsageError(
                    f"{topic} holds at partition {record.partition}, offset {record.offset:,} what this stream has not "
                    "exported; set movement_topic to a topic of its own, or delete this one"
                )
            if record.value is not None:
                found[record.key] = KnownMovement(record.partition, xxhash.xxh3_64_intdigest(record.value))
            elif record.key in found and found[record.key].partition == record.partition:
                del found[record.key]
    return found


class _Sending:
    """Sends records, so many at once; Kafka has all of them when it is finished."""

    def __init__(self, producer: Any, topic: str, owner: str) -> None:
        self._producer = producer
        self._topic = topic
        self._headers = [(HEADER_OWNER, owner.encode())]
        self._waiting: list[asyncio.Future[Any]] = []
        self._faults: list[BaseException] = []

    async def send(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Send a record; it may still fail."""
        try:
            answer = await self._producer.send(self._topic, value, key=key, partition=partition, headers=self._headers)
            self._waiting.append(answer)
        except KafkaError as error:
            self._faults.append(error)
        if len(self._waiting) >= _AT_ONCE:
            await self._settle()

    async def _settle(self) -> None:
        answers = await asyncio.gather(*self._waiting, return_exceptions=True)
        self._faults += [answer for answer in answers if isinstance(answer, BaseException)]
        self._waiting = []
        if self._faults:
            raise self._failure()

    async def finish(self) -> None:
        """Wait until Kafka has everything."""
        await self._settle()

    def _failure(self) -> LogUnavailable | Undelivered:
        first = self._faults[0]
        if isinstance(first, KafkaError) and meaning_of(first) is Answer.REFUSED:
            return RecordRefused(self._topic, str(first))
        return Undelivered(len(self._faults), f"{type(first).__name__}: {first}")
