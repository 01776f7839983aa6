"""Runs whose log loses records that were not counted yet, or were counted in tables that are lost too.

Partitions halt then, and go on once somebody accepts the loss, as an operator does here after a while. Expected is a
recount of what the stored heads, one after another, say was counted, without what was accepted: a position that skips
a record without that makes a number wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple

from streams.partition.losses import TOPIC, AcceptedLoss, LossStore, LostRange
from streams.records import Record
from streams.tables import Head, decode_head
from tests.recount.decoding import decode
from tests.recount.records import record_of
from tests.recount.refusals import RefusedError
from tests.simulation.plan import PARTITIONS
from tests.simulation.product import Run

_LOOK_SECONDS: Final = 3.0


class _Accepted(NamedTuple):
    at_seconds: float
    partition: int
    range: LostRange


class LosingRun(Run):
    """A run with an operator who accepts every loss."""

    async def _scenario(self) -> None:
        self._accepted: list[_Accepted] = []
        #: every record that was ever in the log, by the id of its topic, partition and offset
        self._archive: dict[tuple[str, int, int], Record] = {}
        log = self.simulation.cluster.log
        append = log.append

        def archived(topic: str, *args: object, **kwargs: object) -> Record:
            record = append(topic, *args, **kwargs)  # type: ignore[arg-type]  # handed on as they come
            self._archive[log.topic_ids[topic], record.partition, record.offset] = record
            return record

        log.append = archived  # type: ignore[method-assign]
        operator = self.simulation.loop.create_task(self._accept_losses())
        await super()._scenario()
        operator.cancel()

    async def _accept_losses(self) -> None:
        losses = LossStore(self.store)
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for number in range(PARTITIONS):
                loss = await losses.waiting(number)
                if loss is None:
                    continue
                now = self.simulation.loop.time()
                self._accepted += [_Accepted(now, number, lost) for lost in loss.ranges]
                self.simulation.note("accepted", number, *(str(lost) for lost in loss.ranges))
                await losses.accept(AcceptedLoss(loss, "somebody", 0))

    async def _look_at_tables(self) -> None:
        """Compare the report with a recount of what was counted."""
        await self._compare([record.value or b"" for record in self._counted()], events=False)

    def _look_at_dead_letters(self) -> None:
        """Look at none: who can say which of the lost records would have become one."""

    def _look_at_halts(self) -> None:
        """Find that everything goes on; what was not accepted is found by `_come_to_rest`."""

    def _counted(self) -> Iterable[Record]:
        """Yield the records that stored heads say were counted, where their customers are at home."""
        for number in range(PARTITIONS):
            for topic_id, first, end in self._ranges(number):
                for offset in range(first, end):
                    record = self._archive.get((topic_id, number, offset))
                    if record is not None and self._is_at_home(record):
                        yield record

    def _ranges(self, number: int) -> list[tuple[str, int, int]]:
        """Return what the heads of a partition say was counted: topics by id, first offsets, and ends."""
        found: list[tuple[str, int, int]] = []
        before = Head(0)
        for head, at_seconds in self._heads(number):
            for topic, end in head.positions.items():
                topic_id = head.topic_ids[topic]
                same = before.topic_ids.get(topic) in (None, topic_id)
                start = before.positions.get(topic) if same else None
                if end != start:
                    found.append((topic_id, self._goes_on_at(number, topic, topic_id, start, end, at_seconds), end))
            before = head
        return found

    def _goes_on_at(
        self, number: int, topic: str, topic_id: str, start: int | None, end: int, at_seconds: float
    ) -> int:
        """Return where counting went on: where it had stopped, or behind what was accepted as lost by then."""
        for accepted in reversed(self._accepted):
            lost = accepted.range
            if accepted.at_seconds > at_seconds or (accepted.partition, lost.topic) != (number, topic):
                continue
            if lost.topic_id != topic_id or not (start or 0) <= lost.goes_on_at <= end:
                continue
            if start is None or lost.first == start or lost.lost == TOPIC:
                return lost.goes_on_at
        return start or 0

    def _heads(self, number: int) -> list[tuple[Head, float]]:
        """Return the heads that lead to the one that is stored, the first one first, and when each was stored."""
        found: list[tuple[Head, float]] = []
        at = self.store._partitions[number].head
        while at is not None:
            commit = self.store.commits[at]
            found.append((decode_head(at), commit.at_seconds))
            at = commit.expected
        return found[::-1]

    def _is_at_home(self, record: Record) -> bool:
        try:
            event = decode(record_of(record.value or b""), self.log.options)
        except RefusedError:
            return False
        log = self.simulation.cluster.log
        return log.partition_for(record.topic, event.customer_id.encode()) == record.partition
