"""Undoing: which events are found, which revokes are made of them, and that the numbers told are those that come."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

from schemas.decoding import rules
from schemas.events import Revoke
from schemas.refusals import HEADER_FORWARDED
from streams.partition.forwarding import Seal
from streams.records import TP, Record
from streams.settings.meaning import decoder_of
from streams.settings.settings import Settings
from tenure.files.replay import Replayed, replayed
from tenure.stored.reading import report_of
from tenure.undoing.change import Effect, Effects
from tenure.undoing.clock import ByClock
from tenure.undoing.finding import WildEvent, WildEvents, WildQuery
from tenure.undoing.revokes import is_ours, revoke_id, revoke_json
from tenure.undoing.undo import document_of
from tests.recount.short_events import (
    Event,
    activity,
    cancel,
    change,
    onboarding,
    pause,
    renewal,
    revoke,
    signup,
    survey,
)

AT_MS: Final = 1_772_323_200_000  # 2026-03-01
SETTINGS: Final = Settings()
DECODER: Final = decoder_of(SETTINGS, latest_ms=rules.LATEST_MS)
WINDOWS: Final = ("30d", "month", "365d")
WILD: Final = "billing"
LOG: Final[list[Event]] = [
    *(signup(f"c{n}", "2026-01-05", "pro", 1000 + n, id=f"s{n}") for n in range(12)),
    *(cancel(f"c{n}", "2026-02-20", id=f"x{n}", source=WILD) for n in range(8)),
    *(cancel(f"c{n}", "2026-02-21", id=f"x{n}", source="app") for n in range(2)),
    *(change(f"c{n}", "2026-02-10", "team", 5000, id=f"u{n}", source=WILD) for n in range(4, 10)),
    signup("c0", "2026-02-22", "free", 700, id="again", source=WILD),
    pause("c10", "2026-02-11", id="p10", source=WILD),
    survey("c11", "2026-02-12", "nps", 2, id="n11", source=WILD),
    renewal("c11", "2026-02-12", "failed") | {"id": "w11", "source": WILD},
    activity("c11", "2026-02-12", source=WILD),
    onboarding("c11", "2026-02-12", source=WILD),
    revoke("c7", "2026-02-23", "x7", id="r7", source=WILD),
    revoke("c6", "2026-02-23", "none", id="r6", source=WILD),
    cancel("c2", "2026-02-20", id="x2", source=WILD),
]


class Undone(NamedTuple):
    """A file, what is found in it, and what its revokes do."""

    found: WildEvents
    effect: Effect
    replay: Replayed


def file_of(log: list[Event]) -> str:
    """Write events to a file of the test's folder; return its name."""
    Path("events.ndjson").write_text("".join(json.dumps(each) + "\n" for each in log), encoding="utf-8")
    return "events.ndjson"


async def undone(log: list[Event], query: WildQuery, settings: Settings = SETTINGS) -> Undone:
    """Return what undoing a source of a file does."""
    replay = await replayed(file_of(log), settings)
    found = WildEvents()
    for topic in settings.input_topics:
        for partition in range(replay.partitions):
            records, _ = replay.log.read(TP(topic, partition), 0, sys.maxsize)
            found.take(records, DECODER, query)
    effects = Effects(settings, DECODER, query.source, WINDOWS, AT_MS)
    return Undone(found, await effects.of(replay.tables, replay.partitions, found.by_customer), replay)


def wild(*types: str, since_ms: int = 0, until_ms: int | None = None, clock: ByClock = ByClock.EVENT) -> WildQuery:
    """Return a query for the wild source."""
    return WildQuery(WILD, frozenset(types), clock, since_ms, until_ms)


@pytest.mark.parametrize("types", [(), ("cancel",), ("upgrade", "signup"), ("survey", "renewal")], ids=" ".join)
async def test_numbers_that_are_told_are_those_that_come(types: tuple[str, ...], nothing_set: None) -> None:
    """Whoever decides at night decides by these."""
    del nothing_set
    query = wild(*types)
    first = await undone(LOG, query)
    (before,) = await report_of(SETTINGS, first.replay.tables, partitions=4, at_ms=[AT_MS])
    told = document_of(query, first.found, first.effect, before, limit=3)
    revokes = [json.loads(each.value) for each in first.effect.revokes]
    second = await undone([*LOG, *revokes], query)
    (after,) = await report_of(SETTINGS, second.replay.tables, partitions=4, at_ms=[AT_MS])
    for name, numbers in told.windows.items():
        counts = [before.windows[name].counts(), after.windows[name].counts()]
        for count in counts[0]:
            changed = {each.kpi: (each.before, each.after) for each in numbers}
            was, now = counts[0][count], counts[1][count]
            assert changed.get(count, (was, was)) == (was, now), (name, count)
    totals = {each.kpi: (each.before, each.after) for each in told.totals}
    for count, was in before.totals.counts().items():
        assert totals.get(count, (was, was)) == (was, after.totals.counts()[count]), count
    assert second.effect.revokes == [], "what is revoked is left out"
    assert second.effect.revoked_before == len(revokes) + first.effect.revoked_before


async def test_each_event_is_found_once_and_what_cannot_be_taken_back_is_told(nothing_set: None) -> None:
    """An event that was sent twice is one; a revoke and an instant are for good."""
    del nothing_set
    found = await undone(LOG, wild())
    told = {(each.customer_id, each.event_id) for each in found.effect.revokes}
    assert len(told) == len(found.effect.revokes) == 8 - 1 + 6 + 4
    assert ("c7", "x7") not in told, "it is revoked already"
    assert found.effect.revoked_before == 1
    assert found.found.without_identity == {"activity": 1, "onboarding": 1, "revoke": 2}
    assert (found.effect.not_counted_yet, found.effect.over_limit) == (0, 0)


async def test_event_that_is_not_counted_yet_is_revoked_and_changes_nothing(nothing_set: None) -> None:
    """A worker may be behind: what it has not read must not count later."""
    del nothing_set
    first = await undone(LOG[:12], wild())
    effects = Effects(SETTINGS, DECODER, WILD, WINDOWS, AT_MS)
    coming = {"c1": {"x1": WildEvent("cancel", AT_MS)}, "c99": {"x": WildEvent("signup", AT_MS)}}
    effect = await effects.of(first.replay.tables, 4, coming)
    assert (len(effect.revokes), effect.not_counted_yet) == (2, 2)
    changed = {name for name, number in effect.changes["30d"].items() if number}
    assert changed <= {"facts_without_effect"}, "a revoke is idle until its event is there"


async def test_customer_without_room_for_a_revoke_is_left_and_told(nothing_set: None) -> None:
    """The revoke would be one more dead letter."""
    del nothing_set
    settings = Settings(max_facts_per_customer=16)
    log = [signup("c1", f"2026-01-{day:02}", "pro", day, id=f"s{day}", source=WILD) for day in range(1, 17)]
    found = await undone(log, wild(), settings)
    assert (found.effect.revokes, found.effect.over_limit) == ([], 16)


def test_span_is_meant_by_the_clock_that_is_named() -> None:
    """All since the release, or all about last week: these are two questions."""
    event = {"id": "e", "type": "cancel", "customer_id": "c", "time": "2026-02-20T00:00:00Z", "source": WILD}
    record = Record("customer.cancel", 0, 1, AT_MS, b"c", json.dumps(event).encode(), [])
    for clock, since_ms, until_ms, number in (
        (ByClock.ARRIVAL, AT_MS, None, 1),
        (ByClock.ARRIVAL, AT_MS + 1, None, 0),
        (ByClock.ARRIVAL, 0, AT_MS, 0),
        (ByClock.EVENT, AT_MS, None, 0),
        (ByClock.EVENT, 0, AT_MS, 1),
    ):
        found = WildEvents()
        found.take([record], DECODER, wild(clock=clock, since_ms=since_ms, until_ms=until_ms))
        assert len(found.by_customer) == number, (clock, since_ms, until_ms)


def test_copy_that_the_stream_has_sent_on_is_told_once_and_a_header_of_anybodys_hides_nothing() -> None:
    """What cannot be taken back has no id: a forged header would keep it out of what somebody decides by."""
    event = {"id": "e", "type": "activity", "customer_id": "c", "time": "2026-02-20T00:00:00Z", "source": WILD}
    first = Record("customer.activity", 0, 1, AT_MS, b"c", json.dumps(event).encode(), [])
    seal = Seal("of the stream")
    headers = [[], [(HEADER_FORWARDED, seal.header_of(first))], [(HEADER_FORWARDED, b"customer.activity/0/1/00")]]
    found = WildEvents(seal)
    lying = [Record("customer.events", 1, n, AT_MS, b"c", first.value, each) for n, each in enumerate(headers)]
    found.take(lying, DECODER, wild())
    assert found.without_identity == {"activity": 2}


def test_revoke_of_an_event_is_always_the_same_and_names_its_source() -> None:
    """The second of two runs must be a repetition, and no conflict."""
    made = revoke_json("c1", "billing:eu", "evt_1", AT_MS)
    assert made == revoke_json("c1", "billing:eu", "evt_1", AT_MS)
    (read,) = DECODER.decode([Record("t", 0, 0, 0, None, made, [])]).events
    assert isinstance(read, Revoke)
    assert (read.source, read.revokes, read.names_source) == ("billing:eu", "evt_1", True)
    assert read.id == "undo:billing:eu:evt_1"
    long = revoke_id("s" * 200, "e" * 200)
    assert is_ours(long)
    assert len(long) < 100
    assert long != revoke_id("s" * 199, "s" + "e" * 200)
    assert msgspec.json.decode(made)["customer_id"] == "c1"
