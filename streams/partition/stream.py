"""The stream as a worker sees it: the partitions it owns, and what it tells of them.

Agents hand batches to `apply`; the consumer asks and tells it of assignments (`streams.batching.ownership`); partitions
tell it what they did (`streams.partition.partition`). What a partition asks of the log, it asks the consumer itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from kpis.arrays import Ints
from kpis.counting.cells import Cells
from kpis.counting.rolling import RollingCounts
from schemas.instruments import Instrument
from streams.batching.batches import Batch
from streams.batching.ownership import Held
from streams.errors import Halt, Lost, Unavailable
from streams.partition.added import note_added
from streams.partition.context import PartitionContext
from streams.partition.feeds import Feeds
from streams.partition.loading import load_whole
from streams.partition.partition import Partition, ServiceMeters
from streams.partition.result import BatchResult
from streams.records import TP
from streams.tables import Stored

log = structlog.get_logger(__name__)
_LEAST_CACHE: Final = 1000


class StreamMeters(ServiceMeters, Protocol):
    """Metrics of a worker, as far as its stream moves them."""

    def __getitem__(self, declared: Instrument) -> Any:
        """A family of `schemas.instruments`."""

    def on_assigned(self) -> None:
        """Partitions were assigned."""

    def on_committed(self, result: BatchResult) -> None:
        """A batch was committed."""

    def on_committed_between(self, seconds: float) -> None:
        """A commit between two batches took so many seconds."""

    def on_conflict(self) -> None:
        """A commit was refused."""


class CommitWatch(Protocol):
    """A follower of what commits change of partitions."""

    def on_rows(self, number: int, rows: Ints) -> None:
        """A commit of a partition has changed these rows."""

    def on_break(self, number: int) -> None:
        """The tables of a partition do not follow from its rows any more: it is reloaded, given up, or erased from."""


class Stream:
    """Implements `streams.batching.ownership.PartitionOwner` and `streams.partition.partition.Listener`."""

    def __init__(self, context: PartitionContext, *, live: RollingCounts, meters: StreamMeters) -> None:
        """Own nothing yet.

        Args:
            context: Services and limits.
            live: The rolling counts of the partitions owned.
            meters: The worker's own metrics.
        """
        self.context = context
        self.live = live
        self.meters = meters
        self.feeds = Feeds()
        self.partitions: dict[int, Partition] = {}
        self.halted: dict[int, Exception] = {}
        self.generation = -1
        #: returns the consumer that reads for this stream
        self.consumer = context.consumer
        #: set by each commit, and where a partition is given up or halted
        self._change = asyncio.Event()
        #: whom else to tell of commits
        self.on_applied: Callable[[BatchResult], None] = _unheard
        #: who follows what commits change, if anybody does
        self.watch: CommitWatch | None = None

    async def apply(self, batch: Batch) -> None:
        """Take a batch over from an agent."""
        partition = self.partitions.get(batch.partition)
        if partition is not None and not batch.stale:
            partition.put(batch)

    async def until_applied(self, ends: Mapping[TP, int]) -> None:
        """Wait until partitions that are ours are applied so far, or are given up or halted meanwhile."""
        while any(self._is_behind(tp, end) for tp, end in ends.items()):
            self._change.clear()
            await self._change.wait()

    def _is_behind(self, tp: TP, end: int) -> bool:
        partition = self.partitions.get(tp.partition)
        if partition is None or tp.partition in self.halted:
            return False
        return partition.head.positions.get(tp.topic, 0) < end

    def is_behind(self) -> bool:
        """Return whether more than one commit can hold waits in a topic of a partition that goes on."""
        consumer, most = self.consumer(), self.context.batch_max_records
        return any(
            partition.lag(topic, consumer) > most
            for partition in self.partitions.values()
            for topic in self.context.topics
        )

    async def close(self) -> None:
        """Stop all partitions."""
        await self.on_revoked(frozenset(self.partitions))

    def waits_for(self) -> list[Unavailable]:
        """Return what has to be mended before everything goes on: each service and reason once."""
        waits = [partition.waiting for partition in self.partitions.values() if partition.waiting is not None]
        waits += self.consumer().waits_for()
        return list({str(wait): wait for wait in waits}.values())

    # -- ownership

    async def on_assigned(self, partitions: frozenset[int], generation: int) -> None:
        """See `PartitionOwner`."""
        self.generation = generation
        self.meters.on_assigned()
        log.info("partitions_assigned", partitions=sorted(partitions), generation=generation)

    async def positions(self, partitions: frozenset[int]) -> Mapping[TP, int]:
        """See `PartitionOwner`: load what is stored, and begin to work; a partition that cannot be read is halted."""
        await self.on_revoked(partitions)  # of an earlier try, with what it halted
        await note_added(self.context.tables, self.context.mark, partitions)
        cache = max(_LEAST_CACHE, self.context.state_cache_customers // max(1, len(partitions)))
        loaded = {number: await self._load(number) for number in sorted(partitions)}
        await self.context.forgotten.refresh()  # after loading: whoever has written has sent their tombstones before
        found: dict[TP, int] = {}
        for number, stored in loaded.items():
            if stored is None:
                continue
            try:
                partition = Partition(number, self.context, self, stored, meters=self.meters, cache=cache)
            except Halt as fault:  # of this one: all others go on, here and wherever it is taken to
                self._halt(number, fault)
                continue
            self.partitions[number] = partition
            found |= partition.positions
            partition.start()
        return found

    async def _load(self, number: int) -> Stored | None:
        """Return what is stored of a partition; None where it cannot be trusted, and is halted."""
        try:
            return await load_whole(self.context.tables, number, self.consumer(), self.context.holds)
        except Halt as fault:
            self._halt(number, fault)
            return None

    async def on_revoked(self, partitions: frozenset[int]) -> None:
        """See `PartitionOwner`."""
        closing: list[Partition] = []
        for number in sorted(partitions & self.partitions.keys()):
            closing.append(self.partitions.pop(number))
            self.live.drop(number)
            self._tell_of_break(number)
        for number in partitions:
            self.halted.pop(number, None)
        self._change.set()
        # Given up already, all of them: whoever waits for this may lose patience half-way.
        await asyncio.gather(*(partition.close() for partition in closing))

    def partitions_there(self) -> int:
        """Return how many partitions each input topic has, as far as this worker knows (count).

        At least those of the stream's mark; more where the topics got more since the tables were begun. Nobody knows
        before the first assignment: the consumer may not be connected yet.
        """
        if self.generation < 0:
            return self.context.partitions
        consumer = self.consumer()
        return max([self.context.partitions, *(consumer.topic_partitions(topic) or 0 for topic in self.context.topics)])

    def held(self, tp: TP) -> Held | None:
        """See `PartitionOwner`."""
        partition = self.partitions.get(tp.partition)
        position = None if partition is None else partition.head.positions.get(tp.topic)
        if partition is None or position is None:
            return None
        return Held(position, partition.head.topic_ids.get(tp.topic))

    def _is_owned(self, partition: Partition) -> bool:
        """Return whether a partition is one of ours; one that is being closed may still finish what it had begun."""
        return self.partitions.get(partition.number) is partition

    def has_room(self, tp: TP) -> bool:
        """See `PartitionOwner`; a partition that is halted has none."""
        if tp.partition in self.halted:
            return False
        partition = self.partitions.get(tp.partition)
        return partition is None or partition.has_room(tp.topic)

    def is_halted(self, partition: int) -> bool:
        """See `PartitionOwner`."""
        return partition in self.halted

    def on_halt(self, fault: Halt) -> None:
        """See `PartitionOwner`."""
        before = self.halted.get(fault.partition)
        if before is None or isinstance(before, Lost):  # giving up a loss does not end a halt of another cause
            self._halt(fault.partition, fault)

    def losses(self, number: int) -> list[Lost]:
        """Return what halts a partition and can be given up; nothing where something else halts it too."""
        if not isinstance(self.halted.get(number), Lost):
            return []
        halted = self.consumer().halted
        return [halted[tp] for tp in sorted(halted) if tp.partition == number]

    async def give_up(self, losses: Sequence[Lost]) -> None:
        """Go on without what is lost: somebody has accepted it."""
        consumer = self.consumer()
        for batch in await consumer.go_on(losses):
            partition = self.partitions.get(batch.partition)
            if partition is not None:
                partition.put(batch)
            self._resume_if_found(batch.partition)

    def _halt(self, number: int, fault: Exception) -> None:
        self.halted[number] = fault
        self._change.set()
        if isinstance(fault, Halt):
            log.error("partition_halted", partition=number, advice=fault.advice)
        else:
            log.error("partition_halted", partition=number, advice="a fault of ours: report it", exc_info=fault)

    # -- what partitions tell

    def move_to(self, tp: TP, offset: int) -> None:
        """See `Listener`; a position that the log has ends a halt because of one that it did not have."""
        self.consumer().move_to(tp, offset)
        self._resume_if_found(tp.partition)

    def find_anew(self, counted: Mapping[TP, int]) -> None:
        """See `Listener`."""
        self.consumer().find_anew(counted)
        for number in {tp.partition for tp in counted}:
            self._resume_if_found(number)

    def _resume_if_found(self, number: int) -> None:
        """End the halt of a partition none of whose positions is outside of the log any more."""
        still = any(halted.partition == number for halted in self.consumer().halted)
        if not still and isinstance(self.halted.get(number), Lost):
            del self.halted[number]
            log.info("partition_resumed", partition=number)

    def on_committed(self, partition: Partition, result: BatchResult, cells: Cells) -> None:
        """See `Listener`."""
        self._change.set()
        self.meters.on_committed(result)
        self.feeds.on_committed(partition.number, result)
        self.on_applied(result)
        if self.watch is not None:
            self.watch.on_rows(partition.number, result.rows)
        self._count(partition, cells)

    def on_committed_between(self, partition: Partition, seconds: float, cells: Cells) -> None:
        """See `Listener`."""
        self.meters.on_committed_between(seconds)
        self._count(partition, cells)

    def _count(self, partition: Partition, cells: Cells) -> None:
        """Have a change of cells in the counts; those of a partition that recovers come with all others."""
        if self._is_owned(partition) and not partition.recovering:
            self.live.change(partition.number, cells)

    def on_erased(self, partition: Partition) -> None:
        """See `Listener`."""
        self._tell_of_break(partition.number)

    def _tell_of_break(self, number: int) -> None:
        if self.watch is not None:
            self.watch.on_break(number)

    def on_recovered(self, partition: Partition) -> None:
        """See `Listener`."""
        if self._is_owned(partition):
            self.live.take(partition.number, partition.names, partition.cells)

    def on_conflict(self, partition: Partition) -> None:
        """See `Listener`."""
        if self._is_owned(partition):
            self.live.drop(partition.number)
        self._tell_of_break(partition.number)
        self.meters.on_conflict()

    def on_halted(self, partition: Partition) -> None:
        """See `Listener`."""
        assert partition.fault is not None
        if not self._is_owned(partition):
            return
        self._halt(partition.number, partition.fault)


def _unheard(result: BatchResult) -> None:
    """Stand in where nobody listens."""
