"""Records that topics of Kafka hold now, read once from the beginning or from a timestamp on, by no group.

Nothing is stored of it, and nothing waits for what comes later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.errors import CheckFailed
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options
from streams.kafka.topics import check_visible, sizes_of

if TYPE_CHECKING:
    from streams.records import ReadableRecord
    from streams.settings.settings import Settings

_ANSWER_SECONDS: Final = 30.0
_FETCH_MS: Final = 2_000
_EMPTY_FETCHES: Final = 10
"""So many in a row, each while Kafka answers, mean that what is left of a topic was deleted meanwhile (count)."""


async def records_in(
    settings: Settings, topics: Sequence[str], *, what: str, since_ms: int | None = None
) -> AsyncIterator[list[ReadableRecord]]:
    """Yield the records of topics, some of one partition at a time, in its order.

    Args:
        settings: Where Kafka is.
        topics: Their names.
        what: What lies there, for messages: "where dead letters go".
        since_ms: From the first record of this timestamp on (ms since 1970); None is from the beginning.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: Kafka does not let us in.
        CheckFailed: A topic is not there, or cannot be read.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)  # what it would say stands in the answer
    options = client_options(settings)
    # A partition that is assigned begins to look for its position at once: that must not be the end.
    consumer = AIOKafkaConsumer(
        **options, enable_auto_commit=False, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    try:
        await asyncio.wait_for(consumer.start(), _ANSWER_SECONDS)
        tps = await _partitions(topics, what, settings, options)
        consumer.assign(tps)
        ends = await asyncio.wait_for(consumer.end_offsets(tps), _ANSWER_SECONDS)
        await _seek(consumer, tps, ends, since_ms)
        empty = 0
        while empty < _EMPTY_FETCHES and any([await consumer.position(tp) < ends[tp] for tp in tps]):
            batches = await consumer.getmany(*tps, timeout_ms=_FETCH_MS)
            empty = 0 if batches else empty + 1
            if not batches:  # Kafka may be away: then this does not answer
                await asyncio.wait_for(consumer.end_offsets(tps), _ANSWER_SECONDS)
            for tp, records in batches.items():
                yield [record for record in records if record.offset < ends[tp]]
    except UnicodeDecodeError as error:
        raise CheckFailed(
            f"a record of {', '.join(topics)} has a header whose name is no UTF-8: somebody else wrote it"
        ) from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise await no_kafka(settings, options, error) from error
    finally:
        await consumer.stop()


async def _seek(
    consumer: Any, tps: Sequence[TopicPartition], ends: Mapping[TopicPartition, int], since_ms: int | None
) -> None:
    """Go to the first record from a timestamp on; without one reading begins at the beginning anyway."""
    if since_ms is None:
        return
    first = await asyncio.wait_for(consumer.offsets_for_times(dict.fromkeys(tps, since_ms)), _ANSWER_SECONDS)
    for tp in tps:
        place = first.get(tp)
        consumer.seek(tp, ends[tp] if place is None else min(place.offset, ends[tp]))


async def _partitions(
    topics: Sequence[str], what: str, settings: Settings, options: Mapping[str, Any]
) -> list[TopicPartition]:
    """Return the partitions of topics.

    Raises:
        CheckFailed: One of them is not there.
        TopicsUnfit: Kafka hides one from us.
    """
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        sizes = await sizes_of(topics, admin)
        missing = [topic for topic in topics if topic not in sizes]
        await check_visible(missing, admin, settings)
    finally:
        await admin.close()
    if missing:
        raise CheckFailed(f"Kafka does not have {missing[0]}, {what}; run `tenure topics --create`")
    return [TopicPartition(topic, number) for topic in topics for number in range(sizes[topic].partitions)]
