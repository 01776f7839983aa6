"""Targets: one append-only log, of which the last word holds and every word stays."""

from __future__ import annotations

import pytest

from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed
from streams.targets import TargetChange, TargetStore, audit, holding

FIRST = TargetChange("retention", "365d", 0.8, "anna", 1_800_000_000_000, "bob", 1_790_000_000_000, "the standard")
RAISED = TargetChange("retention", "365d", 0.9, "anna", 1_800_000_000_000, "carl", 1_790_000_001_000)
CHURN = TargetChange("churn_standard", "30d", 0.03, "anna", 1_800_000_000_000, "bob", 1_790_000_002_000)
TAKEN_BACK = TargetChange("churn_standard", "30d", None, "anna", 1_800_000_000_000, "bob", 1_790_000_003_000)


async def test_the_last_change_of_a_kpi_and_window_holds() -> None:
    """Two people who set a target at once are both in the log; one of them came last."""
    store = TargetStore(MemoryTables())
    for change in (FIRST, CHURN, RAISED):
        await store.append(change)
    assert await store.current() == [CHURN, RAISED]
    assert await store.changes() == [FIRST, CHURN, RAISED]


async def test_a_target_that_was_taken_back_holds_no_more_and_stays_in_the_history() -> None:
    """An alert must stop comparing; the audit must still say that there was one."""
    store = TargetStore(MemoryTables())
    for change in (CHURN, TAKEN_BACK):
        await store.append(change)
    assert await store.current() == []
    assert await store.changes() == [CHURN, TAKEN_BACK]
    assert holding([CHURN, TAKEN_BACK, CHURN]) == [CHURN]


async def test_a_store_that_has_read_sees_what_others_add_later() -> None:
    """A worker asks every second, and for what is new only."""
    tables = MemoryTables()
    reader, writer = TargetStore(tables), TargetStore(tables)
    assert await reader.current() == []
    await writer.append(FIRST)
    assert await reader.current() == [FIRST]
    assert await reader.current() == [FIRST]
    await writer.append(RAISED)
    await writer.append(CHURN)
    assert await reader.changes() == [FIRST, RAISED, CHURN]


@pytest.mark.parametrize("later", [[], [CHURN], [CHURN, RAISED], [CHURN, FIRST, RAISED]])
async def test_a_redis_that_came_back_from_an_earlier_moment_is_read_anew(later: list[TargetChange]) -> None:
    """Otherwise a worker would go on to show a target that nobody else can see."""
    store = TargetStore(MemoryTables())
    await store.append(FIRST)
    await store.append(TAKEN_BACK)
    assert await store.changes() == [FIRST, TAKEN_BACK]
    restored = MemoryTables()
    for change in later:
        await TargetStore(restored).append(change)
    store._tables = restored
    assert await store.changes() == later


async def test_an_entry_of_another_version_is_named_by_its_place() -> None:
    """To leave it out would show a target that somebody has changed since."""
    tables = MemoryTables()
    await TargetStore(tables).append(FIRST)
    await tables.append("targets", b'{"kpi":"retention"}')
    with pytest.raises(CheckFailed, match="change 2 of the targets"):
        await TargetStore(tables).changes()


async def test_members_of_a_later_version_do_not_stop_this_one() -> None:
    """Workers of two versions run side by side while one replaces the other."""
    tables = MemoryTables()
    await TargetStore(tables).append(FIRST)
    entry = (await tables.entries("targets"))[0]
    await tables.append("targets", entry[:-1] + b',"ticket":"OPS-1"}')
    assert await TargetStore(tables).changes() == [FIRST, FIRST]


def test_the_history_says_what_held_before_each_change() -> None:
    """Read out of the order of the log, and not out of what somebody believed when they wrote."""
    assert audit([FIRST, CHURN, RAISED, TAKEN_BACK]) == [
        (FIRST, None),
        (CHURN, None),
        (RAISED, FIRST),
        (TAKEN_BACK, CHURN),
    ]
