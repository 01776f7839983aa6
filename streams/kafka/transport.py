"""Faust on Kafka by batches: the transport of `tenure-kafka://`.

Differs from Faust's own driver in what a message is (a batch), where positions come from (the owner of the tables), who
gets which partitions (co-partitioned), what is read (committed records) and in never skipping over what is missing. See
`streams.batching.consumer` for the consumer, `streams.kafka.fetcher` for its thread.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final

import structlog
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver

from streams.backoff import Backoff
from streams.batching.client_errors import REFUSALS
from streams.batching.consumer import BatchConsumer, Fetched
from streams.batching.locating import Range
from streams.batching.partitioner import partition_of
from streams.kafka.fetcher import STOP_TIMEOUT_SECONDS, ReadingThread
from streams.records import NO_HEADERS, Headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from faust.types import TP, RecordMetadata

    from streams.batching.batches import Lease
    from streams.batching.witness import Committed
    from streams.errors import Unavailable

log = structlog.get_logger(__name__)
SCHEME: Final = "tenure-kafka"
PRODUCER_MAX_REQUEST_BYTES: Final = 96 * 1024 * 1024
"""The topic's own limit is the one that counts, and it is one of compressed bytes; this one is of bytes before that.
A broker closes the connection on a request beyond its `socket.request.max.bytes`, 100 MiB, and says nothing."""
_COMPRESSION: Final = "zstd"
"""What just fits into its topic must fit again with our headers; any JSON shrinks by a tenth, as its bytes are text."""
_HASHED_KEY_BYTES: Final = 1024
"""Of a longer key, which is no customer's, so much decides the partition: hashing a megabyte takes long."""


def broker_url(bootstrap: str) -> str:
    """Return the URL by which Faust finds this transport.

    Args:
        bootstrap: `host:port` of some brokers, separated by commas.
    """
    return ";".join(f"{SCHEME}://{server.strip()}" for server in bootstrap.split(",") if server.strip())


class KafkaConsumer(BatchConsumer, driver.Consumer):  # type: ignore[misc]  # mypy does not follow Faust
    """Reads Kafka as a member of a group."""

    _thread: ReadingThread

    def _new_consumer_thread(self) -> ReadingThread:
        return ReadingThread(self, loop=self.loop, beacon=self.beacon)

    def last_heartbeat_age_seconds(self) -> float:
        """Return the time since the group's coordinator accepted a heartbeat, measured from when it was sent."""
        return self._thread.heartbeat_age_seconds()

    @property
    def instance_id_is_taken(self) -> bool:
        """Return whether another member of the group has our instance id."""
        return self._thread.instance_id_is_taken

    def waits_for(self) -> list[Unavailable]:
        """Return what Kafka refuses or leaves unanswered, and what the owner waits for."""
        return [*super().waits_for(), *self._thread.waits_for()]

    async def hurry(self) -> dict[TP, int]:
        """Read at once what the pause between two fetches holds up; return where these reads end."""
        return await self._thread.hurry()

    def end_offset(self, tp: TP) -> int | None:
        """Return the end of the partition, up to the first undecided transaction, as of the latest fetch."""
        return self._thread.end_offset(tp)

    async def _read(self, active: frozenset[TP], timeout_seconds: float) -> list[Fetched]:
        limit = self.app.conf.broker_max_poll_records or 5_000
        reading = await self._thread.read(active, timeout_seconds, limit)
        for refusal in reading.refused:
            self._out_of_range(refusal.tp, refusal.position)
        for damage in reading.damaged:
            self._unreadable(*damage)
        return reading.fetched

    def _place(self, tp: TP, offset: int, lease: Lease) -> None:
        self._thread.place(tp, offset, lease)

    def _wake(self) -> None:
        self._thread.wake()

    async def _ranges(self, tps: Iterable[TP]) -> dict[TP, Range]:
        return await self._thread.ranges(tps)

    async def _topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        return await self._thread.topic_ids(topics)

    async def first_record_ms(self, tp: TP) -> int | None:
        """Return Kafka's timestamp of the first record that a partition has."""
        return await self._thread.first_record_ms(tp)

    async def _committed(self, tps: Iterable[TP]) -> dict[TP, Committed]:
        return await self._thread.committed(tps)

    async def _commit(self, offsets: Mapping[TP, Committed]) -> bool:
        return await self._thread.commit(offsets)

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Read from the earliest record on."""
        await self.seek_wait(await self.earliest_offsets(*partitions))

    def _may_succeed_later(self, exc: Exception) -> bool:
        if isinstance(exc, KafkaError):
            return bool(exc.retriable) or isinstance(exc, (KafkaTimeoutError, KafkaConnectionError, *REFUSALS))
        return super()._may_succeed_later(exc)


class KafkaProducer(driver.Producer):  # type: ignore[misc]  # mypy does not follow Faust
    """Writes to Kafka: a record that was acknowledged is on all replicas in sync, at least once."""

    async def on_start(self) -> None:
        """Connect; wait for Kafka when it is away."""
        backoff = Backoff()
        while not self.should_stop:
            try:
                await super().on_start()
            except (KafkaConnectionError, KafkaTimeoutError, OSError) as exc:
                log.warning("waiting_for_kafka", reason=repr(exc), pause_seconds=backoff.seconds)
                if self._producer is not None:
                    await self._producer.stop()
            else:
                return
            await backoff.pause()

    def _settings_default(self) -> Mapping[str, Any]:
        limits = {"max_request_size": PRODUCER_MAX_REQUEST_BYTES, "compression_type": _COMPRESSION}
        return {**super()._settings_default(), **limits}

    def _settings_extra(self) -> Mapping[str, Any]:
        # Not idempotent: one record that Kafka refuses (a dead letter that is too large) leaves a gap in the sequence
        # numbers, and aiokafka's producer then fails for good. What we send bears repetition.
        return {"acks": "all"}

    async def on_stop(self) -> None:
        """Disconnect, but do not wait for a Kafka that is away: what was not acknowledged was not committed either."""
        # Not wait_for: it waits for what it cancels, and aiokafka may not let itself be cancelled.
        stopping = asyncio.ensure_future(super().on_stop())
        await asyncio.wait({stopping}, timeout=STOP_TIMEOUT_SECONDS)
        if not stopping.done():
            log.warning("records_unacknowledged", limit_seconds=STOP_TIMEOUT_SECONDS)
            stopping.cancel()

    async def flush(self) -> None:
        """Do nothing: who sends awaits each delivery. Faust would wait here at each rebalance and again at the end."""

    async def deliver(
        self, topic: str, *, key: bytes | None, value: bytes | None, partition: int | None = None,
        timestamp_ms: int | None = None, headers: Headers = NO_HEADERS, alone: bool = False,
    ) -> Awaitable[RecordMetadata]:  # fmt: skip
        """Send one record; see `streams.batching.sender.Sender`."""
        if key is None and value is None:
            value = b""  # aiokafka sends no record that is nothing at all
        producer = self._ensure_producer()
        there = await producer.partitions_for(topic)
        if partition is None and (alone or len(key or b"") > _HASHED_KEY_BYTES):
            partition = partition_of((key or b"")[:_HASHED_KEY_BYTES], len(there))
        if partition is not None and partition not in there:
            raise UnknownTopicOrPartitionError(f"{topic} has no partition {partition}")
        if not alone:
            sent: Awaitable[RecordMetadata] = await producer.send(
                topic, value, key=key, partition=partition, timestamp_ms=timestamp_ms, headers=list(headers)
            )
            return sent
        size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, list(headers))
        if size > PRODUCER_MAX_REQUEST_BYTES:
            raise MessageSizeTooLargeError(f"{size} bytes are more than {PRODUCER_MAX_REQUEST_BYTES}")
        batch = producer.create_batch()
        batch.append(timestamp=timestamp_ms, key=key, value=value, headers=list(headers))
        batch.close()
        accepted: Awaitable[RecordMetadata] = await producer.send_batch(batch, topic, partition=partition)
        return accepted


class KafkaTransport(driver.Transport):  # type: ignore[misc]  # mypy does not follow Faust
    """Faust's aiokafka transport with our consumer and producer."""

    Consumer: ClassVar[Any] = KafkaConsumer
    Producer: ClassVar[Any] = KafkaProducer


drivers.TRANSPORTS.aliases[SCHEME] = f"{__name__}:KafkaTransport"
