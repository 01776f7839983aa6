"""What the stream itself sends: forwarded records and dead letters.

Acknowledged before the batch that caused them commits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from schemas.cut_values import CutValue
from schemas.refusals import (
    HEADER_DETAIL,
    HEADER_FORWARDED,
    HEADER_OFFSET,
    HEADER_PARTITION,
    HEADER_REASON,
    HEADER_TOPIC,
    HEADER_TRUNCATED,
    TRUNCATED_BYTES,
    Refusal,
)
from streams.errors import LogUnavailable
from streams.producing import Sender
from streams.records import Headers, Record


class Outgoing(NamedTuple):
    """A record to send; without a partition the key decides."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None
    headers: Headers


class Outbox(Protocol):
    """Where the stream's own records go."""

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Return once all are acknowledged.

        Raises:
            LogUnavailable: Some may not have been; sending all again is right, since both uses bear repetition.
        """


def forwarded(record: Record, *, topic: str, partition: int, customer_id: str) -> Outgoing:
    """Return a record as it is sent to the partition of its customer: unchanged but for its key."""
    headers = [*record.headers, (HEADER_FORWARDED, f"{record.topic}/{record.partition}/{record.offset}".encode())]
    return Outgoing(topic, partition, customer_id.encode(), record.value, record.timestamp, headers)


def is_forwarded(record: Record) -> bool:
    """Whether a record was forwarded once: it is never forwarded again."""
    return any(name == HEADER_FORWARDED for name, _ in record.headers)


def dead_letter(record: Record, refusal: Refusal, *, topic: str) -> Outgoing:
    """Return a refused record as a dead letter: byte for byte, with the reason in its headers."""
    headers = [
        *record.headers,
        (HEADER_REASON, refusal.reason.encode()),
        (HEADER_DETAIL, refusal.detail.encode()),
        (HEADER_TOPIC, record.topic.encode()),
        (HEADER_PARTITION, str(record.partition).encode()),
        (HEADER_OFFSET, str(record.offset).encode()),
    ]
    if isinstance(record.value, CutValue):  # no more of it was kept
        headers.append((HEADER_TRUNCATED, b"true"))
    return Outgoing(topic, None, record.key, record.value, None, headers)


def truncated(letter: Outgoing) -> Outgoing:
    """Return a dead letter that Kafka takes although the original is too large for it."""
    headers = [*letter.headers, (HEADER_TRUNCATED, b"true")]
    key = letter.key[:1024] if letter.key else letter.key
    return letter._replace(value=(letter.value or b"")[:TRUNCATED_BYTES], key=key, headers=headers)


class LogOutbox:
    """Sends through the application's own producer, to Kafka or to the embedded log."""

    def __init__(self, sender: Callable[[], Sender]) -> None:
        """Take what returns the producer; it is asked for when it is first needed."""
        self._sender = sender

    async def send(self, records: Sequence[Outgoing]) -> None:
        """See `Outbox`."""
        sender = self._sender()
        waiting: list[tuple[Outgoing, Awaitable[object]]] = []
        large: list[Outgoing] = []
        try:
            for record in records:
                try:
                    waiting.append((record, await _deliver(sender, record)))
                except MessageSizeTooLargeError:
                    large.append(record)
            for record, acknowledged in waiting:
                try:
                    await acknowledged
                except MessageSizeTooLargeError:
                    large.append(record)
            for record in large:
                await (await _deliver(sender, truncated(record)))
        except (KafkaError, OSError) as error:
            raise LogUnavailable("Kafka", f"{type(error).__name__}: {error}") from error


async def _deliver(sender: Sender, record: Outgoing) -> Awaitable[object]:
    topic, partition, key, value, timestamp_ms, headers = record
    return await sender.deliver(
        topic, key=key, value=value, partition=partition, timestamp_ms=timestamp_ms, headers=headers
    )
