"""Partitions that a command holds still: nothing is committed, all is readable, and nobody waits for the dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kpis.customer.facts import STATE_VERSION
from streams.copying import copy_commit, head_commit
from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed, Conflict, TablesHeld, TablesUnavailable
from streams.holding import BEAT_SECONDS, SILENCE_SECONDS, Hold, HoldWatch, is_held, unheld
from streams.partition.state import read_head
from streams.tables import Head, StreamMark, decode_head, encode_head
from tests.unit.streams.partitions import on_virtual_time

FIRST = encode_head(Head(STATE_VERSION, positions={"t": 7}))


async def one_partition() -> MemoryTables:
    """Return tables with something in partition 0."""
    tables = MemoryTables()
    await tables.mark(StreamMark("group", 2, "{}", "id"))
    await tables.commit(0, copy_commit(None, FIRST, states={"a": b"1"}))
    return tables


def on_the_clock(test: Callable[[Callable[[], float]], Coroutine[Any, Any, None]]) -> None:
    """Run a test with the clock of the simulated loop."""

    async def run() -> None:
        await test(asyncio.get_running_loop().time)

    on_virtual_time(run)


def test_a_held_partition_takes_no_commit_and_reads_as_before() -> None:
    """The numbers stay on the boards while a snapshot is taken."""

    async def test(_: Callable[[], float]) -> None:
        tables = await one_partition()
        hold = Hold(tables, "tenure snapshot")
        async with hold.beating():
            assert await hold.take(0) == FIRST
            with pytest.raises(Conflict):
                await tables.commit(0, head_commit(FIRST, b"next"))
            stored = await tables.load(0)
            assert is_held(stored.head)
            assert read_head(0, stored).positions == {"t": 7}
            with pytest.raises(TablesHeld, match="tenure snapshot holds partition 0"):
                await HoldWatch(tables).look(0, stored.head)
        assert (await tables.load(0)).head == FIRST

    on_the_clock(test)


def test_a_partition_without_anything_is_given_back_as_one_that_was_never_counted() -> None:
    """Nobody may begin it while it is held; afterwards it begins where it would have."""

    async def test(_: Callable[[], float]) -> None:
        tables = await one_partition()
        hold = Hold(tables, "tenure rebuild")
        async with hold.beating():
            assert await hold.take(1) is None
            assert await hold.take(7, if_there=True) is None
        assert decode_head((await tables.load(1)).head or b"").positions == {}
        assert (await tables.load(7)).head is None

    on_the_clock(test)


def test_a_partition_goes_on_when_nothing_was_heard_of_its_holder_and_not_before() -> None:
    """Whoever is killed while holding must not stop the stream for good; who is slow must not be overtaken."""

    async def test(clock: Callable[[], float]) -> None:
        tables = await one_partition()
        watch = HoldWatch(tables, clock)
        hold = Hold(tables, "tenure rebuild")
        async with hold.beating():
            await hold.take(0)
            for _ in range(40):
                with pytest.raises(TablesHeld):
                    await watch.look(0, (await tables.load(0)).head)
                await asyncio.sleep(SILENCE_SECONDS / 10)
            assert is_held((await tables.load(0)).head)
            hold.keep()  # as if it were killed
        for _ in range(2):
            with pytest.raises(TablesHeld):
                await watch.look(0, (await tables.load(0)).head)
            await asyncio.sleep(SILENCE_SECONDS + 2 * BEAT_SECONDS)
        await watch.look(0, (await tables.load(0)).head)
        assert (await tables.load(0)).head == FIRST

    on_the_clock(test)


def test_a_beat_that_did_not_get_through_is_not_the_last_one() -> None:
    """A Redis that fails over for a second would end a rebuild of an hour."""

    async def test(_: Callable[[], float]) -> None:
        tables = await one_partition()
        note, beats = tables.note, list[bytes]()

        async def noted(name: str, value: bytes | None) -> bytes | None:
            if value is not None:
                beats.append(value)
                if len(beats) == 3:
                    raise TablesUnavailable("Redis", "planted")
            return await note(name, value)

        tables.note = noted  # type: ignore[method-assign]
        async with Hold(tables, "tenure rebuild").beating():
            await asyncio.sleep(SILENCE_SECONDS)
        assert len(beats) > 10

    on_the_clock(test)


def test_heads_of_tables_that_were_replaced_stay_held() -> None:
    """A worker that is late would go on counting where nobody looks."""

    async def test(clock: Callable[[], float]) -> None:
        tables = await one_partition()
        watch = HoldWatch(tables, clock)
        hold = Hold(tables, "tenure rebuild")
        async with hold.beating():
            await hold.take(0)
            mark = await tables.read_mark()
            assert mark is not None
            assert await tables.switch(mark, mark._replace(generation=1))
            hold.keep()
        for _ in range(3):
            with pytest.raises(TablesHeld):
                await watch.look(0, (await tables.load(0)).head)
            await asyncio.sleep(2 * SILENCE_SECONDS)
        assert unheld((await tables.load(0)).head) == FIRST
        assert is_held((await tables.load(0)).head)

    on_the_clock(test)


def test_a_holder_that_was_overtaken_is_told_and_a_second_one_is_refused() -> None:
    """What was read since is of two instants."""

    async def test(_: Callable[[], float]) -> None:
        tables = await one_partition()
        hold = Hold(tables, "tenure rebuild")
        async with hold.beating():
            await hold.take(0)
            await hold.check()
            with pytest.raises(CheckFailed, match="tenure rebuild is at work"):
                async with Hold(tables, "tenure snapshot").beating():
                    pass
            held = (await tables.load(0)).head
            await tables.commit(0, head_commit(held, FIRST))
            with pytest.raises(CheckFailed, match="run it again"):
                await hold.check()
        assert (await tables.load(0)).head == FIRST

    on_the_clock(test)
