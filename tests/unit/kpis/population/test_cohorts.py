"""Cohorts by hand: which period a customer belongs to, when a period has passed, and who was active then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kpis.population.cohorts import MONTH, WEEK, Cohort, cohorts, share, whole
from kpis.population.local_time import local_time
from schemas.instants import milliseconds
from tests.recount.short_events import Event, cancel, change, pause, revoke, signup
from tests.unit.kpis.stretches import stretches_of

Rows = list[tuple[str, int, tuple[int, ...], tuple[int, ...]]]


def at_ms(text: str) -> int:
    """Return an instant in ms; a day is its first instant in UTC."""
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def table_of(
    events: list[Event], at: str, *, period: str = MONTH, by: str | None = None, time_zone: str = "UTC", value: str = ""
) -> Rows:
    """Return the cohorts of a value as plain tuples."""
    found = cohorts(
        stretches_of(events, time_zone=time_zone),
        at_ms=at_ms(at),
        clock=local_time(time_zone),
        period=period,
        dimension=by,
    )
    return [(cohort.name, cohort.size, cohort.matured, cohort.active) for cohort in found.get(value, [])]


MONTHS: dict[str, tuple[list[Event], str, Rows]] = {
    "nobody": ([], "2026-03-01", []),
    "a signup at T is not there yet": ([signup("c", "2026-03-01")], "2026-03-01", []),
    "a signup just before T": ([signup("c", "2026-02-28T23:59:59.999Z")], "2026-03-01", [("2026-02", 1, (), ())]),
    "one period has passed at its very instant": (
        [signup("c", "2026-01-15")],
        "2026-02-15",
        [("2026-01", 1, (1,), (1,))],
    ),
    "and not an hour before": ([signup("c", "2026-01-15")], "2026-02-14T23:00", [("2026-01", 1, (), ())]),
    "a month clips to the last day, each from the day of the signup": (
        [signup("c", "2026-01-31"), cancel("c", "2026-03-30T12:00:00Z")],
        "2026-04-30",
        [("2026-01", 1, (1, 1, 1), (1, 0, 0))],
    ),
    "who cancels at the instant of the period is still active as of it": (
        [signup("c", "2026-01-15"), cancel("c", "2026-02-15")],
        "2026-04-01",
        [("2026-01", 1, (1, 1), (1, 0))],
    ),
    "who cancels a millisecond before it is not": (
        [signup("c", "2026-01-15"), cancel("c", "2026-02-14T23:59:59.999Z")],
        "2026-04-01",
        [("2026-01", 1, (1, 1), (0, 0))],
    ),
    "who comes back is active again, and stays in the first cohort": (
        [signup("c", "2026-01-15"), cancel("c", "2026-02-01"), signup("c", "2026-03-01"), cancel("c", "2026-05-01")],
        "2026-06-01",
        [("2026-01", 1, (1, 1, 1, 1), (0, 1, 1, 0))],
    ),
    "who comes back at the instant of a period is not active as of it": (
        [signup("c", "2026-01-15"), cancel("c", "2026-02-01"), signup("c", "2026-03-15")],
        "2026-04-20",
        [("2026-01", 1, (1, 1, 1), (0, 0, 1))],
    ),
    "what comes after T is not known": (
        [signup("c", "2026-01-15"), cancel("c", "2026-03-01"), signup("d", "2026-03-02")],
        "2026-03-01",
        [("2026-01", 1, (1,), (1,))],
    ),
    "each of a cohort matures for itself": (
        [signup("c", "2026-01-01"), signup("d", "2026-01-31"), signup("e", "2026-02-01"), cancel("c", "2026-01-05")],
        "2026-03-01",
        [("2026-01", 2, (2, 1), (1, 0)), ("2026-02", 1, (1,), (1,))],
    ),
    "a revoked first signup makes the next one the first": (
        [
            signup("c", "2026-01-15"),
            signup("c", "2026-02-15"),
            revoke("c", "2026-02-20", "signup 2026-01-15", source="customer.signup"),
        ],
        "2026-03-15",
        [("2026-02", 1, (1,), (1,))],
    ),
    "a trial belongs to the month in which it is paid": (
        [signup("c", "2026-01-15", trial=True), change("c", "2026-02-10")],
        "2026-03-10",
        [("2026-02", 1, (1,), (1,))],
    ),
    "who was active within one bucket alone is in its cohort": (
        [signup("c", "2026-01-15T10:00:00Z"), cancel("c", "2026-01-15T10:30:00Z")],
        "2026-02-20",
        [("2026-01", 1, (1,), (0,))],
    ),
    "months without signups are left out": (
        [signup("c", "2025-11-30"), signup("d", "2026-02-01")],
        "2026-02-02",
        [("2025-11", 1, (1, 1), (1, 1)), ("2026-02", 1, (), ())],
    ),
}


@pytest.mark.parametrize(("events", "at", "expected"), MONTHS.values(), ids=MONTHS)
def test_a_month_s_cohort_holds_what_was_counted_by_hand(events: list[Event], at: str, expected: Rows) -> None:
    """Every boundary of the definition is one line here."""
    assert table_of(events, at) == expected


def test_months_belong_to_the_business_time_zone() -> None:
    """New Year's Eve in New York is January in UTC."""
    events = [signup("c", "2026-01-01T04:59:59Z"), signup("d", "2026-01-01T05:00:00Z")]
    rows = table_of(events, "2026-01-02", time_zone="America/New_York")
    assert [(name, size) for name, size, _, _ in rows] == [("2025-12", 1), ("2026-01", 1)]
    assert [name for name, _, _, _ in table_of(events, "2026-01-02")] == ["2026-01"]


def test_weeks_are_those_of_iso_8601() -> None:
    """The first days of a year may belong to the last week of the one before."""
    events = [signup(day, day) for day in ("2024-12-29", "2024-12-30", "2027-01-03", "2027-01-04")]
    rows = table_of(events, "2027-01-05", period=WEEK)
    assert [(name, size) for name, size, _, _ in rows] == [
        ("2024-W52", 1),
        ("2025-W01", 1),
        ("2026-W53", 1),
        ("2027-W01", 1),
    ]


@pytest.mark.parametrize(
    ("at", "lived"),
    [
        # Berlin, 2025-03-30: 02:30 does not exist; fold 0 counts on from the time before, 01:30 in UTC.
        ("2025-03-30T01:00", 0),
        ("2025-03-30T02:00", 1),
        # The week after, 02:30 summer time is 00:30 in UTC.
        ("2025-04-06T00:00", 1),
        ("2025-04-06T01:00", 2),
    ],
)
def test_a_week_later_is_the_same_time_on_the_wall(at: str, lived: int) -> None:
    """Seven times 24 hours is another time of day where clocks were set in between."""
    events = [signup("c", "2025-03-23T01:30:00Z")]
    ((_, _, matured, _),) = table_of(events, at, period=WEEK, time_zone="Europe/Berlin")
    assert len(matured) == lived


@pytest.mark.parametrize(("at", "lived"), [("2025-10-26T00:00", 0), ("2025-10-26T01:00", 1)])
def test_an_hour_that_comes_twice_is_its_first_coming(at: str, lived: int) -> None:
    """02:30 of 2025-10-26 in Berlin is 00:30 and 01:30 in UTC."""
    events = [signup("c", "2025-10-19T00:30:00Z")]
    ((_, _, matured, _),) = table_of(events, at, period=WEEK, time_zone="Europe/Berlin")
    assert len(matured) == lived


def test_a_segment_is_that_of_the_fact_that_made_the_customer_new() -> None:
    """A customer who moves up must not leave the cohort: its plan is the first one."""
    events = [
        signup("c", "2026-01-05", "basic", country="DE"),
        change("c", "2026-01-20", "team", 9_000),
        signup("d", "2026-01-06", "team"),
        cancel("d", "2026-01-07"),
        signup("d", "2026-01-08", "basic", country="FR"),
    ]
    expected = [("2026-01", 1, (1,), (1,))]
    for by, value in (("plan", "basic"), ("plan", "team"), ("country", "DE"), ("country", "none")):
        assert table_of(events, "2026-02-20", by=by, value=value) == expected
    assert table_of(events, "2026-02-20", by="country", value="FR") == []


def test_mrr_is_that_of_the_first_bucket_and_that_after_each_period() -> None:
    """A price that was mended within the hour is the first one; growth counts net, and not gross."""
    events = [
        signup("c", "2026-01-05", mrr_minor=100),
        change("c", "2026-01-05T00:30:00Z", mrr_minor=1_000),
        change("c", "2026-02-05", mrr_minor=3_000),
        cancel("c", "2026-04-01"),
        signup("d", "2026-01-20", mrr_minor=500),
        pause("d", "2026-03-01"),
    ]
    ((cohort,),) = cohorts(
        stretches_of(events), at_ms=at_ms("2026-04-15"), clock=local_time("UTC"), period=MONTH
    ).values()
    assert cohort.mrr_start == (1_500, 1_500, 1_500, 1_000)
    assert (cohort.matured, cohort.active) == ((2, 2, 1), (2, 2, 0))
    assert (cohort.mrr_net, cohort.mrr_gross) == ((1_500, 3_000, 0), (1_500, 1_000, 0))


def test_partitions_are_joined_by_the_names_of_values() -> None:
    """Each partition numbers its plans in the order in which they came."""
    events = [signup(f"c{n}", "2026-01-05", plan) for n, plan in enumerate(["a", "b", "b", "c", "a", "b"] * 5)]
    for partitions in (1, 2, 7):
        found = cohorts(
            stretches_of(events, partitions=partitions),
            at_ms=at_ms("2026-02-10"),
            clock=local_time("UTC"),
            period=MONTH,
            dimension="plan",
        )
        mrr = 4_900
        assert found == {
            value: [Cohort("2026-01", n, (n,), (n,), (n * mrr, n * mrr), (n * mrr,), (n * mrr,))]
            for value, n in {"a": 10, "b": 15, "c": 5}.items()
        }


def test_cohorts_add_up_to_one_and_shares_come_last() -> None:
    """The mean of two cohorts' shares would give one customer the weight of a hundred."""
    january = Cohort("2026-01", 100, (100, 100), (50, 40), (900, 900, 900), (990, 870), (450, 360))
    march = Cohort("2026-03", 1, (1,), (1,), (10, 10), (12,), (10,))
    whole_of_both = Cohort("all", 101, (101, 100), (51, 40), (910, 910, 900), (1_002, 870), (460, 360))
    assert whole([january, march], "all") == whole_of_both
    assert whole([]) == Cohort("", 0, (), (), (0,), (), ())
    assert share(51, 101) == 51 / 101
    assert share(0, 0) is None
