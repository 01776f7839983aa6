"""The two logs under one contract, and a worker that reads either.

What a test does to a log (append, abort a transaction, delete old records, silence a worker) is said once and done in
each log's own way. The worker keeps positions as the product does: with what it counted, compared before each step.
"""

from __future__ import annotations

import abc
import asyncio
import math
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streams.batching.application import App, build_app
from streams.batching.batches import Batch, BatchSchema
from streams.batching.ownership import Held
from streams.embedded.log import Log
from streams.embedded.transport import CLUSTERS, Cluster, TopicLimits
from streams.errors import Halt
from streams.kafka.transport import broker_url
from streams.records import NO_HEADERS, TP, Headers, Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping, Sequence

SESSION_TIMEOUT_SECONDS = 2.0
PATIENCE_SECONDS = 30.0


class LogUnderTest(abc.ABC):
    """A log, whichever it is."""

    broker: str

    @abc.abstractmethod
    async def create_topic(self, topic: str, partitions: int, limits: TopicLimits | None = None) -> None:
        """Create a topic; what it takes is not tested where no limits are given."""

    @abc.abstractmethod
    async def append(
        self, topic: str, values: Sequence[bytes | None], *, partition: int | None = None, key: bytes | None = None,
        timestamp_ms: int = 1_700_000_000_000, headers: Headers = NO_HEADERS,
    ) -> None:  # fmt: skip
        """Append records, in this order."""

    @abc.abstractmethod
    async def abort_transaction(self, topic: str, partition: int, records: int) -> None:
        """Leave a hole of `records` aborted records and a marker."""

    @abc.abstractmethod
    async def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete records as retention does."""

    @abc.abstractmethod
    async def recreate_topic(self, topic: str) -> None:
        """Delete a topic of two partitions and create it anew."""

    @abc.abstractmethod
    async def committed(self, group: str, tp: TP) -> tuple[int, str] | None:
        """Return the offset that a group has committed, and its metadata; None where it has not."""

    @abc.abstractmethod
    async def end(self, tp: TP) -> int:
        """Return the offset after the last record."""

    @abc.abstractmethod
    async def silence(self, app: App) -> None:
        """Let a worker go silent as if it had been killed: no heartbeats, no reads, no farewell."""

    @abc.abstractmethod
    def freeze(self, app: App) -> Callable[[], None]:
        """Let a worker's reader stand still, heartbeats and all; returns what wakes it."""

    async def close(self) -> None:
        """Release what the log holds."""
        await asyncio.sleep(0)


class EmbeddedLogUnderTest(LogUnderTest):
    """`streams.embedded.log`."""

    def __init__(self, name: str) -> None:
        self.broker = f"embedded://{name}"
        self.log = Log()
        self.cluster = CLUSTERS[name] = Cluster(self.log)

    async def create_topic(self, topic: str, partitions: int, limits: TopicLimits | None = None) -> None:
        """Create a topic."""
        self.log.create_topic(topic, partitions)
        if limits is not None:
            self.cluster.limits[topic] = limits

    async def append(
        self, topic: str, values: Sequence[bytes | None], *, partition: int | None = None, key: bytes | None = None,
        timestamp_ms: int = 1_700_000_000_000, headers: Headers = NO_HEADERS,
    ) -> None:  # fmt: skip
        """Append records."""
        for value in values:
            self.log.append(topic, key, value, timestamp_ms=timestamp_ms, partition=partition, headers=headers)

    async def abort_transaction(self, topic: str, partition: int, records: int) -> None:
        """Leave a hole."""
        self.log.partition(TP(topic, partition)).skip(records + 1)
        self.log.wake()

    async def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete old records."""
        self.log.partition(TP(topic, partition)).delete_before(offset)

    async def recreate_topic(self, topic: str) -> None:
        """Delete and create."""
        self.log.recreate_topic(topic)

    async def committed(self, group: str, tp: TP) -> tuple[int, str] | None:
        """Look at the group."""
        return self.log.group(group).committed.get(tp)

    async def end(self, tp: TP) -> int:
        """Return the end."""
        return self.log.partition(tp).end

    async def silence(self, app: App) -> None:
        """Freeze the worker and stop its reads."""
        consumer: Any = app.consumer
        consumer.frozen = True
        consumer._readable = frozenset

    def freeze(self, app: App) -> Callable[[], None]:
        """Make it deaf and dumb for a while."""
        consumer: Any = app.consumer
        consumer.frozen = True
        return lambda: setattr(consumer, "frozen", False)


def _settings_of(limits: TopicLimits) -> dict[str, str]:
    """Return the settings of a topic in Kafka that has these limits."""
    assert not limits.closed, "a topic without access rights needs a Kafka with them"
    settings = {
        "max.message.bytes": str(limits.max_message_bytes),
        "cleanup.policy": "compact" if limits.compacted else "delete",
    }
    for name, span_ms in (("before", limits.behind_ms), ("after", limits.ahead_ms)):
        if span_ms is not None:
            settings[f"message.timestamp.{name}.max.ms"] = str(span_ms)
    return settings


class KafkaUnderTest(LogUnderTest):
    """A real broker."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.broker = broker_url(bootstrap)
        self._producer: AIOKafkaProducer | None = None
        self._admin: AIOKafkaAdminClient | None = None

    async def _started_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5)
            await self._producer.start()
        return self._producer

    async def _started_admin(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
            await self._admin.start()
        return self._admin

    async def create_topic(self, topic: str, partitions: int, limits: TopicLimits | None = None) -> None:
        """Create a topic."""
        admin = await self._started_admin()
        configs = {} if limits is None else _settings_of(limits)
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
        # The broker answers before it shows the topic to clients.
        while (await admin.describe_topics([topic]))[0]["error_code"] != 0:
            await asyncio.sleep(0.01)

    async def append(
        self, topic: str, values: Sequence[bytes | None], *, partition: int | None = None, key: bytes | None = None,
        timestamp_ms: int = 1_700_000_000_000, headers: Headers = NO_HEADERS,
    ) -> None:  # fmt: skip
        """Append records."""
        producer = await self._started_producer()
        sent = [
            await producer.send(
                topic, value, key=key, partition=partition, timestamp_ms=timestamp_ms, headers=list(headers)
            )
            for value in values
        ]
        await asyncio.gather(*sent)

    async def abort_transaction(self, topic: str, partition: int, records: int) -> None:
        """Write records in a transaction and abort it."""
        after = await self.end(TP(topic, partition)) + records + 1
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=f"abort-{topic}-{partition}")
        await producer.start()
        await producer.begin_transaction()
        for _ in range(records):
            await producer.send_and_wait(topic, b"aborted", partition=partition)
        await producer.abort_transaction()
        await producer.stop()
        # The marker is written after the answer.
        while await self.end(TP(topic, partition)) < after:
            await asyncio.sleep(0.01)

    async def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Ask the broker to delete old records."""
        admin = await self._started_admin()
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=offset)})

    async def recreate_topic(self, topic: str) -> None:
        """Delete a topic, and create it once the broker has forgotten it."""
        admin = await self._started_admin()
        await admin.delete_topics([topic])
        while topic in await admin.list_topics():
            await asyncio.sleep(0.01)
        await self.create_topic(topic, 2)

    async def committed(self, group: str, tp: TP) -> tuple[int, str] | None:
        """Ask the group's coordinator."""
        admin = await self._started_admin()
        found = (await admin.list_consumer_group_offsets(group)).get(TopicPartition(*tp))
        return None if found is None or found.offset < 0 else (found.offset, found.metadata)

    async def end(self, tp: TP) -> int:
        """Ask the broker for the end."""
        client = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await client.start()
        offsets: dict[TopicPartition, int] = await client.end_offsets([TopicPartition(*tp)])
        await client.stop()
        return offsets[TopicPartition(*tp)]

    async def silence(self, app: App) -> None:
        """Cut the worker off inside of its thread."""
        consumer: Any = app.consumer

        async def cut() -> None:
            inner = consumer._thread._consumer
            inner._coordinator._heartbeat_task.cancel()
            inner._coordinator._coordination_task.cancel()
            inner._coordinator.generation = -1  # it will not say good-bye when the test cleans up
            await asyncio.sleep(0)

        consumer._readable = frozenset
        await consumer._thread.run_here(cut())

    def freeze(self, app: App) -> Callable[[], None]:
        """Block its thread."""
        woken = threading.Event()
        consumer: Any = app.consumer
        consumer._thread.thread_loop.call_soon_threadsafe(woken.wait)
        return woken.set

    async def close(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()
        if self._admin is not None:
            await self._admin.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a worker is, rather than does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def heartbeats(worker: Worker, count: int) -> None:
    """Wait for so many heartbeats of a worker that its group accepts."""
    for _ in range(count):
        least = math.inf

        def is_younger() -> bool:
            nonlocal least
            before, least = least, worker.app.batch_consumer.last_heartbeat_age_seconds()
            return least < before < math.inf

        await until(is_younger)


class Ledger:
    """What all workers share: positions, and the records that were counted with them."""

    def __init__(self) -> None:
        self.positions: dict[TP, int] = {}
        self.topic_ids: dict[TP, str] = {}
        self.records: dict[TP, list[Record]] = defaultdict(list)
        self.batches: list[Batch] = []
        self.refused: list[Batch] = []
        self._changed = asyncio.Condition()

    async def apply(self, batch: Batch) -> None:
        """Count a batch, unless somebody else was there first."""
        if self.positions.get(batch.tp, batch.start) != batch.start:
            self.refused.append(batch)
        else:
            self.positions[batch.tp] = batch.end
            if batch.lease.topic_id is not None:
                self.topic_ids[batch.tp] = batch.lease.topic_id
            self.records[batch.tp] += batch.records
            self.batches.append(batch)
        await self.changed()

    async def changed(self) -> None:
        """Wake who waits."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition on what the workers did."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), PATIENCE_SECONDS)

    def values(self, topic: str, partition: int) -> list[bytes | None]:
        """Return what was counted of a partition."""
        return [record.value for record in self.records[TP(topic, partition)]]

    def total(self) -> int:
        """Return how many records were counted."""
        return sum(len(records) for records in self.records.values())


class Worker:
    """An application with one agent per topic, and the owner of its positions."""

    def __init__(self, log: LogUnderTest, group: str, topics: Sequence[str], ledger: Ledger, **settings: Any) -> None:
        self.ledger = ledger
        self.assignments: list[tuple[frozenset[int], int]] = []
        self.asked: list[frozenset[int]] = []
        self.revoked: list[frozenset[int]] = []
        self.halts: list[Halt] = []
        self.owned: frozenset[int] = frozenset()
        self.failures: list[Exception] = []
        self.full: set[TP] = set()
        #: partitions of which a test says that what is stored cannot be trusted
        self.unreadable: set[int] = set()
        self.app = build_app(
            group,
            broker=log.broker,
            owner=self,
            **{"session_timeout_seconds": SESSION_TIMEOUT_SECONDS, **settings},
        )
        for topic in topics:
            self.app.agent(self.app.topic(topic, schema=BatchSchema()), name=f"reads-{topic}")(self._read)

    async def _read(self, batches: AsyncIterable[Batch]) -> None:
        async for batch in batches:
            if not batch.stale:
                await self.ledger.apply(batch)

    async def __aenter__(self) -> Self:
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.stop()

    async def on_assigned(self, partitions: frozenset[int], generation: int) -> None:
        """Note it."""
        self.assignments.append((partitions, generation))
        self.owned = partitions
        await self.ledger.changed()

    async def on_revoked(self, partitions: frozenset[int]) -> None:
        """Note it."""
        self.revoked.append(partitions)
        self.owned = frozenset()

    async def positions(self, partitions: frozenset[int]) -> Mapping[TP, int]:
        """Return the ledger's positions, after the failures that a test asked for."""
        self.asked.append(partitions)
        if self.failures:
            raise self.failures.pop()
        return {tp: at for tp, at in self.ledger.positions.items() if tp.partition in partitions}

    def held(self, tp: TP) -> Held | None:
        """Return what the ledger has."""
        position = self.ledger.positions.get(tp)
        return None if position is None else Held(position, self.ledger.topic_ids.get(tp))

    def is_halted(self, partition: int) -> bool:
        """Say what a test said."""
        return partition in self.unreadable

    def has_room(self, tp: TP) -> bool:
        """Say what a test said."""
        return tp not in self.full

    def on_halt(self, fault: Halt) -> None:
        """Note it."""
        self.halts.append(fault)
        self.app.loop.create_task(self.ledger.changed())
