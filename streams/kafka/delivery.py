"""Delivery of records to Kafka for somebody who waits: it is done when Kafka has all of them for good, or it fails.

One producer (`streams.kafka.producer_options`), for which every replica that must have a record answers. One that fails
for another reason than a record's own is replaced by a new one: what it had under way may then come twice, which
changes no number. Who waits gives up after a time that is bounded; what was under way by then may still arrive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.backoff import Backoff
from streams.errors import LogUnavailable, RecordRefused
from streams.kafka.answers import Answer, meaning_of
from streams.kafka.errors import check_admission
from streams.kafka.producer_options import producer_options
from streams.kafka.security import client_options
from streams.kafka.topics import check_topics, partition_counts
from streams.records import Headers
from streams.tasks import cancel_and_wait

if TYPE_CHECKING:
    from streams.settings.settings import Settings

log = structlog.get_logger(__name__)

Pending = Collection[asyncio.Future[Any]]

_PROBE_SECONDS: Final = 5.0
_ANEW_SECONDS: Final = 30.0
"""A producer that has reached no broker for so long may know addresses alone that are no longer any: a new one begins
with those of the settings."""
_STOP_SECONDS: Final = 30.0


class OutgoingRecord(NamedTuple):
    """A record that somebody waits for.

    Attributes:
        topic: Its name.
        key: Decides the partition; None is any.
        value: Byte for byte.
        headers: Name and value of each.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


class RecordTooLarge(RecordRefused):
    """Kafka takes no record of this size into a topic."""


class KafkaDelivery:
    """Delivers records to the Kafka of the settings, once `run` has reached it.

    Args:
        settings: Where Kafka is, and the names of the topics.
        make_producer: Makes a producer of its options.
    """

    def __init__(self, settings: Settings, make_producer: Callable[..., Any] = AIOKafkaProducer) -> None:
        self._settings = settings
        self._make_producer = make_producer
        self._producer: Any = None
        self._up_at: float | None = None
        self._is_up = False
        self._retiring: set[asyncio.Task[None]] = set()
        self._looks_again = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """True where Kafka answered when it was last asked, and has taken what it was sent since."""
        return self._is_up

    async def deliver(
        self, records: Sequence[OutgoingRecord], seconds: float, *, pending: Callable[[Pending], None]
    ) -> None:
        """Send records, and wait until Kafka has all of them.

        Args:
            records: To send.
            seconds: How long to wait.
            pending: Told what is under way: it may outlast the waiting.

        Raises:
            LogUnavailable: Kafka does not take them in time; some of them may arrive nevertheless.
            RecordRefused: Kafka does not take one of them, whoever waits for how long.
        """
        producer = self._producer
        if producer is None:
            raise self._away("it has not been reached since the start")
        under_way: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(seconds):
                try:
                    for record in records:
                        under_way.append(await self._sent(producer, record))  # noqa: PERF401 - what was sent is kept
                finally:
                    pending(under_way)
                if under_way:
                    await asyncio.wait(under_way)
        except TimeoutError as error:
            self._note_down()
            raise self._away(f"it has not taken {len(records):,} records within {seconds:g} s") from error
        for record, delivery in zip(records, under_way, strict=True):
            failure = asyncio.CancelledError() if delivery.cancelled() else delivery.exception()
            if failure is not None:
                raise self._judged(producer, record, failure) from failure
        self._note_up()

    async def run(self) -> None:
        """Reach Kafka, and look whether it is there, until cancelled.

        Raises:
            ConfigurationError: Kafka does not let us in, or topics are missing.
        """
        counts = await partition_counts(self._settings.input_topics, self._settings, client_options(self._settings))
        check_topics(counts, input_topics=self._settings.input_topics)
        await self.keep_connected()

    async def keep_connected(self) -> None:
        """Have a producer that reaches Kafka, until cancelled.

        Raises:
            ConfigurationError: Kafka does not let us in.
        """
        while True:
            if self._producer is None or self._has_been_away(_ANEW_SECONDS):
                await self._connect()
            self._looks_again.clear()
            await self._probe()
            try:
                async with asyncio.timeout(_PROBE_SECONDS):
                    await self._looks_again.wait()
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Close all connections; what nobody waits for any more is given up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            self._retire(producer)
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=1.0)
            await cancel_and_wait(self._retiring)

    async def _sent(self, producer: Any, record: OutgoingRecord) -> asyncio.Future[Any]:
        try:
            sent: asyncio.Future[Any] = await producer.send(
                record.topic, record.value, key=record.key, headers=list(record.headers)
            )
        except KafkaError as error:
            raise self._judged(producer, record, error) from error
        return sent

    def _judged(self, producer: Any, record: OutgoingRecord, error: BaseException) -> LogUnavailable | RecordRefused:
        """Return what a failure means; where it is none of the record's own the producer is replaced."""
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        meaning = meaning_of(error) if isinstance(error, Exception) else Answer.AWAY
        if meaning is Answer.TOO_LARGE:
            return RecordTooLarge(record.topic, f"{len(record.value):,} bytes; {reason}")
        if meaning is not Answer.AWAY:
            return RecordRefused(record.topic, reason)
        log.warning("kafka_producer_replaced", reason=reason)
        if producer is self._producer:
            self._producer = None
            self._retire(producer)
            self._looks_again.set()
        self._note_down()
        return self._away(reason)

    async def _connect(self) -> None:
        """Put a new producer in the place of the present one, as soon as one reaches Kafka."""
        backoff = Backoff()
        while True:
            producer = self._make_producer(**producer_options(self._settings, idempotent=False))
            try:
                await producer.start()
                for topic in self._settings.input_topics:
                    await producer.partitions_for(topic)
            except (KafkaError, OSError) as error:
                await producer.stop()
                self._note_down()
                await check_admission(self._settings, client_options(self._settings))
                log.warning("waiting_for_kafka", reason=repr(error), pause_seconds=backoff.seconds)
            except asyncio.CancelledError:
                await producer.stop()
                raise
            else:
                old, self._producer = self._producer, producer
                if old is not None:
                    self._retire(old)
                self._note_up()
                return
            await backoff.pause()

    async def _probe(self) -> None:
        """Ask Kafka for what it knows of the topics, and note whether it answers."""
        if self._producer is None:
            return
        asked = asyncio.ensure_future(self._producer.client.force_metadata_update())
        await asyncio.wait([asked], timeout=_PROBE_SECONDS)
        if asked.done() and not asked.cancelled() and asked.exception() is None and asked.result():
            self._note_up()
            return
        asked.cancel()
        self._note_down()

    def _note_up(self) -> None:
        if not self._is_up and self._up_at is not None:
            log.info("kafka_reached", kafka=self._settings.kafka_bootstrap)
        self._is_up, self._up_at = True, time.monotonic()

    def _note_down(self) -> None:
        """Take it that Kafka is away, until it answers the next probe or takes a record."""
        if self._is_up:
            log.warning("kafka_unreachable", kafka=self._settings.kafka_bootstrap)
        self._is_up = False

    def _has_been_away(self, seconds: float) -> bool:
        return not self._is_up and self._up_at is not None and time.monotonic() - self._up_at > seconds

    def _away(self, reason: str) -> LogUnavailable:
        return LogUnavailable(f"Kafka at {self._settings.kafka_bootstrap}", reason)

    def _retire(self, producer: Any) -> None:
        retiring = asyncio.ensure_future(self._close(producer))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def _close(self, producer: Any) -> None:
        """Let a producer finish what it has under way, for a while; then end it, and fail the rest."""
        stopping = asyncio.ensure_future(producer.stop())
        try:
            await asyncio.wait([stopping], timeout=_STOP_SECONDS)
        finally:
            # Somebody may still count the bytes of what it gives up by itself only much later.
            producer._message_accumulator.fail_all(KafkaError("the producer was replaced"))
            if not stopping.done():
                sending = producer._sender.sender_task
                if sending is not None:
                    sending.cancel()
                await producer.client.close()
                stopping.cancel()
