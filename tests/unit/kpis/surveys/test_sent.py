"""The memory of who was asked: what it keeps, in which values, and what it forgets."""

from __future__ import annotations

from typing import Final

from kpis.surveys.sent import SLOTS, SentRequests, slots_of
from schemas.instants import DAY_MS

DAY: Final = 20_000
AT_MS: Final = DAY * DAY_MS + 5_000


def test_nobody_is_asked_within_the_interval_before_or_after() -> None:
    """An instant in front of one that was asked is as close as one behind it."""
    asked = SentRequests({}, from_ms=0)
    asked.add("c", AT_MS)
    found = [asked.is_quiet("c", AT_MS + away, 1_000) for away in (-1_000, -999, 0, 999, 1_000)]
    assert found == [False, True, True, True, False]
    assert not asked.is_quiet("d", AT_MS, 1_000)


def test_what_was_stored_is_found_again_and_a_day_is_one_value() -> None:
    """A run stores the days that it adds to, and no others."""
    first = SentRequests({}, from_ms=0)
    for n in range(300):
        first.add(f"c{n}", AT_MS + n)
    first.add("tomorrow", AT_MS + DAY_MS)
    stored = first.take_changes()
    assert {slot: len(value) for slot, value in stored.items()} == {"0": 300 * 16, "1": 16}
    assert first.take_changes() == {}
    first.add("late", AT_MS)
    stored |= first.take_changes()
    second = SentRequests(stored, from_ms=AT_MS)
    names = [*(f"c{n}" for n in range(300)), "late"]
    assert [name for name in names if not second.is_quiet(name, AT_MS, DAY_MS)] == []
    assert not second.is_quiet("c300", AT_MS, DAY_MS)
    second.add("x", AT_MS)
    assert {slot: len(value) for slot, value in second.take_changes().items()} == {"0": 302 * 16}


def test_slots_are_used_again_and_what_they_held_is_forgotten() -> None:
    """Nothing is ever deleted, so nothing may grow."""
    old = SentRequests({}, from_ms=0)
    old.add("c", AT_MS - SLOTS * DAY_MS)
    stored = old.take_changes()
    assert list(stored) == slots_of(AT_MS, AT_MS + 1)
    new = SentRequests(stored, from_ms=AT_MS - 30 * DAY_MS)
    assert not new.is_quiet("c", AT_MS, SLOTS * DAY_MS + 1)
    new.add("d", AT_MS)
    assert {slot: len(value) for slot, value in new.take_changes().items()} == {"0": 16}


def test_slots_of_a_span_are_its_days_and_no_others() -> None:
    """One slot more is a day whose requests are overwritten; one less is a day that is not looked at."""
    assert slots_of(DAY * DAY_MS, (DAY + 2) * DAY_MS) == ["0", "1"]
    assert slots_of(DAY * DAY_MS - 1, (DAY + 2) * DAY_MS + 1) == ["399", "0", "1", "2"]
    assert len(set(slots_of(0, SLOTS * DAY_MS))) == SLOTS
