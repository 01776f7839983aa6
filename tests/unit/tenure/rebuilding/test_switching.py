"""New tables in the place of others: by one command alone, and to the end, whoever is killed and whatever is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest

from schemas.documents.rebuilding import PastRebuild, Rebuilding
from streams.batching.partitioner import partition_of
from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed, Superseded, TablesUnavailable
from streams.holding import is_held
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.files.replay import replayed
from tenure.rebuilding import rebuild as module
from tenure.rebuilding.rebuild import Wish, rebuild
from tenure.stored.switching import REBUILDS, TablesSwitch, finish_switch, note_switch, unfinished_switch
from tenure.worker.switch_watch import SwitchWatch
from tests.unit.streams.partitions import on_virtual_time

GOLDEN: Final = Path(__file__).parents[4] / "docs" / "examples" / "golden.ndjson"
SETTINGS: Final = Settings()
WISH: Final = Wish("tables", None, True, False, "ann", "to see")
WIDER: Final = WISH._replace(partitions=8)
MARK: Final = StreamMark(SETTINGS.group, 4, SETTINGS.fingerprint(), "id")


class _Killed(BaseException):
    """A SIGKILL, as far as a test can be killed."""


def opened_by(tables: MemoryTables) -> MemoryTables:
    """Return the tables as another process opens them."""
    found = MemoryTables()
    found._shared = tables._shared
    return found


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> MemoryTables:
    """The tables of a stream with the published example, which commands open; all topics are as wide as wished."""
    tables = asyncio.run(replayed(str(GOLDEN), SETTINGS)).tables
    assert isinstance(tables, MemoryTables)
    asyncio.run(tables.mark(MARK))

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark | None]]:
        mine = opened_by(tables)
        yield mine, await mine.read_mark()

    async def wide_enough(*_: object) -> None:
        """All topics are."""

    monkeypatch.setattr(module, "open_tables", opened)
    monkeypatch.setattr(module, "_check_topics", wide_enough)
    return tables


async def run(wish: Wish = WISH) -> Rebuilding:
    """Run the command."""
    return await rebuild(SETTINGS, wish, lambda _: None)


def customers(tables: MemoryTables, generation: int) -> set[str]:
    """Return who has a state in a generation."""
    there = tables.beside(generation)
    return {name for number in range(8) for name in there.states(number)}


def test_command_that_waited_for_another_does_not_touch_the_tables_which_that_has_put_in_place(
    stream: MemoryTables,
) -> None:
    """Both had planned the same generation; the second would have begun by emptying it."""

    async def test() -> None:
        everybody = customers(stream, 0)
        await stream.note("hold", b"somebody 1 tenure snapshot")  # long ago: whoever comes waits a moment
        later = asyncio.create_task(run())
        await asyncio.sleep(0.1)
        await stream.note("hold", b"")
        assert (await run()).outcome == "switched"
        await stream.note("hold", b"somebody 1 tenure snapshot")
        with pytest.raises(Superseded, match="generation 1"):
            await later
        assert customers(stream, 1) == everybody
        assert (await opened_by(stream).read_mark() or MARK).generation == 1

    on_virtual_time(test)


def test_of_two_commands_that_begin_at_once_one_puts_its_tables_in_place(stream: MemoryTables) -> None:
    """Neither sees a note of the other before it leaves its own."""

    async def test() -> None:
        everybody = customers(stream, 0)
        outcomes = await asyncio.gather(run(), run(), return_exceptions=True)
        assert [each.outcome for each in outcomes if isinstance(each, Rebuilding)] == ["switched"]
        assert [type(each) for each in outcomes if isinstance(each, Exception)] in ([CheckFailed], [Superseded])
        assert customers(stream, 1) == everybody

    on_virtual_time(test)


async def killed_behind_the_switch(stream: MemoryTables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a rebuild killed as soon as the mark names its tables; then somebody asks the old ones to forget `c`."""

    async def killed(tables: MemoryTables) -> None:
        if await unfinished_switch(tables):
            raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(module, "finish_switch", killed)
        with pytest.raises(_Killed):
            await run(WIDER)
    await stream.beside(0).ask_to_forget(1, "c", b"request")
    assert customers(stream, 0)


async def assert_finished(stream: MemoryTables, generation: int) -> None:
    """Assert that nothing is left of the first generation but held heads, and nothing was lost."""
    old = stream.beside(0)
    assert not customers(stream, 0)
    for number in range(4):
        assert is_held(await old.read_head(number))
    home = partition_of(b"c", 8)
    assert await stream.beside(generation).forget_requests(home) == {"c": b"request"}
    first, *_ = [msgspec.json.decode(each, type=PastRebuild) for each in await stream.entries(REBUILDS)]
    assert (first.partitions_before, first.partitions, first.by) == (4, 8, "ann")
    assert await unfinished_switch(stream) is None


def test_switch_whose_command_was_killed_is_finished_by_a_worker_that_starts(
    stream: MemoryTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old tables would lie there for good, and somebody who asked to be erased would not be."""

    async def test() -> None:
        await killed_behind_the_switch(stream, monkeypatch)
        owned: set[int] = set()
        watch = asyncio.create_task(SwitchWatch(opened_by(stream), lambda: owned).run())
        await asyncio.sleep(60)
        assert customers(stream, 0), "another worker has partition 0"
        owned.add(0)
        await watch
        await assert_finished(stream, 1)
        await finish_switch(stream)  # once more changes nothing
        assert len(await stream.entries(REBUILDS)) == 1

    on_virtual_time(test)


def test_switch_whose_command_was_killed_is_finished_by_the_next_rebuild(
    stream: MemoryTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command alone may run before any worker does."""

    async def test() -> None:
        await killed_behind_the_switch(stream, monkeypatch)
        assert (await run(WIDER)).outcome == "switched"
        await assert_finished(stream, 2)
        assert len(await stream.entries(REBUILDS)) == 2

    on_virtual_time(test)


def test_old_heads_stay_held_when_the_answer_to_the_switch_is_lost(
    stream: MemoryTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that has not noticed yet would go on counting where nobody looks."""
    switch = MemoryTables.switch

    async def unanswered(tables: MemoryTables, expected: StreamMark, mark: StreamMark) -> bool:
        assert await switch(tables, expected, mark)
        raise TablesUnavailable("Redis", "the connection was lost")

    async def test() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(MemoryTables, "switch", unanswered)
            with pytest.raises(TablesUnavailable):
                await run(WIDER)
        for number in range(4):
            assert is_held(await stream.beside(0).read_head(number))
        await stream.beside(0).ask_to_forget(1, "c", b"request")
        await SwitchWatch(opened_by(stream), lambda: {0}).run()
        await assert_finished(stream, 1)

    on_virtual_time(test)


@pytest.mark.parametrize("has_hold", [True, False], ids=["with the hold", "without it"])
def test_old_tables_stay_where_a_replica_takes_over_that_has_not_seen_the_switch(
    stream: MemoryTables, monkeypatch: pytest.MonkeyPatch, has_hold: bool
) -> None:
    """They count again then: removed, all of their customers would be gone, and their positions would hide it."""

    async def test() -> None:
        everybody = customers(stream, 0)
        heads = {number: (await stream.load(number)).head for number in range(4)}
        requests = MemoryTables.forget_requests

        async def fail_over(self: MemoryTables, partition: int) -> dict[str, bytes]:
            if (await opened_by(stream).read_mark() or MARK).generation == 1:
                stream._shared.mark = MARK
                for number in () if has_hold else range(4):
                    stream._partitions[number].head = heads[number]
            return await requests(self, partition)

        monkeypatch.setattr(MemoryTables, "forget_requests", fail_over)
        assert (await run(WISH)).outcome == "switched"
        assert customers(stream, 0) == everybody

    on_virtual_time(test)


def test_tables_without_the_hold_are_not_removed(stream: MemoryTables) -> None:
    """Whoever has unwrapped their heads goes on with them."""

    async def test() -> None:
        everybody = customers(stream, 0)
        await note_switch(stream, TablesSwitch(0, 4, 4, 4, b"{}"))
        assert await stream.switch(MARK, MARK._replace(generation=1))
        await finish_switch(opened_by(stream))
        assert customers(stream, 0) == everybody

    on_virtual_time(test)


def test_switch_that_was_not_made_leaves_the_note_of_another_that_was(stream: MemoryTables) -> None:
    """A command that had stood still would have its own entry in the log of rebuilds, and the other's would be lost."""

    async def test() -> None:
        other = TablesSwitch(0, 4, 4, 8, b"other")
        await note_switch(stream, other)
        assert await stream.switch(MARK, MARK._replace(generation=1))
        take_back = await note_switch(opened_by(stream), TablesSwitch(0, 4, 4, 2, b"mine"))
        await take_back()
        assert await unfinished_switch(stream) == other

    on_virtual_time(test)
