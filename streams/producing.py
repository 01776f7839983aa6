"""What sends records to the log: dead letters, and records that lie on the wrong partition.

The port that Kafka's producer and the embedded log's both fill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from streams.records import NO_HEADERS, Headers

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from faust.types import RecordMetadata


class Sender(Protocol):
    """Sends records."""

    async def deliver(
        self, topic: str, *, key: bytes | None, value: bytes | None, partition: int | None = None,
        timestamp_ms: int | None = None, headers: Headers = NO_HEADERS,
    ) -> Awaitable[RecordMetadata]:  # fmt: skip
        """Send one record.

        Args:
            topic: Name of the topic.
            key: Decides the partition, unless `partition` does.
            value: The record's bytes.
            partition: Number of the partition.
            timestamp_ms: In ms since 1970 UTC; None is now.
            headers: Name and value of each header.

        Returns:
            Something to await until the log has the record for good; several may be under way at once.

        Raises:
            aiokafka.errors.KafkaError: Kafka refused it, here or when the result is awaited.
        """
