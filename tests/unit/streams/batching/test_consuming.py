"""A consumer between two assignments, on the embedded log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.records import TP
from tests.contract.logs import EmbeddedLogUnderTest, Ledger, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.batching.consumer import BatchConsumer


EVENTS = TP("events", 0)


class _Slow(Worker):
    """Something happens while its tables are asked where to begin."""

    meanwhile: Callable[[BatchConsumer], None]

    async def positions(self, partitions: frozenset[int]) -> Mapping[TP, int]:
        """Answer when it has happened."""
        self.meanwhile(self.app.batch_consumer)
        await self.ledger.changed()
        return await super().positions(partitions)


async def _position_after(meanwhile: Callable[[BatchConsumer], None]) -> int | None:
    """Return where a partition is read whose tables say 2, of 9 records."""
    log, ledger = EmbeddedLogUnderTest("meanwhile"), Ledger()
    await log.create_topic(EVENTS.topic, 1)
    await log.append(EVENTS.topic, [b"x"] * 9)
    ledger.positions[EVENTS] = 2
    worker = _Slow(log, "group", [EVENTS.topic], ledger)
    worker.meanwhile = meanwhile
    worker.full.add(EVENTS)
    async with worker:
        consumer = worker.app.batch_consumer
        await ledger.until(lambda: bool(worker.asked))
        assert consumer._locating is not None
        await consumer._locating
        assert not worker.app.should_stop
        return consumer.reading_position(EVENTS)


async def test_positions_that_come_after_a_revocation_place_nothing() -> None:
    """They would be taken for those of the next assignment, which may begin elsewhere."""
    # Ended leases are the first thing that a revocation brings.
    assert await _position_after(lambda consumer: consumer._end_leases()) is None


async def test_positions_that_come_after_a_move_do_not_undo_it() -> None:
    """Another writer has committed since they were read; what is being read from there would not fit."""
    assert await _position_after(lambda consumer: consumer.move_to(EVENTS, 5)) == 5
