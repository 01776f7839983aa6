"""A consumer between two assignments, on the embedded log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.records import TP
from tests.contract.logs import EmbeddedLogUnderTest, Ledger, Worker

if TYPE_CHECKING:
    from collections.abc import Mapping


class _RevokedMeanwhile(Worker):
    """Its partitions are taken away while the tables are asked where to begin."""

    async def positions(self, partitions: frozenset[int]) -> Mapping[TP, int]:
        """Answer when it is too late."""
        self.app.batch_consumer._end_leases()  # the first thing that a revocation does
        await self.ledger.changed()
        return await super().positions(partitions)


async def test_positions_that_come_after_a_revocation_place_nothing() -> None:
    """They would be taken for those of the next assignment, which may begin elsewhere."""
    log, ledger = EmbeddedLogUnderTest("revoked-meanwhile"), Ledger()
    await log.create_topic("events", 1)
    async with _RevokedMeanwhile(log, "group", ["events"], ledger) as worker:
        await ledger.until(lambda: bool(worker.asked))
        consumer = worker.app.batch_consumer
        assert consumer._locating is not None
        await consumer._locating
        assert consumer.reading_position(TP("events", 0)) is None
        assert not worker.app.should_stop
