"""The watch over halted partitions: what it says, and what it takes for a consent."""

from __future__ import annotations

from typing import Any

from streams.errors import Lost, PositionOutOfRange, StateUnreadable
from streams.metrics.meters import Meters
from streams.partition.loss_watch import LossWatch
from streams.partition.losses import AcceptedLoss, Loss, LossStore, LostRange
from streams.partition.partition import Partition
from streams.partition.stream import Stream
from streams.records import TP
from tests.unit.streams.partitions import SIGNUPS, Surroundings, on_virtual_time
from tests.unit.streams.snapshots import live_counts

TP_0 = TP(SIGNUPS, 0)
FAULT = PositionOutOfRange(SIGNUPS, 0, 3, 7, 9)
LOSS = Loss(0, [LostRange(SIGNUPS, "records", 3, 7)], None, 5_000)


class _Consumer(Surroundings):
    """A consumer whose halted partitions go on when they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.halted: dict[TP, Lost] = {}
        self.located = True

    async def first_record_ms(self, tp: TP) -> int:
        """Return when the first record came."""
        del tp
        return 5_000

    async def go_on(self, faults: list[Lost]) -> list[Any]:
        """Go on."""
        for fault in faults:
            self.halted.pop(TP(fault.topic, fault.partition))
        return []

    def reading_position(self, tp: TP) -> int | None:
        """Return a position once it is known."""
        del tp
        return 7 if self.located else None


async def _watched() -> tuple[LossWatch, LossStore, Stream, _Consumer]:
    consumer, meters = _Consumer(), Meters()
    stream = Stream(consumer.context, live=live_counts([])[1], meters=meters)
    stored = await consumer.tables.load(0)
    stream.partitions[0] = Partition(0, consumer.context, stream, stored, meters=meters, cache=100)
    return LossWatch(stream), LossStore(consumer.tables), stream, consumer


def _halt(stream: Stream, consumer: _Consumer) -> None:
    consumer.halted[TP_0] = FAULT
    stream.on_halt(FAULT)


def test_halted_partition_says_what_is_lost_and_goes_on_once_it_is_accepted() -> None:
    """Nobody can accept what is not named, and a halted worker asks nobody else."""

    async def test() -> None:
        watch, store, stream, consumer = await _watched()
        _halt(stream, consumer)
        await watch.look()
        assert await store.waiting(0) == LOSS
        assert stream.losses(0) == [FAULT]
        await store.accept(AcceptedLoss(LOSS, "ada", 1))
        await watch.look()
        assert (consumer.halted, await store.waiting(0)) == ({}, LOSS)
        stream.halted.clear()
        await watch.look()
        assert await store.waiting(0) is None

    on_virtual_time(test)


def test_note_is_written_again_into_a_redis_that_has_lost_it() -> None:
    """The command would say that nothing waits, while the partition stands still."""

    async def test() -> None:
        watch, store, stream, consumer = await _watched()
        _halt(stream, consumer)
        await watch.look()
        await store.put_waiting(0, None)
        await watch.look()
        assert await store.waiting(0) == LOSS

    on_virtual_time(test)


def test_note_that_an_earlier_worker_left_goes_once_all_topics_are_found() -> None:
    """Somebody restored the topic; but before its positions are looked for, nobody knows that."""

    async def test() -> None:
        watch, store, _, consumer = await _watched()
        await store.put_waiting(0, LOSS)
        consumer.located = False
        await watch.look()
        assert await store.waiting(0) == LOSS
        consumer.located = True
        await watch.look()
        assert await store.waiting(0) is None

    on_virtual_time(test)


def test_partition_that_halts_for_another_reason_has_nothing_to_accept() -> None:
    """Going on over a state that cannot be read would lose what is there."""

    async def test() -> None:
        watch, store, stream, consumer = await _watched()
        stream.on_halt(StateUnreadable(0, "planted"))
        _halt(stream, consumer)
        assert stream.losses(0) == []
        await store.accept(AcceptedLoss(LOSS, "ada", 1))
        await watch.look()
        assert consumer.halted == {TP_0: FAULT}

    on_virtual_time(test)
