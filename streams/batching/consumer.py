"""A Faust consumer that yields one batch per partition and read, and takes its positions from the owner of the tables.

What Kafka and the embedded log have in common; `streams.kafka.transport` and `streams.embedded.transport` add how to
read and to seek. The group's committed offsets are written for lag tools and as a witness; where a partition is read
from, and what halts it, is the matter of `streams.batching.locating`. Faust's bookkeeping per message (gaps,
acknowledgements, read offsets) runs once a batch, or not at all.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from faust.types import TP, ConsumerMessage, Message

from streams.batching.batches import Batch, Lease
from streams.batching.client_errors import unavailable
from streams.batching.locating import LocatingConsumer
from streams.errors import RecordsUnreadable, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from streams.packed import Records

SAID_SECONDS: Final = 60.0
"""So often the log says that the instance id is still taken."""


class Fetched(NamedTuple):
    """A read of one partition: `records` are all that the log has for us in [start, end).

    `lease` is that of the last `_place` before they were taken: where it is no longer the partition's, they are stale.
    """

    tp: TP
    start: int
    end: int
    records: Records
    lease: Lease | None


class _NeverRead(dict[TP, int | None]):
    """Faust drops messages below the offset that it delivered last, and so would undo every seek back."""

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        """Forget it."""


class BatchConsumer(LocatingConsumer):
    """The part of a consumer that knows nothing of where the records come from.

    All calls come from the application's loop. A partition is read when it is assigned, its position is known, and it
    is neither halted, nor full, nor buffered to the brim.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NeverRead()

    # -- for the rest of the product -------------------------------------

    def look_again(self) -> None:
        """Ask the owner again what there is room for; a read that waits returns."""
        self._wake()

    async def hurry(self) -> dict[TP, int]:
        """Read at once what would be read a little later, with more that comes; return where these reads end."""
        return {}

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
        return [
            error if isinstance(error, Unavailable) else unavailable(error, f"{what} of partitions")
            for (what, _), error in self._waiting.items()
        ]

    # -- what a transport adds --------------------------------------------

    @abc.abstractmethod
    async def _read(self, active: frozenset[TP], timeout_seconds: float) -> list[Fetched]:
        """Return what there is of the active partitions; wait for the first record or a wake-up, up to the time-out.

        Calls `_out_of_range` for a partition whose position the log does not have, `_unreadable` for damaged records.
        """

    @abc.abstractmethod
    def _wake(self) -> None:
        """Let a waiting read return."""

    def _unreadable(self, tp: TP, position: int, reason: str) -> None:
        """Stop reading a partition whose records cannot be read, unless it was moved meanwhile."""
        if self._next.get(tp) == position:
            self._renew(tp)
            self.owner.on_halt(RecordsUnreadable(tp.topic, tp.partition, position, reason))

    # -- reading ---------------------------------------------------------------

    def _readable(self) -> frozenset[TP]:
        stopped = self._not_read()
        located, has_room = self._next, self.owner.has_room
        return frozenset(
            tp for tp in self._active_partitions if tp in located and tp.partition not in stopped and has_room(tp)
        )

    def _not_read(self) -> set[int]:
        """Return the partitions of which some topic is halted: none of their topics is read."""
        return {tp.partition for tp in self._halted}

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
            if tp.partition in self._not_read():  # it was halted while this was read: it is read again afterwards
                self._place(tp, start, lease)
                continue
            self._next[tp] = end
            yield tp, self._message(tp, Batch(tp.topic, tp.partition, start, end, records, lease))

    def _message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        timestamp_ms = batch.records[-1].timestamp if len(batch.records) else 0
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
        return bool(offsets) and await self._commit_read(offsets)

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
