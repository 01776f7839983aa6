"""The stream of a worker: a partition that halts stops nobody else, and goes on when its cause is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from kpis.counting.cells import EMPTY
from kpis.counting.rolling import ALL
from kpis.customer.facts import STATE_VERSION
from streams.errors import LogUnavailable, Lost, PositionOutOfRange, StateUnreadable, TablesUnavailable, Unavailable
from streams.metrics.meters import Meters
from streams.partition.stream import Stream
from streams.records import TP
from streams.tables import Commit, Head, Stored, encode_head
from tests.property.rolling import counts_as_of
from tests.unit.streams.partitions import MINE, PARTITIONS, SIGNUPS, Surroundings, batch, on_virtual_time, signup
from tests.unit.streams.snapshots import BOUNDARY, live_counts


class _Consumer(Surroundings):
    """A consumer that notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.halted: dict[TP, Lost] = {}
        self.waits: list[Unavailable] = []
        self.end: int | None = None

    def first_position(self, tp: TP) -> int | None:
        """Begin with the first record."""
        return 0

    def end_offset(self, tp: TP) -> int | None:
        """Return what a test says."""
        return self.end

    def waits_for(self) -> list[Unavailable]:
        """Return what a test says."""
        return self.waits

    def move_to(self, tp: TP, offset: int) -> None:
        """Read on, if the log has the offset."""
        if offset >= 7:
            self.halted.pop(tp, None)


def _stream() -> tuple[Surroundings, Stream, _Consumer]:
    consumer = _Consumer()
    return consumer, Stream(consumer.context, live=live_counts([])[1], meters=Meters()), consumer


def test_partition_that_cannot_be_read_is_halted_and_the_others_go_on() -> None:
    """Whoever took it over would end, the next one too, until nobody served any partition."""

    async def test() -> None:
        around, stream, _ = _stream()
        foreign = encode_head(Head(STATE_VERSION + 1, {SIGNUPS: 7}))
        await around.tables.commit(0, Commit(None, foreign, {}, EMPTY, {}))
        await around.tables.commit(1, Commit(None, encode_head(Head(STATE_VERSION, {SIGNUPS: 3})), {}, EMPTY, {}))
        both = frozenset({0, 1})
        assert await stream.positions(both) == {TP(SIGNUPS, 1): 3}
        assert (list(stream.partitions), list(stream.halted)) == ([1], [0])
        assert [stream.has_room(TP(SIGNUPS, number)) for number in (0, 1)] == [False, True]
        await stream.on_revoked(both)
        assert (stream.partitions, stream.halted) == ({}, {})

    on_virtual_time(test)


def test_partition_whose_tables_cannot_even_be_loaded_is_halted_and_the_others_go_on() -> None:
    """Somebody has written a key of one partition: no reason for the worker to end, and the next one after it."""

    async def test() -> None:
        around, stream, _ = _stream()
        load = around.tables.load

        async def damaged(partition: int, since: Stored | None = None) -> Stored:
            if partition == 0:
                raise StateUnreadable(0, "not ours")
            return await load(partition, since)

        around.tables.load = damaged  # type: ignore[method-assign]
        both = frozenset({0, 1})
        await stream.on_assigned(both, 1)
        await stream.positions(both)
        assert (list(stream.halted), list(stream.partitions)) == ([0], [1])
        await stream.close()

    on_virtual_time(test)


def test_a_stream_is_behind_while_more_waits_than_a_commit_holds() -> None:
    """What can wait waits for it: a load of history wants the core."""

    async def test() -> None:
        _, stream, consumer = _stream()
        await stream.on_assigned(frozenset({0}), 1)
        assert not stream.is_behind()  # it has no partition yet
        await stream.positions(frozenset({0}))
        most = stream.context.batch_max_records
        for end, behind in ((None, False), (most, False), (most + 1, True)):
            consumer.end = end
            assert stream.is_behind() is behind
        await stream.close()

    on_virtual_time(test)


def test_what_partitions_and_the_consumer_wait_for_is_named_once_each() -> None:
    """Four partitions that wait for one Redis are one thing to mend."""

    async def test() -> None:
        _, stream, consumer = _stream()
        both = frozenset({0, 1})
        await stream.on_assigned(both, 1)
        await stream.positions(both)
        for partition in stream.partitions.values():
            partition.waiting = TablesUnavailable("Redis", "NOPERM", cause="refused")
        consumer.waits = [LogUnavailable("Kafka", "reading signup", cause="refused")]
        said = ["Redis refuses us: NOPERM", "Kafka refuses us: reading signup"]
        assert [str(wait) for wait in stream.waits_for()] == said
        await stream.close()

    on_virtual_time(test)


def test_partition_whose_position_comes_back_is_no_longer_halted() -> None:
    """A Redis that was restored from an old backup is restored from the right one; reading goes on by itself."""
    _, stream, consumer = _stream()
    places = [TP(SIGNUPS, 0), TP("customer.cancel", 0)]
    for tp in places:
        consumer.halted[tp] = PositionOutOfRange(tp.topic, tp.partition, 3, 7, 9)
        stream.on_halt(consumer.halted[tp])
    stream.move_to(places[0], 8)
    assert isinstance(stream.halted[0], PositionOutOfRange)
    stream.move_to(places[1], 3)
    assert 0 in stream.halted
    stream.move_to(places[1], 7)
    assert stream.halted == {}


def test_counts_of_a_partition_in_conflict_are_shown_no_more() -> None:
    """Somebody else has written since: what was in memory is not what is stored, and might be shown for good."""

    async def test() -> None:
        _, stream, _ = _stream()
        await stream.positions(frozenset({0}))
        await asyncio.sleep(1)
        stream.partitions[0].put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        shown = (await counts_as_of(stream.live, BOUNDARY)).blocks[ALL].stock["customers_active"].tolist()
        assert (stream.live.complete([0]), shown) == (True, [1])
        stream.on_conflict(stream.partitions[0])
        snapshot = await counts_as_of(stream.live, BOUNDARY)
        assert not stream.live.complete([0])
        assert snapshot.partitions == frozenset()
        assert snapshot.blocks[ALL].stock["customers_active"].tolist() == [0]
        await stream.close()

    on_virtual_time(test)


def test_a_scrape_before_the_first_assignment_asks_the_consumer_for_nothing() -> None:
    """It is not connected yet, and knows no topics: the scrape would fail."""
    _, stream, consumer = _stream()

    def not_connected(_: str) -> int:
        raise AttributeError("planted")

    consumer.topic_partitions = not_connected  # type: ignore[attr-defined]
    assert stream.partitions_there() == PARTITIONS


def test_whoever_waits_for_records_to_be_applied_hears_that_they_will_not_be() -> None:
    """A scrape would wait for a partition that is gone, or has stopped, as long as it may."""

    async def test() -> None:
        _, stream, _ = _stream()
        await stream.positions(frozenset({0, 1}))
        ends: list[Callable[[], Awaitable[None]]] = [
            lambda: stream.on_revoked(frozenset({0})),
            lambda: _halted(stream, 1),
        ]
        for end in ends:
            number = min(stream.partitions)
            waiting = asyncio.ensure_future(stream.until_applied({TP(SIGNUPS, number): 5}))
            await asyncio.sleep(1)
            assert not waiting.done()
            await end()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert waiting.done()
        await stream.until_applied({TP(SIGNUPS, 1): 5})
        await stream.close()

    on_virtual_time(test)


async def _halted(stream: Stream, number: int) -> None:
    stream.on_halt(PositionOutOfRange(SIGNUPS, number, 3, 7, 9))


def test_partition_that_halts_for_another_reason_stays_halted() -> None:
    """What a move mends is a position."""
    _, stream, _ = _stream()
    partition: Any = SimpleNamespace(number=0, fault=ValueError("planted"))
    stream.partitions[0] = partition
    stream.on_halted(partition)
    stream.move_to(TP(SIGNUPS, 0), 8)
    assert list(stream.halted) == [0]
