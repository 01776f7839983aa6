"""New tables out of Kafka: all records once more, up to where the stream has counted, and no further.

A worker of its own consumer group writes to the new tables. It sends nothing: dead letters and forwarded records of
what it reads were sent by the stream before that went on. So its counts are those of the stream, record by record.
Killed and started again it goes on where it was. Not here: comparing, putting in place (`tenure.rebuilding.rebuild`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from kpis.customer.facts import STATE_VERSION
from schemas.events import NO_CUSTOMER
from streams.batching.witness import witness_of
from streams.copying import copy_commit
from streams.errors import CheckFailed
from streams.holding import unheld
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options, credentials
from streams.kafka.transport import broker_url
from streams.partition.outbox import Delivery
from streams.records import TP
from streams.settings.settings import Settings
from streams.tables import Head, PeriodUpdate, StreamMark, Tables, decode_head, encode_head, positions_of
from streams.tasks import to_its_end
from tenure.rebuilding.beside import copy_schedules
from tenure.stored.forgotten import known_forgotten
from tenure.stored.switching import move_requests
from tenure.worker.composition import Worker, build_worker

_Ends = Callable[[], Awaitable[dict[TP, int]]]
_LOOK_SECONDS: Final = 0.5
_CLOSE_RECORDS: Final = 5_000
"""So near to the stream it is held: what is left takes a moment (count)."""
_STUCK_SECONDS: Final = 120.0
GROUP_SUFFIX: Final = "-rebuild"


class CountedBefore:
    """Implements `tenure.worker.composition.Beside`: everything up to where the stream has counted was sent by it."""

    def __init__(self) -> None:
        self.ends: dict[TP, int] = {}

    def until(self, tp: TP) -> int | None:
        """See `Beside`."""
        return self.ends.get(tp, 0)

    async def send(self, delivery: Delivery) -> None:
        """See `streams.partition.outbox.Outbox`."""


class KafkaBuilder:
    """Builds new tables out of Kafka.

    Args:
        settings: What numbers mean from now on.
        source: The tables that hold.
        target: The tables to build; what an earlier try has left is gone on with.
        mark: Of the stream.
        in_use: Partitions that have something stored (count).
        keeps_restatements: Whether those of the source are taken over: where settings are the same.
        tell: Told how many records are left, now and then.
    """

    def __init__(
        self, settings: Settings, source: Tables, target: Tables, mark: StreamMark, *, in_use: int,
        keeps_restatements: bool, tell: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._settings = settings.model_copy(
            update={"group": settings.group + GROUP_SUFFIX, "survey_requests": False, "instance_id": None}
        )
        self._source = source
        self._target = target
        self._mark = mark
        self._in_use = in_use
        self._keeps_restatements = keeps_restatements
        self._tell = tell
        self._counted = CountedBefore()
        self._options = client_options(settings)
        self._customers = 0

    @property
    def customers(self) -> int:
        """Return how many customers the new tables have (count)."""
        return self._customers

    async def build(self) -> None:
        """Count what Kafka has, until little is left; the stream goes on meanwhile.

        Raises:
            CheckFailed: Kafka has deleted records that the stream has counted.
        """
        await check_beginning(self._settings.model_copy(update={"group": self._mark.group}), self._source, self._in_use)
        await self._count(_CLOSE_RECORDS, self._positions)

    async def finish(self, heads: Mapping[int, Head]) -> None:
        """Count the rest, while nothing changes; then store what else there is."""
        ends = {TP(topic, number): at for number, head in heads.items() for topic, at in head.positions.items()}

        async def fixed() -> dict[TP, int]:
            return ends

        await self._count(0, fixed)
        for number, head in heads.items():
            await self._end(number, head)
        await copy_schedules(self._source, self._target, self._in_use, None, lambda _: 0)
        await move_requests(self._source, self._target, self._in_use, lambda _, number: number)
        async for _, names in self._target.scan_customers(range(self._in_use)):
            self._customers += len(set(names) - {NO_CUSTOMER})

    async def _positions(self) -> dict[TP, int]:
        """Return how far the stream has counted."""
        found: dict[TP, int] = {}
        for number in range(self._in_use):
            head = unheld(await self._source.read_head(number))
            found |= {TP(topic, number): at for topic, at in positions_of(head).items()}
        return found

    async def _count(self, close: int, ends: _Ends) -> None:
        options = self._options
        async with known_forgotten(self._settings, options) as forgotten:
            worker = build_worker(
                self._settings,
                broker=broker_url(self._settings.kafka_bootstrap),
                tables=self._target,
                partitions=self._mark.partitions,
                stream_id=self._mark.id,
                forgotten=forgotten,
                beside=self._counted,
                credentials=credentials(options),
            )
            self._counted.ends = await ends()
            await worker.app.start()
            try:
                await self._until_close(worker, close, ends)
            finally:
                await to_its_end(worker.app.stop)

    async def _until_close(self, worker: Worker, close: int, ends: _Ends) -> None:
        least, since = None, time.monotonic()
        while True:
            self._counted.ends = await ends()
            left = self._left(worker)
            self._tell(left)
            if left <= close:
                return
            _check_at_work(worker)
            if least is None or left < least:
                least, since = left, time.monotonic()
            elif time.monotonic() - since > _STUCK_SECONDS:
                raise CheckFailed(f"{left:,} records are left, and none was counted for {_STUCK_SECONDS:g} s")
            worker.app.batch_consumer.look_again()
            await asyncio.sleep(_LOOK_SECONDS)

    def _left(self, worker: Worker) -> int:
        """Return how many offsets are not counted yet; of a partition that is not at work yet all (count)."""
        consumer, left = worker.app.batch_consumer, 0
        for tp, end in self._counted.ends.items():
            partition = worker.stream.partitions.get(tp.partition)
            reached = None if partition is None else partition.head.positions.get(tp.topic)
            if reached is None and partition is not None:
                reached = consumer.first_position(tp)
            left += max(0, end - (reached or 0))
        return left

    async def _end(self, number: int, head: Head) -> None:
        """Store the last head of a partition, with the restatements of the stream's."""
        stored = await self._target.read_head(number)
        mine = Head(STATE_VERSION) if stored is None else decode_head(stored)
        # Restatements name the commit that they came with.
        last = msgspec.structs.replace(
            mine, commits=max(mine.commits, head.commits), positions=head.positions, topic_ids=head.topic_ids
        )
        restated: Sequence[PeriodUpdate] = ()
        if self._keeps_restatements:
            found = await self._source.restated(number, list(await self._source.restated(number)))
            restated = [
                PeriodUpdate(name, known.entries, known.revision, known.changes) for name, known in found.items()
            ]
        await self._target.commit(number, copy_commit(stored, encode_head(last), restated=restated))


def _check_at_work(worker: Worker) -> None:
    """Raise what has stopped the worker, or one of its partitions."""
    faults = [partition.fault for partition in worker.stream.partitions.values()]
    for fault in (*faults, *worker.stream.halted.values(), worker.app.crash_reason):
        if fault is not None:
            raise fault


async def check_beginning(settings: Settings, source: Tables, in_use: int) -> None:
    """Raise CheckFailed where Kafka has deleted records that the stream has counted."""
    options = client_options(settings)
    counted = [
        TP(topic, number)
        for number in range(in_use)
        for topic, at in positions_of(unheld(await source.read_head(number))).items()
        if at
    ]
    admin, consumer = AIOKafkaAdminClient(**options), AIOKafkaConsumer(**options)
    try:
        await admin.start()
        await consumer.start()
        first = await consumer.beginning_offsets(counted) if counted else {}
        committed = await admin.list_consumer_group_offsets(settings.group)
    except (KafkaError, OSError) as error:
        raise await no_kafka(settings, options, error) from error
    finally:
        await consumer.stop()
        await admin.close()
    for tp in counted:
        known = committed.get(tp)
        begun = witness_of(None if known is None else known.metadata).counted_from
        if first[tp] > max(begun, 0):
            raise CheckFailed(
                f"Kafka has deleted records of {tp.topic}, partition {tp.partition}, that the stream has counted: it "
                f"begins at offset {first[tp]:,}; build from the tables instead, without --from kafka"
            )
