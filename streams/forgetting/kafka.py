"""The topic of tombstones in Kafka: read from an offset to its end, by no group."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.errors import LogUnavailable
from streams.forgetting.forgotten import TombstonePart, TombstoneRecord
from streams.kafka.topics import sizes_of

_ANSWER_SECONDS: Final = 30.0
_FETCH_MS: Final = 2_000


class KafkaTombstones:
    """Implements `streams.forgetting.forgotten.TombstoneLog`.

    Args:
        topic: The topic's name.
        client_options: Of an aiokafka client: addresses and security.
    """

    def __init__(self, topic: str, client_options: Mapping[str, Any]) -> None:
        self._topic = topic
        self._tp = TopicPartition(topic, 0)
        self._options = dict(client_options)
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, first: int) -> TombstonePart:
        """See `TombstoneLog`."""
        try:
            return await asyncio.wait_for(self._read(first), _ANSWER_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            reason = f"reading {self._topic}: {str(error) or type(error).__name__}"
            raise LogUnavailable("Kafka", reason) from error

    async def _is_there(self) -> bool:
        """Return whether the topic exists: a consumer that asks for it by name might create it."""
        admin = AIOKafkaAdminClient(**self._options)
        try:
            await admin.start()
            return bool(await sizes_of([self._topic], admin))
        finally:
            await admin.close()

    async def _read(self, first: int) -> TombstonePart:
        if self._consumer is None and not await self._is_there():
            return TombstonePart([], 0)
        consumer = await self._connected()
        beginning = (await consumer.beginning_offsets([self._tp]))[self._tp]
        end = (await consumer.end_offsets([self._tp]))[self._tp]
        position = beginning if first > end else max(first, beginning)  # a topic that was made anew begins again
        records: list[TombstoneRecord] = []
        if position < end:
            consumer.seek(self._tp, position)
        while position < end:
            found = await consumer.getmany(self._tp, timeout_ms=_FETCH_MS)
            records += [TombstoneRecord(record.offset, record.key, record.value) for record in found.get(self._tp, ())]
            position = await consumer.position(self._tp)  # beyond what compaction has taken out, too
        return TombstonePart(records, position)

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False, auto_offset_reset="earliest")
            try:
                await consumer.start()
                consumer.assign([self._tp])
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def close(self) -> None:
        """See `TombstoneLog`."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
