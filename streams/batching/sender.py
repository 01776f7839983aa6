"""Records on their way to the log, and what sends them: dead letters, forwarded records, requests for surveys.

The port that Kafka's producer and the embedded log's both fill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from streams.records import NO_HEADERS, Headers

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from faust.types import RecordMetadata


class Parcel(Protocol):
    """A record to send, in forms of which each is smaller than the one before."""

    def form(self, step: int) -> Outgoing | None:
        """Return the form of a step, from 0 on; None where there is none so small."""

    @property
    def place(self) -> bytes:
        """A key for a topic that takes no record without one."""

    @property
    def gives_way(self) -> bool:
        """Return whether its sender has another record to send where all forms of this one are too large."""


class Outgoing(NamedTuple):
    """A record to send; without a partition the key decides. It is a parcel of one form."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    #: in ms since 1970 UTC; None is now
    timestamp_ms: int | None
    headers: Headers

    def form(self, step: int) -> Outgoing | None:
        """See `Parcel`."""
        return None if step else self

    @property
    def place(self) -> bytes:
        """See `Parcel`."""
        return self.key or b"none"

    @property
    def gives_way(self) -> bool:
        """See `Parcel`: it must arrive."""
        return False


class Sender(Protocol):
    """Sends records."""

    async def deliver(
        self, topic: str, *, key: bytes | None, value: bytes | None, partition: int | None = None,
        timestamp_ms: int | None = None, headers: Headers = NO_HEADERS, alone: bool = False,
    ) -> Awaitable[RecordMetadata]:  # fmt: skip
        """Send one record.

        Args:
            topic: Name of the topic.
            key: Decides the partition, unless `partition` does.
            value: The record's bytes.
            partition: Number of the partition.
            timestamp_ms: In ms since 1970 UTC; None is now.
            headers: Name and value of each header.
            alone: In a batch of its own, so that an answer is about this record and no other.

        Returns:
            Something to await until the log has the record for good; several may be under way at once.

        Raises:
            aiokafka.errors.KafkaError: Kafka refused it, here or when the result is awaited; see
                `streams.kafka.answers`.
        """
