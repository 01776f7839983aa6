"""Offsets that Kafka is asked for: a group's committed ones, and the time of a partition's first record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka.structs import TopicPartition
from faust.types import TP

from streams.batching.witness import Committed

if TYPE_CHECKING:
    from collections.abc import Sequence


async def first_record_ms(consumer: Any, tp: TP) -> int | None:
    """Return Kafka's timestamp of the first record that a partition has (ms since 1970); None where it has none.

    Args:
        consumer: aiokafka's, started.
        tp: Topic and partition.

    Raises:
        KafkaError: Kafka does not answer.
    """
    # The first record from the beginning of time on is the first that there is.
    found = (await consumer.offsets_for_times({TopicPartition(*tp): 0})).get(TopicPartition(*tp))
    return None if found is None else int(found.timestamp)


async def committed_offsets(consumer: Any, tps: Sequence[TP], limit_seconds: float) -> dict[TP, Committed]:
    """Return the offsets that a group has committed, with their metadata; none where it has not.

    Args:
        consumer: aiokafka's, a member of the group.
        tps: Topics and partitions.
        limit_seconds: aiokafka itself would try for ever.

    Raises:
        KafkaError: Kafka refuses.
        TimeoutError: Kafka does not answer in time.
    """
    asked = consumer._coordinator.fetch_committed_offsets([TopicPartition(*tp) for tp in tps])
    found = await asyncio.wait_for(asked, limit_seconds)
    return {TP(*tp): Committed(at.offset, at.metadata or "") for tp, at in found.items()}
