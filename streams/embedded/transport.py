"""Faust on the embedded log: a transport in the same process and event loop, without threads or sockets.

    CLUSTERS["demo"] = Cluster(Log())
    app = build_app("tenure", broker="embedded://demo")

The consumer is the same as Kafka's but for reading; see `streams.batching.consumer`.
"""

# The signatures are Faust's: what means nothing here has to be taken all the same.

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import structlog
from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError, TopicAuthorizationFailedError
from faust.transport import base, drivers
from faust.transport.producer import Producer
from faust.types import TP, HeadersArg, RecordMetadata

from streams.batching.consumer import SAID_SECONDS, BatchConsumer, Fetched
from streams.batching.locating import Range
from streams.embedded.log import Fenced, Group, Log, Refused
from streams.kafka.answers import InvalidRecordError
from streams.records import NO_HEADERS, Headers

if TYPE_CHECKING:
    from yarl import URL

    from streams.batching.batches import Lease
    from streams.batching.witness import Committed

log = structlog.get_logger(__name__)
SCHEME: Final = "embedded"
_BATCH_BYTES: Final = 61 + 21
_FIELD_BYTES: Final = 4


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def record_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Return what a record takes in Kafka's log alone in a batch, without compression (bytes, rounded up a little)."""
    inner = sum(len(name.encode()) + len(header or b"") + _FIELD_BYTES for name, header in headers)
    return _BATCH_BYTES + len(key or b"") + len(value or b"") + inner


class TopicLimits(NamedTuple):
    """Limits of a topic, as its settings in Kafka say.

    Attributes:
        max_message_bytes: A larger record is refused; as Kafka's `max.message.bytes`, without compression.
        compacted: Records without a key are refused.
        behind_ms: So far a timestamp may lie before now, as `message.timestamp.before.max.ms`; None is any.
        ahead_ms: So far after now, as `message.timestamp.after.max.ms`; None is any.
        closed: Nobody may write.
    """

    max_message_bytes: int = 1_048_588
    compacted: bool = False
    behind_ms: int | None = None
    ahead_ms: int | None = None
    closed: bool = False

    def check(self, *, size_bytes: int, has_key: bool, ahead_ms: int) -> None:
        """Raise what Kafka answers to a record that is not taken."""
        if self.closed:
            raise TopicAuthorizationFailedError
        if size_bytes > self.max_message_bytes:
            raise MessageSizeTooLargeError
        if self.compacted and not has_key:
            raise InvalidRecordError
        late = self.behind_ms is not None and -ahead_ms > self.behind_ms
        if late or (self.ahead_ms is not None and ahead_ms > self.ahead_ms):
            raise InvalidTimestampError


@dataclass
class Cluster:
    """An embedded log, and how its surroundings behave.

    Args:
        log: The log.
        now_ms: Timestamp of a record that comes without one (ms since 1970 UTC).
        latency_seconds: How long an operation takes, by its name (join, fetch, ranges, ids, committed, commit, send); a
            simulation draws it from its seed. None: nothing waits.
    """

    log: Log = field(default_factory=Log)
    now_ms: Callable[[], int] = _wall_clock_ms
    latency_seconds: Callable[[str], float] | None = None
    members: count[int] = field(default_factory=lambda: count(1))
    #: what topics take, by name; all others take everything
    limits: dict[str, TopicLimits] = field(default_factory=dict)

    async def wait(self, operation: str) -> None:
        """Let the time pass that an operation takes."""
        if self.latency_seconds is not None:
            await asyncio.sleep(self.latency_seconds(operation))


CLUSTERS: Final[dict[str, Cluster]] = {}
"""The clusters that URLs can name: `embedded://NAME`."""


class EmbeddedConsumer(BatchConsumer):
    """Reads the embedded log as a member of a group."""

    def __init__(self, transport: EmbeddedTransport, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, *args, **kwargs)
        self.cluster = transport.cluster
        conf = self.app.conf
        instance = conf.consumer_group_instance_id
        self.member_name = instance or f"member-{next(self.cluster.members):04d}"
        self.static = bool(instance)
        self.limit_records = conf.broker_max_poll_records or 5_000
        self.frozen = False
        """Simulations set it: no heartbeats, deaf to rebalances, and still processing: a zombie."""
        self._log: Log = self.cluster.log
        self._group: Group = self._log.group(conf.id)
        self._topics: frozenset[str] = frozenset()
        self._assigned: frozenset[TP] = frozenset()
        self._generation = -1
        self._turn = 0
        self._heard_seconds = -math.inf
        self._said_seconds = -math.inf
        self._taken = False
        self._has_joined = False
        self._changed = asyncio.Event()
        self._arrived = asyncio.Event()
        self._watching = self._log.watch(self._wake)

    async def on_start(self) -> None:
        """Begin to take part in the group."""
        await super().on_start()
        self.add_future(self._coordinate())
        self.add_future(self._heartbeat())

    async def on_stop(self) -> None:
        """Give the partitions back and leave the group; a static member's stay reserved for it until its time-out."""
        await super().on_stop()
        self._log.unwatch(self._watching)
        self._arrived.set()
        if not self.static:
            self._group.leave(self.member_name, self.loop.time())

    # -- membership ------------------------------------------------------------

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Say which topics to read; creates those that are missing."""
        self._topics = frozenset(topics)
        for topic in sorted(self._topics):
            self._log.create_topic(topic)
        self._changed.set()

    def _must_join(self) -> bool:
        if not self._topics or self.frozen:
            return False
        member = self._group.members.get(self.member_name)
        if member is None or member.holder is not self or not self._group.stable:
            return True
        return member.generation != self._generation or member.topics != self._topics

    async def _coordinate(self) -> None:
        while not self.should_stop:
            if self._must_join():
                await self._rejoin()
            await self.wait(self._changed)
            self._changed.clear()

    async def _rejoin(self) -> None:
        self.app.on_rebalance_start()
        await self.on_partitions_revoked(set(self._assigned))
        self._assigned = frozenset()
        conf = self.app.conf
        while True:
            await self.cluster.wait("join")
            await self._give_way()
            if self.should_stop:
                return
            member = self._group.join(
                self.member_name, self._topics, self._changed.set, self.loop.time(),
                timeout_seconds=conf.broker_session_timeout, rebalance_timeout_seconds=conf.broker_rebalance_timeout,
                holder=self,
            )  # fmt: skip
            self._has_joined = True
            if self._group.stable and member.generation > self._generation:
                break
            await self.wait(self._changed, timeout=conf.broker_heartbeat_interval)
            self._changed.clear()
            # Whoever died is noticed by those who live; all of them may be waiting here.
            self._group.expire(self.loop.time())
            if self._group.stable and self._group.members.get(self.member_name) is member and member.holder is self:
                break
        self._heard_seconds = self.loop.time()
        self._generation = self.app.consumer_generation_id = member.generation
        self._assigned = frozenset(member.assigned)
        await self.on_partitions_assigned(set(self._assigned), member.generation)

    async def _give_way(self) -> None:
        """Wait while another worker is in the group under our instance id, who has taken our place."""
        while self._has_joined and not self.should_stop and self._group.is_taken(self.member_name, self):
            self._taken = True
            if self.loop.time() - self._said_seconds >= SAID_SECONDS:
                self._said_seconds = self.loop.time()
                log.error("instance_id_taken", instance_id=self.member_name, group=self.app.conf.id, other_host="here")
            await self.sleep(self.app.conf.broker_heartbeat_interval)
            self._group.expire(self.loop.time())
        self._taken, self._said_seconds = False, -math.inf

    async def _heartbeat(self) -> None:
        while not self.should_stop:
            await self.sleep(self.app.conf.broker_heartbeat_interval)
            if not self._topics or self.frozen or self.should_stop or self._generation < 0:
                continue
            now_seconds = self.loop.time()
            stable = self._group.heartbeat(self.member_name, self._generation, now_seconds, holder=self)
            member = self._group.members.get(self.member_name)
            if member is not None and member.holder is self and member.generation == self._generation:
                self._heard_seconds = now_seconds
            if not stable:
                self._changed.set()

    def assignment(self) -> set[TP]:
        """Return the partitions of the present generation."""
        return set(self._assigned)

    def last_heartbeat_age_seconds(self) -> float:
        """Return the time since the group last answered us."""
        now_seconds: float = self.loop.time()
        return now_seconds - self._heard_seconds

    @property
    def instance_id_is_taken(self) -> bool:
        """Return whether another consumer has joined under our instance id."""
        return self._taken

    # -- reading -----------------------------------------------------------------

    async def _read(self, active: frozenset[TP], timeout_seconds: float) -> list[Fetched]:
        self._arrived.clear()
        await self.cluster.wait("fetch")
        found: list[Fetched] = []
        left = self.limit_records
        order = sorted(active)
        self._turn += 1
        for i in range(len(order)):
            tp = order[(i + self._turn) % len(order)]
            position = self._next.get(tp)
            if left <= 0 or position is None:
                continue
            try:
                records, end = self._log.read(tp, position, left)
            except Refused:
                self._out_of_range(tp, position)
                continue
            if end > position:
                found.append(Fetched(tp, position, end, records, self._leases.get(tp)))
                left -= max(1, len(records))
        if not found and timeout_seconds:
            # Without the tasks that `wait` makes for each call: simulations come here most of the time.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._arrived.wait()
        return found

    def _place(self, tp: TP, offset: int, lease: Lease) -> None:
        self._wake()

    def _wake(self) -> None:
        self._arrived.set()

    async def _ranges(self, tps: Iterable[TP]) -> dict[TP, Range]:
        await self.cluster.wait("ranges")
        found = ((tp, self._log.partition(tp)) for tp in tps)
        return {tp: Range(partition.earliest, partition.end) for tp, partition in found}

    def end_offset(self, tp: TP) -> int | None:
        """Return the end of the partition."""
        return self._log.partition(tp).end

    async def _topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        await self.cluster.wait("ids")
        return {topic: found for topic in topics if (found := self._log.topic_ids.get(topic)) is not None}

    async def first_record_ms(self, tp: TP) -> int | None:
        """Return the timestamp of the first record that a partition has."""
        await self.cluster.wait("ranges")
        records, _ = self._log.read(tp, self._log.partition(tp).earliest, 1)
        return records[0].timestamp if records else None

    async def _committed(self, tps: Iterable[TP]) -> dict[TP, Committed]:
        await self.cluster.wait("committed")
        return {tp: found for tp in tps if (found := self._group.committed.get(tp)) is not None}

    async def _commit(self, offsets: Mapping[TP, Committed]) -> bool:
        await self.cluster.wait("commit")
        try:
            self._group.commit(self.member_name, self._generation, offsets)
        except Fenced as exc:
            log.info("group_offsets_not_committed", reason=repr(exc))
            return False
        return True

    # -- topics ----------------------------------------------------------------------

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Read from the earliest record on."""
        await self.seek_wait(await self.earliest_offsets(*partitions))

    def topic_partitions(self, topic: str) -> int | None:
        """Return the number of partitions."""
        return self._log.partitions(topic)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Return the partition of a key."""
        return self._log.partition_for(topic, key) if partition is None else partition

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        """Create a topic; replication and options mean nothing here."""
        self._log.create_topic(topic, partitions)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def _to_message(self, tp: TP, record: Any) -> Any:
        raise AssertionError("records are delivered in batches")

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        raise AssertionError("records are delivered in batches")


class EmbeddedProducer(Producer):  # type: ignore[misc]  # mypy does not follow Faust
    """Writes to the embedded log."""

    def __init__(self, transport: EmbeddedTransport, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, *args, **kwargs)
        self.cluster = transport.cluster

    async def deliver(
        self, topic: str, *, key: bytes | None, value: bytes | None, partition: int | None = None,
        timestamp_ms: int | None = None, headers: Headers = NO_HEADERS, alone: bool = False,
    ) -> Awaitable[RecordMetadata]:  # fmt: skip
        """Send one record; see `streams.batching.sender.Sender`."""
        del alone  # each record is its own batch here
        await self.cluster.wait("send")
        now_ms = self.cluster.now_ms()
        sent_ms = now_ms if timestamp_ms is None else timestamp_ms
        taken = self.cluster.limits.get(topic)
        if taken is not None:
            size = record_bytes(key, value, headers)
            taken.check(size_bytes=size, has_key=key is not None, ahead_ms=sent_ms - now_ms)
        record = self.cluster.log.append(
            topic, key, value, timestamp_ms=sent_ms, partition=partition, headers=tuple(headers)
        )
        done: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        tp = TP(topic, record.partition)
        done.set_result(RecordMetadata(topic, record.partition, tp, record.offset, sent_ms / 1000, 0))
        return done

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None, timestamp: float | None,
        headers: HeadersArg | None, *, transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:  # fmt: skip
        """Send one record as Faust does; the timestamp is in seconds."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        timestamp_ms = None if timestamp is None else round(timestamp * 1000)
        return await self.deliver(
            topic, key=key, value=value, partition=partition, timestamp_ms=timestamp_ms, headers=tuple(pairs)
        )

    async def send_and_wait(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None, timestamp: float | None,
        headers: HeadersArg | None, *, transactional_id: str | None = None,
    ) -> RecordMetadata:  # fmt: skip
        """Send one record as Faust does, and wait until it is in the log."""
        return await (await self.send(topic, key, value, partition, timestamp, headers))

    async def flush(self) -> None:
        """Wait for what Faust itself has buffered."""
        await self.buffer.flush()

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        """Create a topic; replication and options mean nothing here."""
        self.cluster.log.create_topic(topic, partitions)

    def key_partition(self, topic: str, key: bytes) -> TP:
        """Return the partition of a key."""
        return TP(topic, self.cluster.log.partition_for(topic, key))

    def supports_headers(self) -> bool:
        """Return True."""
        return True


class EmbeddedTransport(base.Transport):  # type: ignore[misc]  # mypy does not follow Faust
    """The transport of `embedded://NAME`, NAME being a key of CLUSTERS."""

    Consumer: ClassVar[Any] = EmbeddedConsumer
    Producer: ClassVar[Any] = EmbeddedProducer
    driver_version = "embedded"
    default_port = 0

    def __init__(self, url: list[URL], app: Any, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(url, app, loop)
        name = url[0].host or ""
        assert name in CLUSTERS, f"no embedded log named {name!r}; there are {sorted(CLUSTERS)}"
        self.cluster = CLUSTERS[name]


drivers.TRANSPORTS.aliases[SCHEME] = f"{__name__}:EmbeddedTransport"
