"""Topics of other systems in Kafka, read by a consumer of their own as a member of the group `<group>-adapters`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from streams.batching.client_errors import unavailable
from streams.records import TP, ReadableRecord
from streams.settings.settings import Settings
from streams.translation.translator import UnreadRecords

log = structlog.get_logger(__name__)
BATCH_RECORDS: Final = 500
"""Records that are translated, sent and committed together, at most (count)."""
_WAIT_MS: Final = 500


class KafkaForeignLog(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """See `streams.translation.translator.ForeignLog`.

    Args:
        settings: Of the stream: they name the topics.
        client_options: Of an aiokafka client: addresses and security.
    """

    def __init__(self, settings: Settings, client_options: Mapping[str, Any]) -> None:
        self._topics = tuple(settings.adapter_topics)
        session_ms = settings.session_timeout_seconds * 1000
        self._options = {
            **client_options,
            "group_id": settings.adapter_group,
            "group_instance_id": settings.instance_id,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "isolation_level": "read_committed",
            "session_timeout_ms": session_ms,
            "heartbeat_interval_ms": min(3_000, session_ms // 4),
        }
        self._consumer: Any = None
        #: the next offset to read, as far as it is known
        self._positions: dict[TP, int] = {}
        self._lost: list[UnreadRecords] = []

    async def start(self) -> None:
        """Join the group."""
        self._consumer = AIOKafkaConsumer(**self._options)
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            raise unavailable(error, f"reading {', '.join(self._topics)}") from error
        self._consumer.subscribe(self._topics, listener=self)

    async def read(self) -> Sequence[ReadableRecord]:
        """Return the next records; see `ForeignLog`."""
        try:
            found = await self._consumer.getmany(timeout_ms=_WAIT_MS, max_records=BATCH_RECORDS)
            for tp, records in found.items():
                await self._look_for_gap(TP(tp.topic, tp.partition), records[0].offset)
        except (KafkaError, OSError) as error:
            raise unavailable(error, f"reading {', '.join(self._topics)}") from error
        return [record for records in found.values() for record in records]

    async def commit(self, positions: Mapping[TP, int]) -> bool:
        """Store positions; see `ForeignLog`."""
        try:
            await self._consumer.commit({TopicPartition(*tp): position for tp, position in positions.items()})
        except (CommitFailedError, IllegalStateError):
            return False
        except (KafkaError, OSError) as error:
            raise unavailable(error, f"committing positions of {', '.join(self._topics)}") from error
        self._positions |= positions
        return True

    def lost(self) -> Sequence[UnreadRecords]:
        """Return what was found to be lost; see `ForeignLog`."""
        found, self._lost = self._lost, []
        return found

    def lag(self) -> Mapping[TP, int]:
        """Return what each partition has beyond its position; see `ForeignLog`."""
        found = {}
        for tp in self._consumer.assignment():
            end, position = self._consumer.last_stable_offset(tp), self._positions.get(TP(tp.topic, tp.partition))
            if end is not None and end >= 0:
                found[TP(tp.topic, tp.partition)] = max(0, end - position) if position is not None else 0
        return found

    async def close(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        self._positions.clear()
        if consumer is None:
            return
        try:
            await consumer.stop()
        except (KafkaError, OSError) as error:
            log.info("adapter_group_not_left", reason=repr(error))

    async def on_partitions_revoked(self, revoked: Iterable[TP]) -> None:
        """Forget where they were read: somebody else goes on."""
        del revoked
        self._positions.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TP]) -> None:
        """Say which partitions are ours."""
        log.info("adapter_partitions_assigned", partitions=sorted(f"{tp.topic}/{tp.partition}" for tp in assigned))

    async def _look_for_gap(self, tp: TP, offset: int) -> None:
        """Find out whether records were deleted between our position and the first record that was read."""
        position = self._positions.get(tp)
        if position is None:
            committed: int | None = await self._consumer.committed(TopicPartition(*tp))
            position = self._positions[tp] = offset if committed is None else committed
        if offset > position:  # a hole in a compacted topic, or a transaction's marker, is no loss
            place = TopicPartition(*tp)
            beginning: int = (await self._consumer.beginning_offsets([place]))[place]
            if beginning > position:
                self._lost.append(UnreadRecords(tp, beginning - position))
                self._positions[tp] = beginning
        elif offset < position:
            log.warning(
                "adapter_topic_read_again", topic=tp.topic, partition=tp.partition, position=position, at=offset
            )
            self._positions[tp] = offset
