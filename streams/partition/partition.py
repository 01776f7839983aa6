"""The one writer of a partition: takes batches of all its topics, folds and commits them one commit at a time.

Positions, states, counters and names go to the tables in one step, fenced by the head that was stored last. Whoever
finds another head stored (a zombie after a rebalance, a Redis that lost its last second, a restored backup) drops
what it holds, reloads, and reads on from what is stored: one rule for all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec
import structlog

from kpis.counting.cells import Cells, added, cells_in_steps
from kpis.customer.forgetting import subscriptions_of
from kpis.customer.pseudonyms import SUBSCRIPTIONS_LISTED, ForgetKey, ForgottenCustomer, is_pseudonym, pseudonym_of
from kpis.customer.state import decode
from kpis.fold.restatements import without_events_of
from schemas.refusals import Reason, Refusal
from schemas.tombstones import ForgetRequest, Tombstone, decode_request, encode_request
from streams.backoff import Backoff
from streams.batching.batches import Batch
from streams.errors import CommitTorn, Conflict, ForgetKeyUnfit, Halt, RecordRefused, TenureError, Unavailable
from streams.giving_way import giving_way
from streams.packed import Records, joined, within
from streams.partition.added import note_added
from streams.partition.applying import apply_records
from streams.partition.backlog import Backlog
from streams.partition.context import PartitionContext
from streams.partition.forgetting import forget, tombstone_record
from streams.partition.forwarding import Forward
from streams.partition.loading import load_whole
from streams.partition.outbox import DeadLetter, Delivery
from streams.partition.result import BatchResult
from streams.partition.state import PartitionState
from streams.records import TP
from streams.survey_schedule import forget_in_schedule
from streams.tables import NOTHING_ERASED, Erasure, Head, Restated, Stored, Under, positions_of
from streams.tasks import cancel_and_wait

if TYPE_CHECKING:
    from kpis.arrays import Ints
    from kpis.names import Names
    from streams.batching.consumer import BatchConsumer

log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_OTHERS_WAIT_SECONDS: Final = 1.0
"""A topic that has more in the log, but nothing at hand, is waited for so long at most."""
_IDLE_SECONDS: Final = 2.0
"""So soon a partition without events looks after what it has stored, and after requests to forget customers."""
_LONGEST_IDLE_SECONDS: Final = 6.0
"""The pause between two such looks grows to this: a stream at rest costs next to nothing."""
_IDLE_GROWTH: Final = 1.5
_FORGOTTEN_TOGETHER: Final = 20
"""So many customers are forgotten between two batches (count): each takes several round trips."""
_RECOVERY_SECONDS: Final = 0.1
"""So soon a partition without events that recovers looks whether it has recovered."""


class Listener(Protocol):
    """The listener of a partition: it is told what happens to it."""

    def move_to(self, tp: TP, offset: int) -> None:
        """Read on from another offset."""

    def find_anew(self, counted: Mapping[TP, int]) -> None:
        """Find out where to read on, as at an assignment: nothing is stored of these, which were counted so far."""

    def on_committed(self, partition: Partition, result: BatchResult, cells: Cells) -> None:
        """Batches were committed."""

    def on_committed_between(self, partition: Partition, seconds: float, cells: Cells) -> None:
        """A commit between two batches has changed cells; it took so many seconds."""

    def on_erased(self, partition: Partition) -> None:
        """A customer was forgotten: what was theirs is a pseudonym's now."""

    def on_recovered(self, partition: Partition) -> None:
        """All counters are in memory."""

    def on_conflict(self, partition: Partition) -> None:
        """Somebody else has committed: what was in memory is dropped."""

    def on_halted(self, partition: Partition) -> None:
        """The partition stops; `partition.fault` says why."""


class ServiceMeters(Protocol):
    """Metrics of the services that a partition needs."""

    def on_recount(self) -> None:
        """The partition is counted anew from the log, since its tables were lost."""

    def on_forgotten(self) -> None:
        """A customer was forgotten."""

    def on_waiting(self, error: TenureError) -> None:
        """A service does not answer."""

    def on_answer(self) -> None:
        """The tables answered."""


class Partition:
    """Applies the batches of one partition while this worker owns it."""

    def __init__(
        self,
        number: int,
        context: PartitionContext,
        listener: Listener,
        stored: Stored,
        *,
        meters: ServiceMeters,
        cache: int,
    ) -> None:
        """Take what is stored; `start` begins to work.

        Args:
            number: Of the partition.
            context: Services and limits.
            listener: Whom to tell.
            stored: What the tables hold.
            meters: Of the worker.
            cache: Customer states to keep in memory (count).
        """
        self.number = number
        self.fault: Exception | None = None
        #: the service that the next step waits for; None while nothing does
        self.waiting: Unavailable | None = None
        #: all counters are not in memory yet, or they lack what was counted before the tables were lost
        self.recovering = True
        self._is_recount_known = False
        #: Kafka's timestamp of the last record applied, by topic (ms)
        self.last_record_ms: dict[str, int] = {}
        #: Kafka's timestamp of the first record that is being applied (ms)
        self.oldest_waiting_ms: int | None = None
        #: requests to forget customers that wait (count)
        self.forget_requests = 0
        self._context = context
        self._listener = listener
        self._meters = meters
        self._cache = cache
        # Of one topic a whole commit may wait; more of it would only push what is worked on out of the caches.
        self._backlog = Backlog(
            context.batch_max_records,
            has_more=self._has_more,
            on_room=lambda: context.consumer().look_again(),
            memory=context.waiting_room,
        )
        #: topics of which something was handed over
        self._begun: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._held = PartitionState(number, context, stored, cache=cache)
        #: requests to forget customers are looked for from then on (seconds of the loop); at once after loading, since
        #: one may be half carried out
        self._asked_from_seconds = 0.0
        self._is_waiting_told = False
        #: hashes of those whom this writer has forgotten, since it has loaded
        self._erased: set[str] = set()

    @property
    def head(self) -> Head:
        """The head that was stored last."""
        return self._held.head

    @property
    def stored_head(self) -> bytes | None:
        """The same as it is stored; None before the first commit."""
        return self._held.stored_head

    @property
    def refused(self) -> RecordRefused | None:
        """The record that Kafka does not take of us, while the partition waits for somebody to change that."""
        return self.waiting if isinstance(self.waiting, RecordRefused) else None

    @property
    def names(self) -> Names:
        """The intern tables."""
        return self._held.names

    def cells(self) -> Iterator[Cells]:
        """Return all cells as of now, part by part; all that are stored, once the partition has recovered."""
        return self._held.cells.parts()

    @property
    def cell_count(self) -> int:
        """Return how many cells are in memory, at most (count)."""
        return len(self._held.cells)

    @property
    def cached_states(self) -> int:
        """Return how many states are in memory (count)."""
        return len(self._held.states)

    @property
    def positions(self) -> dict[TP, int]:
        """Next offset to read, of the topics that have one."""
        return {TP(topic, self.number): offset for topic, offset in self.head.positions.items()}

    @property
    def is_located(self) -> bool:
        """Return whether it is known of all topics where they are read, so that none is halted."""
        consumer = self._context.consumer()
        return all(consumer.reading_position(TP(topic, self.number)) is not None for topic in self._context.topics)

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
                await cancel_and_wait([task])
        finally:
            self._backlog.clear()

    def has_room(self, topic: str) -> bool:
        """Return whether more of a topic may be read; the listener hears when there is room again."""
        limit = self._limit(topic)
        return self._backlog.has_room(topic) and (limit is None or self.head.positions.get(topic, 0) < limit)

    def _limit(self, topic: str) -> int | None:
        until = self._context.until
        return None if until is None else until(TP(topic, self.number))

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

    @property
    def _under(self) -> Under:
        """The head that all must be of which is read here.

        A zombie would else read what its successor has stored; and were Redis to lose that before the zombie commits,
        nobody would refuse the commit.
        """
        return Under(self._held.stored_head)

    async def _look_at_head(self) -> None:
        """Raise Conflict where somebody else has committed since."""
        head = await self._until_done(lambda: self._context.tables.read_head(self.number))
        if head != self._held.stored_head:
            raise Conflict(self.number, self.head.positions, positions_of(head))

    async def _next_batches(self) -> list[Batch]:
        """Return what waits, at least one batch; counters are loaded in between, one group a turn."""
        await self._forget_as_asked()
        if self._held.unread:
            await self._load_counters()
        while not self._backlog and self._held.unread:
            await self._load_counters()
        self._end_recovery()
        pause_seconds = _IDLE_SECONDS
        while not self._backlog:
            try:
                await self._backlog.wait_for_one(_RECOVERY_SECONDS if self.recovering else pause_seconds)
            except TimeoutError:
                if not self.recovering:
                    # A Redis that lost its last second while nothing happens would stay behind until the next event.
                    await self._look_at_head()
                    await self._write_all()
                    pause_seconds = min(_IDLE_GROWTH * pause_seconds, _LONGEST_IDLE_SECONDS)
                await self._forget_as_asked()
                if self.forget_requests:
                    pause_seconds = _IDLE_SECONDS
                self._end_recovery()
        consumer, topics = self._context.consumer(), self._context.topics
        begins = {topic: consumer.reading_position(TP(topic, self.number)) for topic in topics}
        positions = {topic: begin for topic, begin in begins.items() if begin is not None} | self.head.positions
        await self._backlog.wait_for_others(positions, _OTHERS_WAIT_SECONDS)
        if self.recovering and self._is_counted_again():
            self._note_recount()  # it may be over with these
        return self._backlog.take(self._context.batch_max_records)

    def _has_more(self, topic: str, offset: int) -> bool:
        """Return whether the log has more of a topic, as far as the consumer knows."""
        end, limit = self._context.consumer().end_offset(TP(topic, self.number)), self._limit(topic)
        return end is not None and (end if limit is None else min(end, limit)) > offset

    async def _load_counters(self) -> None:
        """Read the counters of one more segment; between commits, so that nothing is missed or counted twice."""
        held = self._held
        group = min(held.unread)
        held.take_group(
            group,
            await self._until_done(lambda: self._context.tables.read_group(self.number, group, under=self._under)),
        )

    def _end_recovery(self) -> None:
        """Tell that the counters are whole, once they are: loaded, and without a gap that is counted again."""
        if not self.recovering or self._held.unread:
            return
        if self._is_counted_again():
            self._note_recount()
        else:
            self.recovering = self._is_recount_known = False
            self._listener.on_recovered(self)

    def _note_recount(self) -> None:
        """Tell, once it is known where reading goes on, that what was counted before is counted again."""
        if not self._is_recount_known and self.is_located:
            self._is_recount_known = True
            self._meters.on_recount()

    def _is_counted_again(self) -> bool:
        consumer, positions = self._context.consumer(), self.head.positions
        return any(
            consumer.is_counted_again(TP(topic, self.number), positions.get(topic)) for topic in self._context.topics
        )

    async def _reload(self, reason: Conflict | CommitTorn) -> None:
        log.warning("batch_conflict", partition=self.number, reason=str(reason))
        self.recovering = True
        self._listener.on_conflict(self)
        tables, consumer = self._context.tables, self._context.consumer()
        stored = await self._until_done(lambda: load_whole(tables, self.number, consumer, self._context.holds))
        if stored.head is None:  # a Redis that lost everything lost the stream's mark too
            await self._until_done(lambda: self._context.tables.mark(self._context.mark))
            await self._until_done(lambda: note_added(self._context.tables, self._context.mark, [self.number]))
        await self._learn_tombstones()  # after loading: whoever has written has sent theirs before
        self._asked_from_seconds = 0.0
        self._erased.clear()
        self._backlog.clear()
        self.last_record_ms.clear()
        lost, self._held = self.head, PartitionState(self.number, self._context, stored, cache=self._cache)
        gone: dict[TP, int] = {}
        for topic in self._context.topics:
            position = self.head.positions.get(topic)
            if position is not None:
                self._listener.move_to(TP(topic, self.number), position)
            elif topic in lost.positions or topic in self._begun:
                gone[TP(topic, self.number)] = lost.positions.get(topic, 0)
        # Where nothing is stored any more, the log must still have all: the consumer halts if it has not.
        self._listener.find_anew(gone)

    async def _until_done(self, call: Callable[[], Awaitable[_T]], *, asks_tables: bool = True) -> _T:
        """Await a call until it succeeds: what must not be skipped waits for Redis and Kafka to come back."""
        backoff = Backoff()
        try:
            while True:
                try:
                    answer = await call()
                except Unavailable as error:
                    self.waiting = error
                    said = {"partition": self.number, "reason": str(error), "pause_seconds": backoff.seconds}
                    if isinstance(error, RecordRefused):
                        log.warning("record_refused", **said)
                    else:
                        log.warning("waiting_for_service", **said)
                    self._meters.on_waiting(error)
                    await backoff.pause()
                else:
                    if asks_tables:
                        self._meters.on_answer()
                    return answer
        finally:
            self.waiting = None

    # -- one commit

    async def _apply(self, batches: list[Batch]) -> None:
        records, positions, last_ms = self._accept(batches)
        topic_ids = self._topic_ids(positions, batches)
        if positions == self.head.positions and topic_ids == self.head.topic_ids:
            return
        self.oldest_waiting_ms = records[0].timestamp if len(records) else None
        held, context, began = self._held, self._context, time.perf_counter()
        result = await apply_records(records, self.number, context, held, self._read_states)
        cells = await giving_way(cells_in_steps(result.rows, held.names, context.windows))
        amounts = await self._amounts(cells)
        if context.until is not None:
            result.moved = []  # they are taken over from the stream, which has them one by one
        if result.moved:
            await self._restated()
        result.fold_seconds = time.perf_counter() - began
        if result.refused or result.forwards:
            await self._send(result)
        await self._commit(result, cells, amounts, positions=positions, topic_ids=topic_ids)
        self.last_record_ms |= last_ms
        self.oldest_waiting_ms = None
        self._listener.on_committed(self, result, cells)

    async def _commit_between(self, result: BatchResult, erasure: Erasure) -> None:
        """Commit what is no batch's: positions stay, and the head is the next one."""
        head = self.head
        cells = await giving_way(cells_in_steps(result.rows, self.names, self._context.windows))
        amounts = await self._amounts(cells)
        await self._commit(
            result, cells, amounts, positions=head.positions, topic_ids=head.topic_ids, erasure=erasure, through=True
        )
        self._listener.on_committed_between(self, result.commit_seconds, cells)

    async def _write_all(self) -> None:
        """Write all that the redo log holds to its place: whoever reads a stream at rest has no log to read."""
        if self._held.unwritten.any:
            await self._commit_between(BatchResult(), NOTHING_ERASED)

    async def _commit(
        self, result: BatchResult, cells: Cells, amounts: Ints, *, positions: dict[str, int],
        topic_ids: dict[str, str], erasure: Erasure = NOTHING_ERASED, through: bool = False,
    ) -> None:  # fmt: skip
        """Store what a result changes, and bring what is in memory in line with it.

        `through` has its states written to their places at once, with all that the redo log holds.
        """
        held, began = self._held, time.perf_counter()
        through = through or held.unwritten.is_too_large(result.states)
        head = held.next_head(result, positions=positions, topic_ids=topic_ids)
        cut = held.cut_redo(result.states, cells, through=through)
        await self._read_spans(held.unread_of(cut.spans))
        commit = held.commit(
            head=head, states=result.states, cells=cells, amounts=amounts, moved=result.moved, erasure=erasure,
            cut=cut, through=through,
        )  # fmt: skip
        await self._until_done(lambda: self._context.tables.commit(self.number, commit))
        held.committed(commit, head=head, cells=cells, amounts=amounts)
        result.commit_seconds = time.perf_counter() - began

    # -- forgetting, see `streams.partition.forgetting`

    async def _forget_as_asked(self) -> None:
        """Carry out what requests to forget customers ask for; looks for them every _IDLE_SECONDS at most."""
        now_seconds = asyncio.get_running_loop().time()
        if now_seconds < self._asked_from_seconds:
            return
        stored = await self._until_done(lambda: self._context.tables.forget_requests(self.number))
        requests = {customer_id: decode_request(request) for customer_id, request in sorted(stored.items())}
        self.forget_requests = len(requests)
        begun = [customer_id for customer_id, request in requests.items() if request.tombstone is not None]
        waiting = [
            customer_id for customer_id, request in requests.items()
            if request.tombstone is None and self._can_forget(request)
        ]  # fmt: skip
        if len(begun) + len(waiting) < len(requests):
            self._tell_of_another_key()
        for customer_id in [*begun, *waiting[:_FORGOTTEN_TOGETHER]]:
            await self._forget(customer_id, requests[customer_id])
            self.forget_requests -= 1
        await self._forget_who_was_forgotten()
        if len(waiting) <= _FORGOTTEN_TOGETHER:
            self._asked_from_seconds = now_seconds + _IDLE_SECONDS

    async def _forget_who_was_forgotten(self) -> None:
        """Forget whose tombstone is there and whose state is too: of another stream, or of a Redis as it was earlier.

        Others of this stream look after their own partitions, so that hardly ever anybody is looked for.
        """
        held, forgotten, key = self._held, self._context.forgotten, self._context.forgotten.key
        end = forgotten.end  # others may be read meanwhile
        if held.stored_head is not None and key is not None:
            wanted = {
                hashed
                for hashed, tombstone in forgotten.since(held.tombstones).items()
                if tombstone.stream != self._context.mark.id
                or tombstone.partition == self.number
                or self._context.tables.generation  # partitions may have had other numbers
            } - self._erased
            for customer_id in await self._until_done(lambda: self._found(wanted, key)) if wanted else ():
                await self._forget(customer_id, ForgetRequest(0, key.check))
        held.tombstones = end

    async def _found(self, wanted: Collection[str], key: ForgetKey) -> list[str]:
        """Return the customers of this partition whose hash is wanted."""
        return [
            customer_id
            async for _, customers in self._context.tables.scan_customers([self.number])
            for customer_id in customers
            if not is_pseudonym(customer_id) and key.hash_of(customer_id) in wanted
        ]

    def _can_forget(self, request: ForgetRequest) -> bool:
        """Return whether a request was made with our key."""
        key = self._context.forgotten.key
        return key is not None and key.check == request.check

    def _tell_of_another_key(self) -> None:
        if not self._is_waiting_told:
            self._is_waiting_told = True
            advice = "a customer is to be forgotten under a key that this worker does not have: set TENURE_FORGET_KEY"
            log.warning("forget_request_waits", partition=self.number, advice=advice)

    async def _forget(self, customer_id: str, request: ForgetRequest) -> None:
        context, held = self._context, self._held
        key = context.forgotten.key
        if key is None or not self._can_forget(request):  # half carried out: going on would count what is left out
            raise Halt(self.number, str(ForgetKeyUnfit(known=key is not None)))
        await self._learn_tombstones()
        who = context.forgotten.find(customer_id)
        state, of_pseudonym = await self._read_states([customer_id, pseudonym_of(key.hash_of(customer_id))])
        if who is None:
            who = await self._bury(customer_id, state, request, key)
        await self._until_done(lambda: forget_in_schedule(context.tables, self.number, customer_id, context.holds))
        erasure = Erasure(requests={customer_id: None})
        result = BatchResult()
        if state is not None:
            result.states, result.rows = forget(held.fold, who, state, of_pseudonym)
            erasure = erasure._replace(gone=[customer_id], relisted=await self._unnamed(state))
        await self._commit_between(result, erasure)
        self._erased.add(key.hash_of(customer_id))
        self._meters.on_forgotten()
        self._listener.on_erased(self)
        log.info("customer_forgotten", partition=self.number)

    async def _unnamed(self, state: bytes) -> dict[str, list[bytes]]:
        """Return the restatements of the periods in which events of a customer are named, without their names."""
        tables, customer = self._context.tables, decode(state)
        found: dict[str, list[bytes]] = {}
        for period in await self._restated():
            # A period may have a thousand of them: others have their turn while the next ones are read.
            known = await self._until_done(partial(tables.restatements, self.number, period, under=self._under))
            left = without_events_of(customer, known, self.names, bucket_ms=self._context.windows.bucket_ms)
            if left != known:
                found[period] = left
        return found

    async def _restated(self) -> dict[str, Restated]:
        """Return the restatements of periods, without their entries; they are read once."""
        held = self._held
        if held.restated is None:
            held.restated = await self._until_done(
                lambda: self._context.tables.restated(self.number, under=self._under)
            )
        return held.restated

    async def _bury(
        self, customer_id: str, state: bytes | None, request: ForgetRequest, key: ForgetKey
    ) -> ForgottenCustomer:
        """Decide on a tombstone, for good, and send it; return once the log has it."""
        context = self._context
        tombstone = request.tombstone
        if tombstone is None:
            subscriptions = [] if state is None else subscriptions_of(decode(state))[:SUBSCRIPTIONS_LISTED]
            tombstone = Tombstone(
                at_ms=max(request.asked_ms, self.head.latest_record_ms),  # all that was applied is not later
                subscriptions=[key.subscription_hash(customer_id, each) for each in subscriptions],
                check=key.check,
                stream=context.mark.id,
                partition=self.number,
            )
            decision = encode_request(msgspec.structs.replace(request, tombstone=tombstone))
            await self._commit_between(BatchResult(), Erasure(requests={customer_id: decision}))
        hashed = key.hash_of(customer_id)
        delivery = Delivery([tombstone_record(context.forgotten_topic, hashed, tombstone)])
        await self._until_done(lambda: context.outbox.send(delivery), asks_tables=False)
        context.forgotten.note(hashed, tombstone)
        return ForgottenCustomer(key, customer_id, tombstone)

    async def _learn_tombstones(self) -> None:
        try:
            await self._until_done(self._context.forgotten.refresh, asks_tables=False)
        except ForgetKeyUnfit as fault:
            raise Halt(self.number, str(fault)) from fault

    async def _send(self, result: BatchResult) -> None:
        """Send dead letters and forwarded records.

        What is too large to be forwarded becomes a dead letter of this partition, in the same commit.
        """
        topic, outbox = self._context.dead_letter_topic, self._context.outbox
        letters = [DeadLetter(record, refusal, topic) for record, refusal in result.refused]
        delivery = Delivery([*letters, *result.forwards])
        await self._until_done(lambda: outbox.send(delivery), asks_tables=False)
        stuck = [forward for forward in result.forwards if any(forward is parcel for parcel in delivery.too_large)]
        if not stuck:
            return
        refused = [(forward.record, _oversized(forward)) for forward in stuck]
        more = Delivery([DeadLetter(record, refusal, topic) for record, refusal in refused])
        await self._until_done(lambda: outbox.send(more), asks_tables=False)
        result.refuse(stuck, refused)

    def _accept(self, batches: Iterable[Batch]) -> tuple[Records, dict[str, int], dict[str, int]]:
        """Return the records that are not applied yet, and by topic the position after them and when the last came.

        A batch that begins beyond the stored position is not applied: the consumer is sent back.
        """
        parts: list[Records] = []
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
            limit = self._limit(batch.topic)
            end = batch.end if limit is None else max(position, min(batch.end, limit))
            if end < batch.end:
                self._listener.move_to(batch.tp, end)  # it is read again once the limit is beyond it
            fresh = batch.records
            if batch.start < position or end < batch.end:
                fresh = within(fresh, position, end)
            parts.append(fresh)
            positions[batch.topic] = end
            if len(fresh):
                last_ms[batch.topic] = fresh[-1].timestamp
        return joined(parts), positions, last_ms

    def _topic_ids(self, positions: Mapping[str, int], batches: Iterable[Batch]) -> dict[str, str]:
        """Return the ids of the topics that positions belong to, as far as the log has ids."""
        known: dict[str, str | None] = dict(self.head.topic_ids)
        for batch in batches:
            if not batch.stale and (batch.moves or batch.topic not in known):
                known[batch.topic] = batch.lease.topic_id
        for topic in positions.keys() - known.keys():  # an earlier version stored them
            known[topic] = self._context.consumer().topic_id(TP(topic, self.number))
        return {topic: topic_id for topic, topic_id in known.items() if topic_id is not None}

    async def _read_states(self, customers: list[str]) -> list[bytes | None]:
        """Return stored states: of the redo log, which is known, or of their places."""
        newer = self._held.unwritten.states
        others = [customer for customer in customers if customer not in newer]
        read = (
            await self._until_done(lambda: self._context.tables.read_written(self.number, others, under=self._under))
            if others
            else []
        )
        written = dict(zip(others, read, strict=True))
        return [newer[customer] if customer in newer else written[customer] for customer in customers]

    async def _amounts(self, cells: Cells) -> Ints:
        """Return the new, absolute amounts of cells; reads those that are not in memory yet."""
        held = self._held
        known = held.cells.look_up(cells.keys)
        unknown = held.unknown(cells.keys, known)
        if unknown:
            await self._read_spans(unknown)
            known = held.cells.look_up(cells.keys)
        return added(known.amounts, cells.amounts)

    async def _read_spans(self, spans: list[int]) -> None:
        """Have all cells of spans in memory."""
        if spans:
            tables = self._context.tables
            self._held.take_spans(
                spans, await self._until_done(lambda: tables.read_spans(self.number, spans, under=self._under))
            )


def _oversized(forward: Forward) -> Refusal:
    """Return why a record that belongs to another partition could not be sent there."""
    size = len(forward.record.value or b"")
    detail = (
        f"on another partition than its customer's, and too large to be forwarded ({size:,} bytes): partition "
        f"{forward.partition} of {forward.topic} takes nothing of its size; raise max.message.bytes there, "
        "or send it with the customer's id as its key"
    )
    return Refusal(Reason.OVERSIZED, detail)
