"""The one writer of a partition: takes batches of all its topics, folds and commits them one commit at a time.

Positions, states, counters and names go to the tables in one step, fenced by the head that was stored last. Whoever
finds another head stored (a zombie after a rebalance, a Redis that lost its last second, a restored backup) drops
what it holds, reloads, and reads on from what is stored: one rule for all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from kpis.counting.cells import Cells, cells_of
from schemas.refusals import Reason, Refusal
from streams.backoff import Pausing
from streams.batching.batches import Batch
from streams.ending import end_tasks
from streams.errors import CommitTorn, Conflict, RecordRefused, TenureError, Unavailable
from streams.partition.added import note_added
from streams.partition.applying import Outcome, apply_records
from streams.partition.backlog import Backlog
from streams.partition.context import Applied, Listener, Writing
from streams.partition.forwarding import Forward
from streams.partition.loading import load_whole
from streams.partition.outbox import DeadLetter, Delivery
from streams.partition.state import Holdings
from streams.records import TP, Record
from streams.tables import Head, Stored, positions_of

if TYPE_CHECKING:
    from kpis.names import Names
    from streams.batching.consumer import BatchConsumer

log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_OTHERS_WAIT_SECONDS: Final = 1.0
"""A topic that has more in the log, but nothing at hand, is waited for so long at most."""
_IDLE_SECONDS: Final = 2.0
"""So soon a partition without events looks after what it has stored."""


class Partition:
    """Applies the batches of one partition while this worker owns it."""

    def __init__(self, number: int, writing: Writing, listener: Listener, stored: Stored, *, cache: int) -> None:
        """Take what is stored; `start` begins to work.

        Args:
            number: Of the partition.
            writing: Services and limits.
            listener: Whom to tell.
            stored: What the tables hold.
            cache: Customer states to keep in memory (count).
        """
        self.number = number
        self.fault: Exception | None = None
        #: the service that the next step waits for; None while nothing does
        self.waiting: Unavailable | None = None
        #: all counters are not in memory yet
        self.recovering = True
        #: Kafka's timestamp of the last record applied, by topic (ms)
        self.last_record_ms: dict[str, int] = {}
        #: Kafka's timestamp of the first record that is being applied (ms)
        self.oldest_waiting_ms: int | None = None
        self._writing = writing
        self._listener = listener
        self._cache = cache
        # Of one topic a whole commit may wait; more of it would only push what is worked on out of the caches.
        self._backlog = Backlog(
            writing.batch_max_records, has_more=self._has_more, on_room=listener.on_room, memory=writing.waiting_room
        )
        #: topics of which something was handed over
        self._begun: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._held = Holdings(number, writing, stored, cache=cache)

    @property
    def head(self) -> Head:
        """What was stored last."""
        return self._held.head

    @property
    def refused(self) -> RecordRefused | None:
        """What Kafka does not take of us, while the partition waits for somebody to change that."""
        return self.waiting if isinstance(self.waiting, RecordRefused) else None

    @property
    def names(self) -> Names:
        """The intern tables."""
        return self._held.names

    def cells(self) -> Cells:
        """Return all cells; all that are stored once the partition is not recovering any more."""
        return self._held.cells.cells()

    @property
    def cell_count(self) -> int:
        """How many cells are in memory, at most (count)."""
        return len(self._held.cells)

    @property
    def cached_states(self) -> int:
        """How many states are in memory (count)."""
        return len(self._held.states)

    @property
    def positions(self) -> dict[TP, int]:
        """Next offset to read, of the topics that have one."""
        return {TP(topic, self.number): offset for topic, offset in self.head.positions.items()}

    def lag(self, topic: str, consumer: BatchConsumer) -> int:
        """Return how many records of a topic are not applied yet, as far as the consumer knows (count)."""
        tp = TP(topic, self.number)
        end = consumer.end_offset(tp)
        position = self.head.positions.get(topic)
        if position is None:
            position = consumer.first_position(tp)
        return 0 if end is None or position is None else max(0, end - position)

    # -- for the stream

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"partition-{self.number}")

    async def close(self) -> None:
        """Stop; a commit under way may or may not come to pass, and either is right."""
        task, self._task = self._task, None
        try:
            if task is not None:
                await end_tasks([task])
        finally:
            self._backlog.clear()

    def has_room(self, topic: str) -> bool:
        """Whether more of a topic may be read; the listener hears when there is room again."""
        return self._backlog.has_room(topic)

    def put(self, batch: Batch) -> None:
        """Hand over a batch."""
        if self._task is not None and self.fault is None:
            self._begun.add(batch.topic)
            self._backlog.put(batch)

    # -- the loop

    async def _run(self) -> None:
        reason: Conflict | CommitTorn | None = None
        try:
            while True:
                try:
                    if reason is not None:
                        await self._reload(reason)
                        reason = None
                    await self._apply_next()
                except Conflict as found:
                    reason = found
                except CommitTorn as found:
                    if reason is not None:  # it cannot be counted anew
                        raise
                    reason = found
        except Exception as error:  # noqa: BLE001 - the edge: nothing may reach Faust, which would skip the batch
            self.fault = error
            self._backlog.clear()
            self._listener.on_halted(self)

    async def _apply_next(self) -> None:
        batches = await self._next_batches()
        try:
            await self._apply(batches)
        except TenureError:
            raise
        except Exception:
            # States that another writer has stored since may name what is not known here: a conflict, and no fault.
            await self._look_at_head()
            raise
        finally:
            self._backlog.applied()

    async def _look_at_head(self) -> None:
        """Raise Conflict where somebody else has committed since."""
        head = await self._until_done(lambda: self._writing.tables.read_head(self.number))
        if head != self._held.stored_head:
            raise Conflict(self.number, self.head.positions, positions_of(head))

    async def _next_batches(self) -> list[Batch]:
        """Return what waits, at least one batch; counters are loaded in between, one group a turn."""
        if self.recovering:
            await self._load_counters()
        while not self._backlog and self.recovering:
            await self._load_counters()
        while not self._backlog:
            try:
                await self._backlog.wait_for_one(_IDLE_SECONDS)
            except TimeoutError:
                # A Redis that lost its last second while nothing happens would stay behind until the next event.
                await self._look_at_head()
        begins = {topic: self._listener.reading_position(TP(topic, self.number)) for topic in self._writing.topics}
        positions = {topic: begin for topic, begin in begins.items() if begin is not None} | self.head.positions
        await self._backlog.wait_for_others(positions, _OTHERS_WAIT_SECONDS)
        return self._backlog.take(self._writing.batch_max_records)

    def _has_more(self, topic: str, offset: int) -> bool:
        """Whether the log has more of a topic, as far as the consumer knows."""
        end = self._listener.end_of(TP(topic, self.number))
        return end is not None and end > offset

    async def _load_counters(self) -> None:
        """Read the counters of one more segment; between commits, so that nothing is missed or counted twice."""
        held = self._held
        if held.unread:
            group = min(held.unread)
            held.take_group(group, await self._until_done(lambda: self._writing.tables.load_group(self.number, group)))
        if not held.unread:
            self.recovering = False
            self._listener.on_recovered(self)

    async def _reload(self, reason: Conflict | CommitTorn) -> None:
        log.warning("batch_conflict", partition=self.number, reason=str(reason))
        self.recovering = True
        self._listener.on_conflict(self)
        tables = self._writing.tables
        stored = await self._until_done(lambda: load_whole(tables, self.number, self._listener))
        if stored.head is None:  # a Redis that lost everything lost the stream's mark too
            await self._until_done(lambda: self._writing.tables.mark(self._writing.mark))
            await self._until_done(lambda: note_added(self._writing.tables, self._writing.mark, [self.number]))
        self._backlog.clear()
        self.last_record_ms.clear()
        lost, self._held = self.head, Holdings(self.number, self._writing, stored, cache=self._cache)
        gone: list[TP] = []
        for topic in self._writing.topics:
            position = self.head.positions.get(topic)
            if position is not None:
                self._listener.move_to(TP(topic, self.number), position)
            elif topic in lost.positions or topic in self._begun:
                gone.append(TP(topic, self.number))
        # Where nothing is stored any more, the log must still have all: the consumer halts if it has not.
        self._listener.find_anew(gone)

    async def _until_done(self, call: Callable[[], Awaitable[_T]], *, asks_tables: bool = True) -> _T:
        """Await a call until it succeeds: what must not be skipped waits for Redis and Kafka to come back."""
        pausing = Pausing()
        try:
            while True:
                try:
                    answer = await call()
                except Unavailable as error:
                    self.waiting = error
                    said = {"partition": self.number, "reason": str(error), "pause_seconds": pausing.seconds}
                    if isinstance(error, RecordRefused):
                        log.warning("record_refused", **said)
                    else:
                        log.warning("waiting_for_service", **said)
                    self._listener.on_waiting(error)
                    await pausing.pause()
                else:
                    if asks_tables:
                        self._listener.on_answer()
                    return answer
        finally:
            self.waiting = None

    # -- one commit

    async def _apply(self, batches: list[Batch]) -> None:
        records, positions, last_ms = self._accept(batches)
        topic_ids = self._topic_ids(positions, batches)
        if positions == self.head.positions and topic_ids == self.head.topic_ids:
            return
        self.oldest_waiting_ms = records[0].timestamp if records else None
        held, writing, began = self._held, self._writing, time.perf_counter()
        batch = await apply_records(records, self.number, writing, held, self._read_states)
        cells = cells_of(batch.rows, held.names, writing.windows)
        amounts = await self._amounts(cells)
        if batch.moved and held.restated is None:
            held.restated = await self._until_done(lambda: writing.tables.restated(self.number))
        folded = time.perf_counter()
        if batch.refused or batch.forwards:
            batch = await self._send(batch)
        commit_began = time.perf_counter()
        head = held.next_head(batch.tally, positions=positions, topic_ids=topic_ids)
        commit = held.commit(head=head, states=batch.states, cells=cells, amounts=amounts, moved=batch.moved)
        await self._until_done(lambda: writing.tables.commit(self.number, commit))
        held.committed(commit, head=head, cells=cells, amounts=amounts)
        self.last_record_ms |= last_ms
        self.oldest_waiting_ms = None
        applied = Applied(
            records=len(records),
            types=batch.types,
            refusals=[refusal for _, refusal in batch.refused],
            tests=batch.tally.tests,
            duplicates=batch.tally.duplicates,
            conflicts=batch.tally.conflicts,
            late=batch.late,
            forwarded=Counter(forward.record.topic for forward in batch.forwards),
            cache_hits=batch.cache_hits,
            cache_misses=batch.cache_misses,
            fold_seconds=folded - began,
            commit_seconds=time.perf_counter() - commit_began,
        )
        self._listener.on_committed(self, applied, cells)

    async def _send(self, batch: Outcome) -> Outcome:
        """Send dead letters and forwarded records; return the batch as it came out.

        What is too large to be forwarded becomes a dead letter of this partition, in the same commit.
        """
        topic, outbox = self._writing.dead_letter_topic, self._writing.outbox
        delivery = Delivery(
            [*(DeadLetter(record, refusal, topic) for record, refusal in batch.refused), *batch.forwards]
        )
        await self._until_done(lambda: outbox.send(delivery), asks_tables=False)
        stuck = [forward for forward in batch.forwards if any(forward is parcel for parcel in delivery.too_large)]
        if not stuck:
            return batch
        refused = [(forward.record, _oversized(forward)) for forward in stuck]
        letters = Delivery([DeadLetter(record, refusal, topic) for record, refusal in refused])
        await self._until_done(lambda: outbox.send(letters), asks_tables=False)
        return batch.with_refused(refused)

    def _accept(self, batches: Iterable[Batch]) -> tuple[list[Record], dict[str, int], dict[str, int]]:
        """Return the records that are not applied yet, and by topic the position after them and when the last came.

        A batch that begins beyond the stored position is not applied: the consumer is sent back.
        """
        records: list[Record] = []
        last_ms: dict[str, int] = {}
        positions = dict(self.head.positions)
        for batch in batches:
            position = positions.get(batch.topic, batch.start)
            if batch.moves and not batch.stale:
                positions[batch.topic] = batch.end
                continue
            if batch.stale or batch.end <= position:
                continue
            if batch.start > position:
                log.warning("batch_ahead", topic=batch.topic, partition=self.number, stored=position, start=batch.start)
                self._listener.move_to(batch.tp, position)
                continue
            fresh = batch.records
            if batch.start < position:
                fresh = [record for record in fresh if record.offset >= position]
            records += fresh
            positions[batch.topic] = batch.end
            if fresh:
                last_ms[batch.topic] = fresh[-1].timestamp
        return records, positions, last_ms

    def _topic_ids(self, positions: Mapping[str, int], batches: Iterable[Batch]) -> dict[str, str]:
        """Return the ids of the topics that positions belong to, as far as the log has ids."""
        known: dict[str, str | None] = dict(self.head.topic_ids)
        for batch in batches:
            if not batch.stale and (batch.moves or batch.topic not in known):
                known[batch.topic] = batch.lease.topic_id
        for topic in positions.keys() - known.keys():  # an earlier version stored them
            known[topic] = self._listener.topic_id(TP(topic, self.number))
        return {topic: topic_id for topic, topic_id in known.items() if topic_id is not None}

    async def _read_states(self, customers: list[str]) -> list[bytes | None]:
        return await self._until_done(lambda: self._writing.tables.read_states(self.number, customers))

    async def _amounts(self, cells: Cells) -> list[int]:
        """Return the new, absolute amounts of cells; reads those that are not in memory yet."""
        held = self._held
        known = held.cells.look_up(cells.keys)
        unknown = held.unknown(cells.keys, known)
        stored: dict[int, int] = {}
        if unknown:
            read = await self._until_done(lambda: self._writing.tables.read_cells(self.number, unknown))
            stored = dict(zip(unknown, read, strict=True))
        changes = cells.amounts.tolist()
        if not stored:
            return [(amount or 0) + change for amount, change in zip(known, changes, strict=True)]
        return [
            (stored.get(key, 0) if amount is None else amount) + change
            for key, amount, change in zip(cells.keys.tolist(), known, changes, strict=True)
        ]


def _oversized(forward: Forward) -> Refusal:
    """Return why a record that belongs to another partition could not be sent there."""
    size = len(forward.record.value or b"")
    detail = (
        f"on another partition than its customer's, and too large to be forwarded ({size:,} bytes): partition "
        f"{forward.partition} of {forward.topic} takes nothing of its size; raise max.message.bytes there, "
        "or send it with the customer's id as its key"
    )
    return Refusal(Reason.OVERSIZED, detail)
