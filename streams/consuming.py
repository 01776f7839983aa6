"""A Faust consumer that yields one batch per partition and read, and takes its positions from the owner of the tables.

What Kafka and the embedded log have in common; `streams.kafka` and `streams.embedded` add how to read and to seek. The
group's committed offsets are written for lag tools and never read. Nothing is skipped over: a position that the log
does not have halts its partition. Faust's bookkeeping per message (gaps, acknowledgements, read offsets) runs once a
batch, or not at all.
"""

from __future__ import annotations

import abc
import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import structlog
from faust.transport.consumer import Consumer
from faust.types import TP, ConsumerMessage, Message

from streams.batches import Batch, Lease
from streams.ending import end_tasks
from streams.errors import PositionOutOfRange, RecordsUnreadable, TenureError, Unavailable
from streams.ownership import PartitionOwner, ReadsEverything
from streams.pausing import Pausing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from streams.records import Record

log = structlog.get_logger(__name__)
_CONFIRMATIONS: Final = 3
"""A position beyond the end is looked at this often: a new leader may not yet know how far it had confirmed."""
_CONFIRMATION_PAUSE_SECONDS: Final = 0.5

_T = TypeVar("_T")


class Range(NamedTuple):
    """The offsets that a partition of the log has: from `earliest` up to but without `end`."""

    earliest: int
    end: int


class Fetched(NamedTuple):
    """What one read brought of a partition: `records` are all that the log has for us in [start, end).

    `lease` is that of the last `_place` before they were taken: where it is no longer the partition's, they are stale.
    """

    tp: TP
    start: int
    end: int
    records: list[Record]
    lease: Lease | None


class _NeverRead(dict[TP, int | None]):
    """Faust drops messages below the offset that it delivered last, and so would undo every seek back."""

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        """Forget it."""


class BatchConsumer(Consumer):  # type: ignore[misc]  # mypy does not follow Faust
    """The part of a consumer that knows nothing of where the records come from.

    All calls come from the application's loop. A partition is read when it is assigned, its position is known, and it
    is neither halted, nor full, nor buffered to the brim.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NeverRead()
        self._next: dict[TP, int] = {}
        self._begun: dict[TP, int] = {}
        self._leases: dict[TP, Lease] = {}
        self._halted: dict[TP, Range] = {}
        self._owned: frozenset[int] | None = None
        self._locating: asyncio.Task[None] | None = None
        #: by step that is tried again and again, why it is
        self._waiting: dict[str, Exception] = {}

    # -- for the rest of the product -------------------------------------

    @property
    def owner(self) -> PartitionOwner:
        """Who keeps the positions: the application's `owner`."""
        owner: PartitionOwner | None = getattr(self.app, "owner", None)
        return owner if owner is not None else ReadsEverything()

    def move_to(self, tp: TP, offset: int) -> None:
        """Read a partition from another offset; whatever was read and not yet applied becomes stale.

        Without effect when the partition is not assigned. An offset outside of the log halts it, as at an assignment.
        """
        if tp not in self._leases:
            return
        self._halted.pop(tp, None)
        self._next[tp] = self._begun[tp] = offset
        self._committed_offset.pop(tp, None)
        self._place(tp, offset, self._renew(tp))

    def look_again(self) -> None:
        """Ask the owner again what there is room for; a read that waits returns."""
        self._wake()

    @property
    def halted(self) -> Mapping[TP, Range]:
        """The partitions whose position is outside of the log, and what the log has."""
        return self._halted

    def reading_position(self, tp: TP) -> int | None:
        """Return the next offset that will be handed to an agent; None while it is not known."""
        return self._next.get(tp)

    def first_position(self, tp: TP) -> int | None:
        """Return the offset that reading began at, since the assignment or the last move; None while unknown."""
        return self._begun.get(tp)

    @abc.abstractmethod
    def end_offset(self, tp: TP) -> int | None:
        """Return the offset after the last record that may be read, as of the latest read; None before the first."""

    @abc.abstractmethod
    def last_heartbeat_age_seconds(self) -> float:
        """Return the time since the group's coordinator last heard from us and agreed; infinite before it first did."""

    @property
    @abc.abstractmethod
    def instance_id_is_taken(self) -> bool:
        """Return whether another worker uses our instance id: it has our partitions, and we wait until it is gone."""

    def waits_for(self) -> list[Unavailable]:
        """Return what has to be mended, here or there, before reading goes on."""
        return [error for error in self._waiting.values() if isinstance(error, Unavailable)]

    # -- what a transport adds --------------------------------------------

    @abc.abstractmethod
    async def _read(self, active: frozenset[TP], timeout_seconds: float) -> list[Fetched]:
        """Return what there is of the active partitions; wait for the first record or a wake-up, up to the time-out.

        Calls `_out_of_range` for a partition whose position the log does not have, `_unreadable` for damaged records.
        """

    @abc.abstractmethod
    def _place(self, tp: TP, offset: int, lease: Lease) -> None:
        """Read on from this offset under a lease, drop what is buffered, and wake a read that waits."""

    @abc.abstractmethod
    def _wake(self) -> None:
        """Let a waiting read return."""

    @abc.abstractmethod
    async def _ranges(self, tps: Iterable[TP]) -> dict[TP, Range]:
        """Return what the log has of each partition."""

    def _may_succeed_later(self, exc: Exception) -> bool:
        return exc.retriable if isinstance(exc, TenureError) else isinstance(exc, OSError | TimeoutError)

    # -- assignment ---------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop the flow, then tell the owner; see Faust."""
        self._end_leases()
        await super().on_partitions_revoked(revoked)
        await self._disown()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Let Faust prepare its streams, and begin to look for the positions beside it: Redis may be away."""
        await self._disown()
        await super().on_partitions_assigned(assigned, generation_id)
        if self.should_stop:
            return
        self._leases = {tp: Lease(generation_id) for tp in assigned}
        self._locating = self.loop.create_task(self._until_located(frozenset(assigned), generation_id))

    async def perform_seek(self) -> None:
        """Do nothing: Faust would seek to the group's committed offsets here."""

    async def on_stop(self) -> None:
        """Give the partitions back."""
        self._end_leases()
        await self._disown()
        await super().on_stop()

    def _end_leases(self) -> None:
        for lease in self._leases.values():
            lease.valid = False
        self._leases = {}
        self._next = {}
        self._begun = {}
        self._halted = {}

    async def _disown(self) -> None:
        if self._locating is not None:
            await end_tasks([self._locating])
            self._locating = None
        if self._owned is None:
            return
        partitions, self._owned = self._owned, None
        limit_seconds = self.app.conf.broker_session_timeout
        try:
            await asyncio.wait_for(self.owner.on_revoked(partitions), timeout=limit_seconds)
        except TimeoutError:
            log.warning("partitions_given_up", partitions=sorted(partitions), limit_seconds=limit_seconds)

    async def _until_located(self, assigned: frozenset[TP], generation: int) -> None:
        try:
            await self._locate(assigned, generation)
        except Exception as exc:  # noqa: BLE001 - a task's exception is nobody's: the application must stop with it
            await self.crash(exc)

    async def _locate(self, assigned: frozenset[TP], generation: int) -> None:
        partitions = self._owned = frozenset(tp.partition for tp in assigned)
        await self._patiently("on_assigned", lambda: self.owner.on_assigned(partitions, generation))
        if not assigned:
            return
        stored = await self._patiently("positions", lambda: self.owner.positions(partitions))
        ranges = await self._patiently("ranges", lambda: self._ranges(assigned))
        doubtful: list[tuple[TP, int, Lease]] = []
        for tp in sorted(assigned):
            lease = self._leases.get(tp)
            if lease is None or tp in self._next:  # revoked meanwhile, or moved by its owner, who knew better
                continue
            earliest, end = ranges[tp]
            position = stored.get(tp, earliest)
            if earliest <= position <= end:
                self._next[tp] = self._begun[tp] = position
                self._place(tp, position, lease)
            else:
                doubtful.append((tp, position, lease))
        for tp, position, lease in doubtful:
            await self._halt_unless_found(tp, position, lease)

    async def _patiently(self, what: str, step: Callable[[], Awaitable[_T]]) -> _T:
        pausing = Pausing()
        try:
            while True:
                try:
                    return await step()
                except Exception as exc:
                    if not self._may_succeed_later(exc):
                        raise
                    self._waiting[what] = exc
                    log.warning("waiting_for_service", step=what, reason=repr(exc), pause_seconds=pausing.seconds)
                await pausing.pause()
        finally:
            self._waiting.pop(what, None)

    async def has_beginning(self, partition: int) -> bool:
        """Return whether the log still has the first record of a partition, in all its topics that are assigned."""
        tps = [tp for tp in self._leases if tp.partition == partition]
        ranges = await self._patiently("ranges", lambda: self._ranges(tps))
        return all(found.earliest == 0 for found in ranges.values())

    # -- positions outside of the log ------------------------------------------

    def _out_of_range(self, tp: TP, position: int) -> None:
        """Stop reading a partition whose position the log refused, and find out whether it is really gone."""
        lease = self._leases.get(tp)
        if lease is not None and self._next.get(tp) == position:
            del self._next[tp]
            self.add_future(self._halt_unless_found(tp, position, lease))

    async def _halt_unless_found(self, tp: TP, position: int, lease: Lease) -> None:
        """Halt the partition; but read on if the log has the position after all.

        Deleted records do not come back, so that one look is enough there; an end may still catch up.
        """
        for look in count(1):
            found = (await self._patiently("ranges", lambda: self._ranges([tp])))[tp]
            if not lease.valid:
                return
            if found.earliest <= position <= found.end:
                self._next[tp] = self._begun[tp] = position
                self._place(tp, position, lease)
                return
            if position < found.earliest or look == _CONFIRMATIONS:
                self._halt(tp, position, found)
                return
            await asyncio.sleep(_CONFIRMATION_PAUSE_SECONDS)

    def _halt(self, tp: TP, position: int, found: Range) -> None:
        self._renew(tp)
        self._halted[tp] = found
        self.owner.on_halt(PositionOutOfRange(tp.topic, tp.partition, position, *found))

    def _unreadable(self, tp: TP, position: int, reason: str) -> None:
        """Stop reading a partition whose records cannot be read, unless it was moved meanwhile."""
        if self._next.get(tp) == position:
            self._renew(tp)
            self.owner.on_halt(RecordsUnreadable(tp.topic, tp.partition, position, reason))

    def _renew(self, tp: TP) -> Lease:
        before = self._leases[tp]
        before.valid = False
        lease = self._leases[tp] = Lease(before.generation)
        return lease

    # -- reading ---------------------------------------------------------------

    def _readable(self) -> frozenset[TP]:
        stopped = {tp.partition for tp in self._halted}
        located, has_room = self._next, self.owner.has_room
        return frozenset(
            tp for tp in self._active_partitions if tp in located and tp.partition not in stopped and has_room(tp)
        )

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield one message per partition and read; its value is the Batch."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        if self.should_stop:
            return
        for tp, start, end, records, lease in await self._read(self._readable(), timeout):
            if self.should_stop or not self.flow_active:
                return  # the coming assignment begins at the stored positions
            if lease is None or lease is not self._leases.get(tp):
                continue
            if start != self._next.get(tp):
                assert tp not in self._next, f"read {tp} from {start}, expected {self._next[tp]}"
                continue
            self._next[tp] = end
            yield tp, self._message(tp, Batch(tp.topic, tp.partition, start, end, records, lease))

    def _message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        timestamp_ms = batch.records[-1].timestamp if batch.records else 0
        message = ConsumerMessage(
            tp.topic, tp.partition, batch.end - 1, timestamp_ms / 1000, 0, [], None, None, None, 0, 0, tp,
            generation_id=batch.lease.generation,
        )  # fmt: skip
        message.value = batch  # BatchSchema hands it on as it is
        return message

    def on_buffer_drop(self, tp: TP) -> None:
        """Read a partition again whose agent has caught up; Faust alone would notice a second later."""
        super().on_buffer_drop(tp)
        self._wake()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Read these partitions again, at once."""
        super().resume_partitions(tps)
        self._wake()

    async def seek(self, partition: TP, offset: int) -> None:
        """Seek as Faust asks for it."""
        self.move_to(TP(*partition), offset)

    async def _seek(self, partition: TP, offset: int) -> None:
        self.move_to(TP(*partition), offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Seek several partitions."""
        for tp, offset in partitions.items():
            self.move_to(TP(*tp), offset)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Return where we read; the group's committed offsets mean nothing here."""
        return dict(self._next)

    async def position(self, tp: TP) -> int | None:
        """Return the next offset to hand out."""
        return self._next.get(tp)

    def highwater(self, tp: TP) -> int:
        """Return the end of the partition as far as it is known."""
        return self.end_offset(tp) or 0

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the end of each partition."""
        return {tp: found.end for tp, found in (await self._ranges(partitions)).items()}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the first offset of each partition."""
        return {tp: found.earliest for tp, found in (await self._ranges(partitions)).items()}

    # -- the group's offsets, for lag tools ------------------------------------------

    async def force_commit(self, *_topics: Any, **_options: Any) -> bool:
        """Commit what agents have finished; a failure is logged and changes nothing."""
        offsets = {tp: offset for tp in list(self._acked) if (offset := self._new_offset(tp)) is not None}
        return bool(offsets) and await self._commit(offsets)

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        done = max(acked) + 1
        acked.clear()
        self._acked_index[tp].clear()
        position = self._next.get(tp)
        return None if position is None else min(done, position)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Keep no gaps: a batch carries only its last offset."""

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: Faust would call a full or idle partition stuck; lag is measured at the positions instead."""
