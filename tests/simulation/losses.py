"""Workers whose tables are lost while the log has lost its beginning: they halt, and go on once that is accepted.

And once more: what was given up is lost again where the consent is lost with the tables.

Each run is that of a seed: which partitions lose their beginning, and whether workers run meanwhile.
"""

from __future__ import annotations

import asyncio

from schemas.documents.document import plain
from schemas.instants import milliseconds
from streams.partition.losses import AcceptedLoss, LossStore
from streams.records import TP, Record
from streams.tables import decode_head
from tenure.stored.reading import report_of
from tests.property.cases import differences
from tests.recount.report import recount
from tests.simulation.plan import PARTITIONS
from tests.simulation.product import ProductWorker, Run


class LossRun(Run):
    """A run in which Redis starts empty, once the log has deleted the beginning of some partitions."""

    accept = True

    async def _scenario(self) -> None:
        await self._feed()
        await self.join()
        await self.join()
        await self._come_to_rest()
        running = self.chance.random() < 0.5
        if not running:
            for worker in self.workers:
                await worker.stop()
        self.shortened = self.chance.sample(range(PARTITIONS), self.chance.randint(1, 2))
        for number in self.shortened:
            self._delete_beginning(number)
        self.store.lose_everything()
        if not running:
            await self.join()
            await self.join()
        await self._wait_for_halts()
        if self.accept:
            await self._go_on()
            # With the tables the consent is gone too: what was given up once is a loss again.
            self.store.lose_everything()
            await self._wait_for_halts()
            await self._go_on()
        for worker in self.running():
            await worker.stop()

    def _delete_beginning(self, number: int) -> None:
        """Delete half of the longest topic of a partition."""
        log = self.simulation.cluster.log
        parts = [log.partition(TP(topic, number)) for topic in self.settings.input_topics]
        longest = max(parts, key=lambda part: part.end)
        longest.delete_before(longest.end // 2)

    def _halted(self) -> list[int]:
        streams = [
            worker.subject.worker.stream for worker in self.running() if isinstance(worker.subject, ProductWorker)
        ]
        return sorted(number for stream in streams for number in stream.halted)

    async def _wait_for_halts(self) -> None:
        """Let everything settle that can; then exactly the shortened partitions wait, and say so."""
        await asyncio.sleep(30)
        losses = LossStore(self.store)
        waiting = [number for number in range(PARTITIONS) if await losses.waiting(number) is not None]
        if not self._halted() == waiting == sorted(self.shortened):
            self.problems.append(f"halted: {self._halted()}, waiting: {waiting}, expected: {self.shortened}")
        for number in self.shortened:
            head = (await self.store.load(number)).head
            if head is not None and any(decode_head(head).positions.values()):
                self.problems.append(f"partition {number} went on: {decode_head(head).positions}")

    async def _go_on(self) -> None:
        await self._accept_all()
        await self._come_to_rest()
        await self._look_at_what_is_left()

    async def _accept_all(self) -> None:
        losses = LossStore(self.store)
        for number in self.shortened:
            loss = await losses.waiting(number)
            if loss is not None:
                await losses.accept(AcceptedLoss(loss, "somebody", 0))

    async def _look_at_what_is_left(self) -> None:
        """Compare the report with a recount of what the log still has."""
        log = self.simulation.cluster.log
        left: list[Record] = []
        for topic in self.settings.input_topics:
            for part in log.topics[topic]:
                left += part.read(part.earliest, part.end)[0]
        at = self.log.at[:1]
        expected = recount([record.value or b"" for record in left], at, self.log.options)
        found = await report_of(
            self.settings, self.store, partitions=PARTITIONS, at_ms=[milliseconds(moment) for moment in at]
        )
        for ours, right in zip(plain(found), expected, strict=True):
            del ours["events"], right["events"]
            self.problems += differences(ours, right, str(right["as_of"]))
        if self._halted():
            self.problems.append(f"still halted: {self._halted()}")


class UnacceptedRun(LossRun):
    """The same, with nobody who accepts."""

    accept = False
