"""What late events change of months and years that are over: which of them do, and what is written down of each."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest

from kpis.fold.restatements import ALONE, Restatement, decode
from schemas.instants import milliseconds
from streams.batching.batches import Batch, Lease
from streams.errors import TablesUnavailable
from streams.records import NO_HEADERS, Record
from streams.tables import Restated, decode_head
from tests.unit.streams.partitions import ALSO_MINE, MINE, SIGNUPS, Surroundings, on_virtual_time

CANCELS = "customer.cancel"
#: What a customer of one subscription is, and what it has added to the period in which it came.
STOCK = {"customers_active": 1, "mrr": 100, "subscriptions_active": 1, "subscription_mrr": 100}
BEGUN = {"customers_new": 1, "mrr_new": 100, "signups": 1, "subscriptions_started": 1}


def ms(text: str) -> int:
    """Return an instant in ms since 1970."""
    return milliseconds(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))


def signup(event_id: str, time: str, arrived: str, mrr: int = 100, customer: str = MINE) -> tuple[bytes, int]:
    """Return a signup and when it reached the log."""
    event = {
        "type": "signup",
        "id": event_id,
        "customer_id": customer,
        "time": f"{time}Z",
        "plan": "p",
        "mrr_minor": mrr,
    }
    return json.dumps(event).encode(), ms(arrived)


def cancel(event_id: str, time: str, arrived: str, **members: object) -> tuple[bytes, int]:
    """Return a cancel, or a revoke, and when it reached the log."""
    event = {"type": "cancel", "id": event_id, "customer_id": MINE, "time": f"{time}Z", **members}
    return json.dumps(event).encode(), ms(arrived)


def batch_of(*events: tuple[bytes, int], start: int = 0, topic: str = SIGNUPS) -> Batch:
    """Return events as a batch of partition 0."""
    records = [Record(topic, 0, start + n, at_ms, None, value, NO_HEADERS) for n, (value, at_ms) in enumerate(events)]
    return Batch(topic, 0, start, start + len(records), records, Lease(1))


def restated_by(*batches: Batch, **settings: Any) -> dict[str, Restated]:
    """Return what partition 0 has written down after batches, each of them a commit."""
    found: dict[str, Restated] = {}

    async def test() -> None:
        around = Surroundings(**settings)
        partition = await around.partition()
        for batch in batches:
            partition.put(batch)
            await asyncio.sleep(1)
        assert partition.fault is None
        found.update(await around.tables.restated(0, list(await around.tables.restated(0))))
        await partition.close()

    on_virtual_time(test)
    return found


def test_a_late_event_restates_every_month_and_year_that_is_over() -> None:
    """A signup of October that comes in January is missing at the end of October, November, December and the year."""
    found = restated_by(batch_of(signup("s1", "2025-10-30T12:00:00", "2026-01-02T00:00:00"), start=7))
    assert sorted(found) == ["2025", "2025-10", "2025-11", "2025-12"]
    assert decode(found["2025-10"].entries[0]) == Restatement(
        commit=1,
        events=1,
        arrived_at_ms=ms("2026-01-02T00:00:00"),
        occurred_at_ms=ms("2025-10-30T12:00:00"),
        offsets={SIGNUPS: (7, 7)},
        event_id="s1",
        event_type="signup",
        event_source="customer.signup",
        changes=STOCK | BEGUN,
    )
    matured = {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1}
    start = {"customers_at_start": 1, "mrr_at_start": 100, "customers_retained": 1}
    kept = {"mrr_retained_gross": 100, "mrr_retained_net": 100}
    assert found["2025-11"].changes == STOCK | start | kept | matured
    assert found["2025-12"].changes == STOCK | start | kept
    assert found["2025"].changes == STOCK | BEGUN | matured
    assert {period: known.revision for period, known in found.items()} == dict.fromkeys(found, 1)


@pytest.mark.parametrize(
    ("time", "arrived"),
    [
        ("2026-02-28T23:59:59", "2026-02-28T23:59:59.999"),  # the month is not over by a millisecond
        ("2026-03-01T00:00:00", "2026-03-31T23:59:59"),  # late, but within a month
        ("2026-02-28T12:00:00", "1970-01-01T00:00:00"),  # no timestamp
        ("2026-02-28T12:00:00", "1969-12-31T23:59:59.999"),
    ],
)
def test_what_reaches_the_log_before_the_end_restates_nothing(time: str, arrived: str) -> None:
    """Most events are late by a little; a period that is still running has no revision."""
    assert restated_by(batch_of(signup("s1", time, arrived))) == {}


def test_a_period_is_over_from_its_end_on() -> None:
    """The last millisecond decides between on time and restated, in the business time zone."""
    late = batch_of(signup("s1", "2026-02-28T22:59:59.999", "2026-02-28T23:00:00"))
    assert list(restated_by(late)) == []
    assert list(restated_by(late, business_time_zone="Europe/Berlin")) == ["2026-02"]


def test_an_event_that_changes_nothing_restates_nothing() -> None:
    """A repeated event moves no number: a revision that says otherwise is noise."""
    first = batch_of(signup("s1", "2026-02-01T00:00:00", "2026-02-01T00:00:00"))
    again = batch_of(signup("s1", "2026-02-01T00:00:00", "2026-04-01T00:00:00"), start=1)
    assert restated_by(first, again) == {}


def test_a_fact_without_effect_restates_how_many_of_them_there_were() -> None:
    """A cancel of nobody is counted as one, and a late one was missing."""
    nobody = batch_of(cancel("c1", "2026-01-01T00:00:00", "2026-03-01T00:00:00"), topic=CANCELS)
    found = restated_by(nobody)
    assert {period: known.changes for period, known in found.items()} == {
        "2026-01": {"facts_without_effect/cancel": 1},
    }


def test_a_revoke_restates_what_its_target_had_changed() -> None:
    """Its own time says nothing: it is on time for now, and takes back what was counted long ago."""
    signups = batch_of(signup("s1", "2026-02-01T00:00:00", "2026-02-01T00:00:00"))
    revoked = cancel("r1", "2026-03-20T00:00:00", "2026-03-20T00:00:00", type="revoke", revokes="s1", source=SIGNUPS)
    found = restated_by(signups, batch_of(revoked, topic=CANCELS))
    assert list(found) == ["2026-02"]
    assert found["2026-02"].changes["customers_new"] == -1


def test_an_event_that_a_revoke_waited_for_restates_the_revoke_that_hit_nothing() -> None:
    """The revoke of February was without effect when February ended; the signup of March is what it takes back."""
    revoked = cancel("r1", "2026-02-20T00:00:00", "2026-02-20T00:00:00", type="revoke", revokes="s1", source=SIGNUPS)
    signups = batch_of(signup("s1", "2026-03-01T00:00:00", "2026-03-01T00:00:00"))
    found = restated_by(batch_of(revoked, topic=CANCELS), signups)
    assert {period: known.changes for period, known in found.items()} == {
        "2026-02": {"facts_without_effect/revoke": -1},
    }


@pytest.mark.parametrize("together", [True, False])
def test_a_correction_restates_what_the_corrected_event_had_changed(together: bool) -> None:
    """It is on time for now, and the event that it corrects was counted long ago, maybe in the same batch."""
    wrong = signup("s1", "2026-02-01T00:00:00", "2026-02-01T00:00:00")
    right = corrected(signup("s1", "2026-03-02T00:00:00", "2026-03-03T00:00:00"))
    apart = (batch_of(wrong), batch_of(right, start=1))
    found = restated_by(*((batch_of(wrong, right),) if together else apart))
    taken_back = {count: -amount for count, amount in (STOCK | BEGUN).items()}
    dropoff = {"dropoff_matured": -1, "onboarding_matured": -1, "dropoff_silent_matured": -1, "dropoff_silent": -1}
    assert {period: known.changes for period, known in found.items()} == {"2026-02": taken_back | dropoff}


def corrected(sent: tuple[bytes, int]) -> tuple[bytes, int]:
    """Return an event with a greater sequence than that of one without."""
    value, at_ms = sent
    return json.dumps(json.loads(value) | {"sequence": 1}).encode(), at_ms


def test_months_of_all_lengths_restate_what_has_matured_in_them() -> None:
    """A trial of 37 days that ends in a month of 30 begins when a signup is a week old that ends with the month."""
    late = trial("s1", "2025-10-10T00:00:00", "2026-01-02T00:00:00")
    found = restated_by(batch_of(late))
    assert {period: known.changes.get("trials_matured", 0) for period, known in found.items()} == {
        "2025-10": 0, "2025-11": 1, "2025": 1,
    }  # fmt: skip


def trial(event_id: str, time: str, arrived: str) -> tuple[bytes, int]:
    """Return a signup on trial, and when it reached the log."""
    value, at_ms = signup(event_id, time, arrived)
    return json.dumps(json.loads(value) | {"trial": True}).encode(), at_ms


def test_late_events_of_a_batch_restate_one_by_one_as_they_reached_the_log() -> None:
    """What February held when it ended is there before what came in March, whatever the events' own times are.

    The signup of 10 January came in February, so it belongs to February's first value. That of 30 January came in
    March and puts the other one out of force: February's MRR falls by 100.
    """
    in_march = signup("s1", "2026-01-30T00:00:00", "2026-03-02T00:00:00", mrr=100)
    in_february = signup("s2", "2026-01-10T00:00:00", "2026-02-27T00:00:00", mrr=200)
    on_time = signup("s3", "2026-03-03T00:00:00", "2026-03-03T00:00:00", customer=ALSO_MINE)
    found = restated_by(batch_of(in_march, on_time, in_february))
    told = {period: [decode(entry) for entry in known.entries] for period, known in found.items()}
    assert {p: [(e.event_id, e.changes["mrr"]) for e in entries] for p, entries in told.items()} == {
        "2026-01": [("s2", 200), ("s1", -100)],
        "2026-02": [("s1", -100)],
    }


def test_a_backfill_restates_as_one() -> None:
    """A month of history that is sent again one by one would push out everything that anybody wants to look up."""
    events = [
        signup(f"s{n}", f"2026-01-01T00:{n // 60:02}:{n % 60:02}", f"2026-03-0{n % 2 + 1}T00:00:00")
        for n in range(ALONE + 1)
    ]
    found = restated_by(batch_of(*events, start=50))
    (entry,) = (decode(entry) for entry in found["2026-01"].entries)
    assert (entry.events, entry.event_id, entry.event_type) == (ALONE + 1, "", "")
    assert entry.offsets == {SIGNUPS: (50, 50 + ALONE)}
    assert (entry.occurred_at_ms, entry.arrived_at_ms) == (ms("2026-01-01T00:00:00"), ms("2026-03-02T00:00:00"))
    assert entry.changes["customers_new"] == 1


def test_a_late_event_over_the_limit_of_facts_is_the_dead_letter() -> None:
    """Late events are folded apart; the letter must be of the record that was refused, not of another."""

    async def test() -> None:
        around = Surroundings(max_facts_per_customer=16)
        partition = await around.partition()
        on_time = [signup(f"s{n}", f"2026-03-03T00:00:{n:02}", "2026-03-03T00:01:00") for n in range(16)]
        late = signup("late", "2026-01-10T00:00:00", "2026-03-02T00:00:00")
        other = signup("s99", "2026-03-04T00:00:00", "2026-03-04T00:00:00", customer=ALSO_MINE)
        partition.put(batch_of(*on_time, late, other))
        await asyncio.sleep(1)
        assert [letter.value for letter in around.sent] == [late[0]]
        assert await around.tables.restated(0) == {}
        assert sorted(around.tables.states(0)) == sorted([MINE, ALSO_MINE])
        await partition.close()

    on_virtual_time(test)


@pytest.mark.parametrize("took_effect", [False, True])
def test_a_commit_without_an_answer_restates_once(took_effect: bool) -> None:
    """A revision that a lost answer doubles sends somebody looking for an event that never was."""

    async def test() -> None:
        around = Surroundings()
        failures = around.tables.fail_after if took_effect else around.tables.fail_before
        failures.append(TablesUnavailable("Redis", "planted"))
        zombie, partition = await around.partition(), await around.partition()
        late = batch_of(signup("s1", "2026-01-10T00:00:00", "2026-03-02T00:00:00"))
        partition.put(late)
        await asyncio.sleep(5)
        zombie.put(late)  # it believes that nothing is stored
        await asyncio.sleep(5)
        found = await around.tables.restated(0)
        assert {period: known.revision for period, known in found.items()} == {"2026-01": 1, "2026-02": 1}
        head = (await around.tables.load(0)).head
        assert head is not None
        assert decode_head(head).applied == 1
        await partition.close()
        await zombie.close()

    on_virtual_time(test)


def test_a_successor_counts_on_from_what_is_stored() -> None:
    """Sums are stored as a whole: a worker that took over and began at zero would forget what was restated before."""

    async def test() -> None:
        around = Surroundings()
        for n, mrr in enumerate((100, 30)):
            partition = await around.partition()
            customer = (MINE, ALSO_MINE)[n]
            late = signup(f"s{n}", "2026-02-10T00:00:00", "2026-03-02T00:00:00", mrr=mrr, customer=customer)
            again = signup(f"s{n}", "2026-02-11T00:00:00", "2026-03-03T00:00:00", mrr=1, customer=f"c{(9, 10)[n]}")
            partition.put(batch_of(late, start=2 * n))
            await asyncio.sleep(1)
            partition.put(batch_of(again, start=2 * n + 1))
            await asyncio.sleep(1)
            await partition.close()
        found = await around.tables.restated(0, ["2026-02"])
        assert (found["2026-02"].revision, found["2026-02"].changes["mrr"]) == (4, 132)
        assert [decode(entry).changes["mrr"] for entry in found["2026-02"].entries] == [100, 1, 30, 1]
        assert [decode(entry).commit for entry in found["2026-02"].entries] == [1, 2, 3, 4]

    on_virtual_time(test)
