"""The thread that talks to Kafka for a consumer: fetching, seeking, offsets, heartbeats.

aiokafka runs here in an event loop of its own, so that heartbeats go out while the application folds a batch. The
application's loop hands work over and awaits it; nothing else crosses. What a fetch brought becomes records in
`streams.kafka.wire`.
"""

# aiokafka offers no other way to its buffers and heartbeats: docs/decisions/0018.

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import FetchError, FetchResult
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, credentials_to_aiokafka_auth, server_list
from faust.types import TP
from mode.services import ServiceTask

from streams.backoff import Backoff
from streams.batching.client_errors import REFUSALS, unavailable
from streams.batching.consumer import Fetched
from streams.batching.locating import Range
from streams.batching.witness import Committed
from streams.kafka.assignor import CoPartitionedAssignor
from streams.kafka.membership import GroupMembership
from streams.kafka.offsets import committed_offsets, first_record_ms
from streams.kafka.pacing import QUIET_WAIT_MS, WAIT_MS, Pace
from streams.kafka.topic_ids import topic_ids
from streams.kafka.wire import Desk, Unread, in_pieces, keep_bytes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from faust.transport.consumer import ThreadDelegateConsumer

    from streams.batching.batches import Lease
    from streams.errors import LogUnavailable

log = structlog.get_logger(__name__)
FETCH_MAX_BYTES: Final = 16 * 1024 * 1024
"""One fetch over all partitions: a limit on memory."""
PARTITION_FETCH_BYTES: Final = 1024 * 1024
LEAST_FETCH_BYTES: Final = 64 * 1024
BUFFERED_FETCH_BYTES: Final = 32 * 1024 * 1024
"""What lies fetched and unread of all partitions, at most: those of a worker that has many fetch less of each. A record
batch that is larger than its partition's share comes alone, one a fetch."""
READ_BYTES: Final = 8 * 1024 * 1024
"""One read over all partitions, in memory: a limit, but for the records of the last list."""
MAX_SILENCE_SECONDS: Final = 300.0
"""A worker whose application asked for nothing for so long is stuck; it leaves the group."""
METADATA_AGE_MS: Final = 30_000
"""So soon a topic that was missing, or that got more partitions, is shared out."""
COMMIT_TIMEOUT_SECONDS: Final = 3.0
STOP_TIMEOUT_SECONDS: Final = 5.0
"""A worker that ends says good-bye to Kafka for so long; then the group finds out by itself."""
_T = TypeVar("_T")


class MissingOffset(NamedTuple):
    """Kafka does not have the offset that was to be fetched."""

    tp: TP
    position: int


class Damage(NamedTuple):
    """Kafka returned bytes that cannot be read."""

    tp: TP
    position: int
    reason: str


class PartRead(NamedTuple):
    """The result of one read of one partition: records, their memory, and that of their fetch so far (bytes)."""

    records: int
    size: int
    fetch_size: int


class ReadResult(NamedTuple):
    """The result of one read."""

    fetched: list[Fetched]
    refused: list[MissingOffset]
    damaged: list[Damage]


class ReadingThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # mypy does not follow Faust
    """Faust's consumer thread with reads by batch.

    Methods whose name ends in `_here` run in this thread; the others are called from the application's loop.
    """

    def __init__(self, consumer: ThreadDelegateConsumer, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self.assignor = CoPartitionedAssignor()
        self._membership: GroupMembership | None = None
        self._woken = False
        self._desk = Desk(max_value_bytes=self.app.max_record_bytes)
        #: by topic that we may not read: how often it is tried, when it was refused last (ms since 1970), and what
        self._refused: dict[str, tuple[Backoff, float, LogUnavailable]] = {}
        self._read_topics: set[str] = set()
        #: under which what is taken of a partition is handed over
        self._leases: dict[TP, Lease] = {}
        self._pace = Pace(self.thread_loop)
        #: where the last read of each partition ended
        self._ends: dict[TP, int] = {}

    # -- starting --------------------------------------------------------------

    async def on_start(self) -> None:
        """Connect; wait for Kafka when it is away."""
        self.time_started = time.monotonic()
        backoff = Backoff()
        while not self.should_stop:
            self._consumer = self._create_consumer(loop=self.thread_loop)
            try:
                await self._unless_stopped_here(self._consumer.start())
            except (KafkaError, OSError) as exc:
                await self._consumer.stop()
                if isinstance(exc, REFUSALS):
                    raise
                log.warning("waiting_for_kafka", reason=repr(exc), pause_seconds=backoff.seconds)
            else:
                if not self.should_stop:
                    self._membership = GroupMembership(self._consumer._coordinator, self.assignor, on_fatal=self._end)
                return
            await self._unless_stopped_here(backoff.pause())

    async def _unless_stopped_here(self, step: Coroutine[Any, Any, None]) -> None:
        """Do a step, but leave off when we are to stop: a Kafka that stands still does not answer for a minute."""
        doing, stopped = asyncio.ensure_future(step), asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if doing.done():
            doing.result()
        else:
            doing.cancel()

    async def on_thread_stop(self) -> None:
        """Leave the group and disconnect, but do not wait for a Kafka that is away."""
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is None:
            return
        # A task of its own: aiokafka lets a cancellation of its inner tasks out, which would end this thread half-way.
        stopping = asyncio.ensure_future(self._consumer.stop())
        await asyncio.wait({stopping}, timeout=STOP_TIMEOUT_SECONDS)
        if not stopping.done() or stopping.cancelled() or stopping.exception() is not None:
            log.warning("group_leave_timed_out", limit_seconds=STOP_TIMEOUT_SECONDS)
            stopping.cancel()
            await self._consumer._client.close()

    async def _keepalive2(self) -> None:
        """Do nothing: Faust would wake both loops once a second, for a queue that wakes its loop itself."""

    @ServiceTask  # type: ignore[untyped-decorator]  # mypy does not follow mode
    async def _thread_keepalive(self) -> None:
        """Do nothing, likewise."""

    def _stopped_set(self) -> None:
        if not self.thread_loop.is_closed():  # it is when a crash of the application ended this thread first
            super()._stopped_set()

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        conf = self.app.conf
        keep_bytes()
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self.assignor],
            enable_auto_commit=False,
            # Out of range must be seen, and decided by the owner of the positions.
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(MAX_SILENCE_SECONDS * 1000),
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            fetch_max_bytes=FETCH_MAX_BYTES,
            fetch_min_bytes=1,
            fetch_max_wait_ms=WAIT_MS,
            consumer_timeout_ms=QUIET_WAIT_MS,  # by which it looks at all partitions, whatever has happened
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=METADATA_AGE_MS,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Note that the coordinator knows us, then go on as Faust does."""
        if self._membership is not None:
            self._membership.confirm()
        self._refused.clear()
        self.assignor.remember(generation_id, (tp.partition for tp in assigned))
        share = BUFFERED_FETCH_BYTES // max(1, len(assigned))
        fetcher = self._ensure_consumer()._fetcher
        self._pace.speed_up(fetcher)
        fetcher._max_partition_fetch_bytes = max(LEAST_FETCH_BYTES, min(PARTITION_FETCH_BYTES, share))
        await super().on_partitions_assigned(assigned, generation_id)

    def heartbeat_age_seconds(self) -> float:
        """Return the time since a heartbeat was sent that the coordinator accepted."""
        return math.inf if self._membership is None else time.monotonic() - self._membership.heard_seconds

    @property
    def instance_id_is_taken(self) -> bool:
        """Return whether another worker is in the group under our instance id; we have no partitions then."""
        return self._membership is not None and self._membership.is_taken

    def _end(self, error: Exception) -> None:
        """Let the application end with an error."""
        asyncio.run_coroutine_threadsafe(self.consumer.crash(error), self.consumer.loop)

    # -- handing over -----------------------------------------------------------

    async def run_here(self, step: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in this thread and return its result to the application's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(step, self.thread_loop))

    def place(self, tp: TP, offset: int, lease: Lease) -> None:
        """Fetch on from this offset and drop what is buffered; what is taken from now on is read under the lease."""
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(self._place_here, tp, offset, lease)

    def wake(self) -> None:
        """Let a waiting read return."""
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(self._wake_here)

    async def read(self, active: frozenset[TP], timeout_seconds: float, limit_records: int) -> ReadResult:
        """Return what there is of the active partitions; wait for the first record up to the time-out."""
        return await self.run_here(self._read_here(active, timeout_seconds, limit_records))

    async def hurry(self) -> dict[TP, int]:
        """Read at once what would be read after the pause; return where these reads ended, by partition."""
        return {} if self.thread_loop.is_closed() else await self.run_here(self._hurry_here())

    async def ranges(self, tps: Iterable[TP]) -> dict[TP, Range]:
        """Return what Kafka has of each partition, up to the first transaction that is not decided."""
        return await self.run_here(self._ranges_here(list(tps)))

    async def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Return Kafka's id of each topic that is there."""
        return await self.run_here(topic_ids(self._ensure_consumer()._client, list(topics)))

    async def first_record_ms(self, tp: TP) -> int | None:
        """Return the timestamp of the first record that a partition has (ms since 1970)."""
        return await self.run_here(first_record_ms(self._ensure_consumer(), tp))

    async def committed(self, tps: Iterable[TP]) -> dict[TP, Committed]:
        """Return the group's offsets that Kafka has."""
        return await self.run_here(committed_offsets(self._ensure_consumer(), list(tps), COMMIT_TIMEOUT_SECONDS))

    async def commit(self, offsets: Mapping[TP, Committed]) -> bool:
        """Write the group's offsets; return whether all of them are stored, and log why not."""
        return await self.run_here(self._commit_here(offsets))

    def end_offset(self, tp: TP) -> int | None:
        """Return the end that the latest fetch reported."""
        consumer = self._consumer
        if consumer is None or tp not in consumer.assignment():
            return None
        end: int | None = consumer.last_stable_offset(tp)
        return end

    # -- in this thread ------------------------------------------------------------

    def _place_here(self, tp: TP, offset: int, lease: Lease) -> None:
        self._leases[tp] = lease
        subscriptions = self._ensure_consumer()._subscription
        if subscriptions.is_assigned(tp):
            self._ensure_consumer()._fetcher.seek_to(TopicPartition(*tp), offset)
            subscriptions.resume(tp)
            self._pace.speed_up(self._ensure_consumer()._fetcher)
        self._wake_here()

    def _wake_here(self) -> None:
        self._woken = True
        fetcher = self._consumer._fetcher if self._consumer is not None else None
        if fetcher is not None:
            for waiter in list(fetcher._fetch_waiters):
                fetcher._notify(waiter)

    async def _read_here(self, active: frozenset[TP], timeout_seconds: float, limit_records: int) -> ReadResult:
        consumer = self._ensure_consumer()
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        consumer._coordinator.check_errors()  # of its end alone: see `GroupMembership` for all others
        self._look_at_refused_here(consumer)
        with fetcher._subscriptions.fetch_context():
            pass  # tells aiokafka that the application lives
        reading = self._take_here(fetcher, active, limit_records)
        if any(reading) or self._woken:
            self._woken = False
            return reading
        waiter = fetcher._create_fetch_waiter()
        done, _ = await asyncio.wait({waiter}, timeout=timeout_seconds)
        self._woken = False
        if not done:
            waiter.cancel()
            if active:
                self._pace.slow_down(fetcher)
        elif not waiter.exception():
            reading = self._take_here(fetcher, active, limit_records)
        return reading

    async def _hurry_here(self) -> dict[TP, int]:
        before, consumer = dict(self._ends), self._consumer
        if consumer is None or not await self._pace.hurry(consumer._fetcher):
            return {}
        return {tp: end for tp, end in self._ends.items() if end != before.get(tp)}

    def _take_here(self, fetcher: Any, active: frozenset[TP], limit_records: int) -> ReadResult:
        reading = ReadResult([], [], [])
        if fetcher._subscriptions.reassignment_in_progress:
            return reading
        self._desk.close_all_but(fetcher._records.values())
        left, room_bytes = limit_records, READ_BYTES
        taken_bytes: int | None = None
        for tp in [tp for tp in fetcher._records if tp in active]:
            if left <= 0 or room_bytes <= 0:
                break
            buffered = fetcher._records.pop(tp)
            if type(buffered) is FetchError:
                taken_bytes = taken_bytes or 0
                self._note_error_here(fetcher, tp, buffered._error, reading)
                continue
            assert type(buffered) is FetchResult, buffered
            try:
                read = self._unpack_here(tp, buffered, limit_records, room_bytes, reading)
            except Exception as error:  # noqa: BLE001 - a wrong checksum, or whatever a codec says of damaged bytes
                taken_bytes = taken_bytes or 0
                fetcher._subscriptions.pause(tp)
                position = buffered._assignment.state_value(tp).position
                reading.damaged.append(Damage(TP(*tp), position, repr(error)))
                continue
            left -= read.records
            room_bytes -= read.size
            if buffered.has_more():
                fetcher._records[tp] = buffered
            else:
                taken_bytes = (taken_bytes or 0) + read.fetch_size
        if taken_bytes is not None:
            self._pace.begin_next(fetcher, taken_bytes)
        return reading

    def _unpack_here(
        self, tp: TopicPartition, buffered: Any, limit_records: int, room_bytes: int, reading: ReadResult
    ) -> PartRead:
        """Add to a reading what a fetch brought of one partition, as far as there is room; it keeps the rest."""
        if not buffered.check_assignment(tp):
            return PartRead(0, 0, 0)
        unread = buffered._partition_records
        if type(unread) is not Unread:
            unread = buffered._partition_records = Unread(unread, self._desk)
        start = unread.next_fetch_offset
        records, size = unread.read(room_bytes)
        end = unread.next_fetch_offset
        buffered._assignment.state_value(tp).consumed_to(end)
        if unread.is_done:
            buffered._partition_records = None
        self._ends[TP(*tp)] = end
        if start != end:
            reading.fetched.extend(in_pieces(TP(*tp), start, end, records, limit_records, self._leases.get(tp)))
        return PartRead(len(records), size, unread.read_bytes)

    def _note_error_here(self, fetcher: Any, failed: TopicPartition, error: KafkaError, reading: ReadResult) -> None:
        if isinstance(error, NoOffsetForPartitionError):
            return  # the group has no offset; ours comes from the owner, and is on its way
        if isinstance(error, TopicAuthorizationFailedError):
            self._wait_for_right_here(fetcher, failed)
            return
        if not isinstance(error, OffsetOutOfRangeError):
            raise error
        for tp, position in error.args[0].items():
            # Not asked for again until it is placed anew.
            fetcher._subscriptions.pause(tp)
            reading.refused.append(MissingOffset(TP(*tp), position))

    def _wait_for_right_here(self, fetcher: Any, tp: TopicPartition) -> None:
        """Ask again later for a partition of a topic that Kafka does not let us read; at the start, end."""
        error = TopicAuthorizationFailedError(tp.topic)
        if tp.topic not in self._read_topics:
            self._end(error)
        known = self._refused.get(tp.topic)
        backoff = known[0] if known else Backoff()
        self._refused[tp.topic] = (backoff, time.time() * 1000, unavailable(error, f"reading {tp.topic}"))
        if known is None:
            log.warning("topic_refused", topic=tp.topic, reason=repr(error))
        fetcher._subscriptions.pause(tp)
        self.thread_loop.call_later(backoff.take(), self._ask_again_here, tp)

    def _ask_again_here(self, tp: TopicPartition) -> None:
        subscriptions = self._ensure_consumer()._subscription
        if subscriptions.is_assigned(tp):
            subscriptions.resume(tp)

    def _look_at_refused_here(self, consumer: Any) -> None:
        """Note which topics Kafka let us read since."""
        assigned = consumer.assignment()
        if not self._refused and len(self._read_topics) >= len({tp.topic for tp in assigned}):
            return
        for tp in assigned:
            read_ms = consumer.last_poll_timestamp(tp)
            if read_ms:
                self._read_topics.add(tp.topic)
                if tp.topic in self._refused and read_ms > self._refused[tp.topic][1]:
                    del self._refused[tp.topic]
                    log.info("topic_read_again", topic=tp.topic)

    def waits_for(self) -> list[LogUnavailable]:
        """Return what Kafka refuses at the moment."""
        found = [error for _, _, error in list(self._refused.values())]
        if self._membership is not None and self._membership.trouble is not None:
            found.append(self._membership.trouble)
        return found

    async def _ranges_here(self, tps: list[TP]) -> dict[TP, Range]:
        consumer = self._ensure_consumer()
        wanted = [TopicPartition(*tp) for tp in tps]
        earliest = await consumer.beginning_offsets(wanted)
        end = await consumer.end_offsets(wanted)
        return {tp: Range(earliest[tp], end[tp]) for tp in tps}

    async def _commit_here(self, offsets: Mapping[TP, Committed]) -> bool:
        consumer = self._ensure_consumer()
        assignment = consumer.assignment()
        wanted = {TopicPartition(*tp): OffsetAndMetadata(*at) for tp, at in offsets.items() if tp in assignment}
        try:
            await asyncio.wait_for(consumer.commit(wanted), COMMIT_TIMEOUT_SECONDS) if wanted else None
        except (KafkaError, TimeoutError) as exc:
            if isinstance(exc, TopicAuthorizationFailedError) and not {tp.topic for tp in wanted} & self._read_topics:
                self._end(exc)  # nothing was read yet: it was never allowed
            log.warning("group_offsets_not_committed", reason=repr(exc))
            return False
        return len(wanted) == len(offsets)
