"""The backlog of a partition: batches that wait to be applied, by topic, taken in the order of timestamps.

The topics of a partition are read side by side, each as fast as it comes, so that a worker that catches up would apply
a month of cancels before the first week of signups. No number depends on it, but the fold's short cuts do: they want a
customer's events in order. So no topic is applied further than all others have been read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.batching.batches import Batch
from streams.packed import sizes_of, timestamps_of
from streams.partition.waiting_room import WaitingRoom

TAKEN_BYTES: Final = 16 * 1024 * 1024
"""What is taken for one commit, in memory: at most so much, or one record."""
_FOREVER: Final = np.iinfo(np.int64).max


class _Waiting(NamedTuple):
    batch: Batch
    #: by when each record and all before it in its lane were written (ms since 1970): never falling along the whole
    #: lane, although timestamps may. The lane that ends first is then taken to its end: something always is.
    written_ms: NDArray[np.int64]
    #: the same of the batch's end, also where it has no records
    reached_ms: int
    #: memory that each record takes (bytes)
    sizes: NDArray[np.int64]


class Backlog:
    """Batches of one partition that wait.

    What is handed over is taken: whoever reads asks before whether there is room, so that a topic that waits here holds
    up neither its agent nor other partitions.
    """

    def __init__(
        self,
        room: int,
        *,
        has_more: Callable[[str, int], bool],
        on_room: Callable[[], None],
        memory: WaitingRoom | None = None,
    ) -> None:
        """Start empty.

        Args:
            room: For records of one topic (count); what is on its way when it is full comes on top.
            has_more: Whether the log has more of a topic from an offset on, as far as anybody knows.
            on_room: Is called when there is room again for a topic that was asked for and was full.
            memory: Shared by all partitions of a worker; None is one of its own.
        """
        self._memory = memory or WaitingRoom()
        #: bytes that were taken and are not applied yet, by topic
        self._in_hand: Counter[str] = Counter()
        self._room = room
        self._has_more = has_more
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._records: Counter[str] = Counter()
        self._arrival = asyncio.Event()
        self._on_room = on_room

    def __len__(self) -> int:
        """Return how many batches wait (count)."""
        return sum(len(lane) for lane in self._waiting.values())

    def has_room(self, topic: str) -> bool:
        """Return whether more of a topic may be read."""
        if self._records[topic] < self._room and self._memory.has_room((self, topic)):
            return True
        # Whoever makes room tells the consumer, which then asks for all partitions: it need not be this one.
        self._memory.was_full = True
        return False

    def put(self, batch: Batch) -> None:
        """Let a batch wait."""
        lane = self._waiting.setdefault(batch.topic, deque())
        before = lane[-1].reached_ms if lane else 0
        written = np.maximum.accumulate(np.maximum(timestamps_of(batch.records), before))
        sizes = sizes_of(batch.records)
        lane.append(_Waiting(batch, written, int(written[-1]) if len(written) else before, sizes))
        self._records[batch.topic] += len(batch)
        self._memory.take((self, batch.topic), int(sizes.sum()))
        self._arrival.set()

    def clear(self) -> None:
        """Forget all that waits, and what was taken."""
        for topic, lane in self._waiting.items():
            self._in_hand[topic] += sum(int(waiting.sizes.sum()) for waiting in lane)
        self._waiting.clear()
        self._records.clear()
        self.applied()

    def applied(self) -> None:
        """Free what was taken, which is not needed any more."""
        for topic, size in self._in_hand.items():
            self._memory.leave((self, topic), size)
        self._in_hand.clear()
        self._tell_of_room()

    async def wait_for_one(self, seconds: float) -> None:
        """Wait until a batch is here.

        Raises:
            TimeoutError: None came in time.
        """
        async with asyncio.timeout(seconds):
            while not self._waiting:
                self._arrival.clear()
                await self._arrival.wait()

    async def wait_for_others(self, positions: Mapping[str, int], seconds: float) -> None:
        """Wait a little for topics of which the log has more beyond what is applied, but nothing is here."""

        def is_missing() -> bool:
            return any(t not in self._waiting and self._has_more(t, at) for t, at in positions.items())

        if not is_missing():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while is_missing():
                    self._arrival.clear()
                    await self._arrival.wait()

    def take(self, most: int) -> list[Batch]:
        """Take what was written before the end of what waits of any topic.

        What is taken counts as waiting until `applied`.

        Args:
            most: Records to take, unless more were written in one millisecond (count).

        Returns:
            Batches, the last of each topic cut where it has to be; at least one if any wait. They hold `TAKEN_BYTES`
            at most, unless a single record holds more.
        """
        until = self._written_by_all()
        everything = [waiting.written_ms for lane in self._waiting.values() for waiting in lane]
        if sum(len(written) for written in everything) > most:
            until = min(until, int(np.partition(np.concatenate(everything), most - 1)[most - 1]))
        until, left = self._within_bytes(until), TAKEN_BYTES
        taken: list[Batch] = []
        for topic, lane in self._waiting.items():
            while lane:
                batch, written, reached, sizes = lane.popleft()
                size = int(np.searchsorted(written, until, "right"))
                if int(sizes[:size].sum()) > left:  # of one millisecond: what fits of it, topic by topic
                    fitting = int(np.searchsorted(np.cumsum(sizes[:size]), left, "right"))
                    size = max(fitting, 0 if taken else 1)
                held = int(sizes[:size].sum())
                left -= held
                self._records[topic] -= size
                self._in_hand[topic] += held
                if size == len(written):
                    taken.append(batch)
                    continue
                if size:
                    first, batch = _cut(batch, size)
                    taken.append(first)
                lane.appendleft(_Waiting(batch, written[size:], reached, sizes[size:]))
                break
        self._waiting = {topic: lane for topic, lane in self._waiting.items() if lane}
        self._tell_of_room()
        assert taken or not self._waiting, "nothing is taken of what waits: the writer would try for ever"
        return taken

    def _tell_of_room(self) -> None:
        if self._memory.was_full:
            self._memory.was_full = False
            self._on_room()

    def _within_bytes(self, until: int) -> int:
        """Return a time that is not after `until`, up to which waits what one commit can hold (ms since 1970)."""
        waiting = [one for lane in self._waiting.values() for one in lane]
        if sum(int(one.sizes.sum()) for one in waiting) <= TAKEN_BYTES:
            return until
        written = np.concatenate([one.written_ms for one in waiting])
        order = np.argsort(written, kind="stable")
        fitting = int(np.searchsorted(np.cumsum(np.concatenate([one.sizes for one in waiting])[order]), TAKEN_BYTES))
        too_late = int(written[order[min(fitting, len(order) - 1)]])
        # Where the first millisecond alone holds too much, a part of it is taken.
        return min(until, too_late if too_late == int(written[order[0]]) else too_late - 1)

    def _written_by_all(self) -> int:
        """Return up to when the waiting records of all topics are complete (ms since 1970)."""
        lasts = [lane[-1] for topic, lane in self._waiting.items() if self._has_more(topic, lane[-1].batch.end)]
        return min((last.reached_ms for last in lasts), default=_FOREVER)


def _cut(batch: Batch, size: int) -> tuple[Batch, Batch]:
    """Return a batch of the first `size` records, and one of the others."""
    records, middle = batch.records, batch.records[size].offset
    topic, partition, lease = batch.topic, batch.partition, batch.lease
    return (
        Batch(topic, partition, batch.start, middle, records[:size], lease),
        Batch(topic, partition, middle, batch.end, records[size:], lease),
    )
