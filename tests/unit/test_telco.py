"""The telco example: its events against a plain count over the rows of its table.

`telco_expected` is that plain count. It knows the rule of examples/telco/README.md and nothing of the script that makes
the events, nor of the product; whoever runs the events through the product compares with it.
"""

import csv
import datetime as dt
import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "telco"
TABLE = EXAMPLE / "telco.csv"
SNAPSHOT = dt.date(2026, 1, 1)


class Stay(NamedTuple):
    """One customer's stay: from when, until when (None: still there), on which contract, for how many cents a month."""

    since: dt.datetime
    until: dt.datetime | None
    plan: str
    mrr_minor: int

    def covers(self, instant: dt.datetime) -> bool:
        """Return whether the customer is active as of an instant: what happens at it has not happened yet."""
        return self.since < instant and (self.until is None or self.until >= instant)


@functools.cache
def stays(table: Path, snapshot: dt.date) -> list[Stay]:
    """Read the stays out of the table's columns by the rule of the example's README.

    Args:
        table: The CSV file.
        snapshot: The day as of which it was taken.
    """

    def month_start(months_ago: int) -> dt.datetime:
        year, month, day = snapshot.year, snapshot.month - months_ago, snapshot.day
        while month < 1:
            year, month = year - 1, month + 12
        while True:
            try:
                return dt.datetime(year, month, day, tzinfo=dt.UTC)
            except ValueError:
                day -= 1

    def somewhere(start: dt.datetime, end: dt.datetime, text: str) -> dt.datetime:
        number = int(hashlib.sha256(text.encode("ascii")).hexdigest()[:16], 16)
        return start + dt.timedelta(seconds=number % round((end - start).total_seconds()))

    def of_row(row: dict[str, str]) -> Stay:
        months, name = int(row["tenure"]), row["customerID"]
        since = somewhere(month_start(months + 1), month_start(months), f"signup {name}")
        until = None
        if row["Churn"] == "Yes":
            day_after = since + dt.timedelta(hours=24)
            until = somewhere(month_start(1), month_start(0), f"cancel {name}") if months else day_after
        return Stay(since, until, row["Contract"], round(float(row["MonthlyCharges"]) * 100))

    with table.open(newline="", encoding="utf-8") as file:
        return [of_row(row) for row in csv.DictReader(file)]


def telco_expected(
    table: Path, snapshot: dt.date, as_of: dt.datetime, window_days: int, plan: str | None = None
) -> dict[str, int]:
    """Count straight from the table what the product has to find in the example's events.

    Args:
        table: The CSV file.
        snapshot: The day as of which it was taken.
        as_of: T, an aware instant.
        window_days: The window is [T - window_days, T).
        plan: Only the customers of this contract; None counts all.

    Returns:
        Counts by their names in docs/kpis.md; MRR in cents.
    """
    start = as_of - dt.timedelta(days=window_days)
    everyone = [stay for stay in stays(table, snapshot) if plan in {None, stay.plan}]
    at_start = [stay for stay in everyone if stay.covers(start)]
    new = [stay for stay in everyone if start <= stay.since < as_of]
    left = [stay for stay in everyone if stay.until is not None and start <= stay.until < as_of]
    return {
        "customers_active": sum(stay.covers(as_of) for stay in everyone),
        "mrr": sum(stay.mrr_minor for stay in everyone if stay.covers(as_of)),
        "customers_at_start": len(at_start),
        "customers_lost": sum(not stay.covers(as_of) for stay in at_start),
        "customers_retained": sum(stay.covers(as_of) for stay in at_start),
        "customers_new": len(new),
        "cancellations": len(left),
        "cancellations_of_new": sum(not stay.covers(start) for stay in left),
        "mrr_at_start": sum(stay.mrr_minor for stay in at_start),
        "mrr_new": sum(stay.mrr_minor for stay in new),
        "mrr_churned": sum(stay.mrr_minor for stay in left),
    }


def events(snapshot: dt.date) -> list[dict[str, str]]:
    """Run the example's script and read what it prints."""
    command = [sys.executable, str(EXAMPLE / "telco_events.py"), "--snapshot", snapshot.isoformat()]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def counted(told: list[dict[str, str]], as_of: dt.datetime, window_days: int) -> dict[str, int]:
    """Count from the events alone; in this example a customer has one signup and at most one cancel."""
    by_customer: dict[str, dict[str, dt.datetime]] = {}
    for event in told:
        by_customer.setdefault(event["customer_id"], {})[event["type"]] = dt.datetime.fromisoformat(event["time"])
    start = as_of - dt.timedelta(days=window_days)

    def active_at(at: dt.datetime) -> set[str]:
        return {
            customer
            for customer, times in by_customer.items()
            if times["signup"] < at and ("cancel" not in times or times["cancel"] >= at)
        }

    def within(kind: str) -> int:
        return sum(kind in times and start <= times[kind] < as_of for times in by_customer.values())

    before, after = active_at(start), active_at(as_of)
    return {
        "customers_active": len(after),
        "customers_at_start": len(before),
        "customers_lost": len(before - after),
        "customers_retained": len(before & after),
        "customers_new": within("signup"),
        "cancellations": within("cancel"),
    }


def instants() -> Iterator[dt.datetime]:
    """Yield instants before, at and after the default snapshot."""
    for day in ("2020-03-01", "2025-07-01", "2025-12-20", "2026-01-01", "2026-01-02", "2026-02-15"):
        yield dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("snapshot", [SNAPSHOT, dt.date(2024, 3, 31)])
def test_events_count_to_what_the_table_says(snapshot: dt.date) -> None:
    """The example is the first real input that anybody sees; a plain count over its rows must find the same."""
    told = events(snapshot)
    for as_of in instants():
        for window_days in (1, 30, 90, 365):
            expected = telco_expected(TABLE, snapshot, as_of, window_days)
            actual = counted(told, as_of, window_days)
            assert {name: expected[name] for name in actual} == actual, f"{as_of} {window_days} d"


def test_the_month_before_the_snapshot_has_the_churn_that_the_table_is_known_for() -> None:
    """1,869 of 7,043 customers left in the last month: the published figure, not one of our own making."""
    as_of = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    expected = telco_expected(TABLE, SNAPSHOT, as_of, 31)
    assert expected["customers_active"] == 7043 - 1869
    assert expected["cancellations"] == 1869
    # The eleven with a tenure of 0 months are the ones who signed up in that month.
    assert expected["customers_new"] == 11
    assert expected["customers_at_start"] == 7032
    assert expected["customers_lost"] == 1869


def test_counts_by_contract_add_up_to_those_of_all() -> None:
    """A contract never changes in this table, so that no customer may be missing from the segments."""
    as_of = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    plans = ("Month-to-month", "One year", "Two year")
    for window_days in (30, 365):
        by_plan = [telco_expected(TABLE, SNAPSHOT, as_of, window_days, plan) for plan in plans]
        total = telco_expected(TABLE, SNAPSHOT, as_of, window_days)
        assert total == {name: sum(counts[name] for counts in by_plan) for name in total}


def test_every_event_of_the_snapshot_lies_before_it_and_has_its_own_id() -> None:
    """Publishing the file twice must change nothing, and nothing may lie in the future of the snapshot."""
    told = events(SNAPSHOT)
    assert len({event["id"] for event in told}) == len(told) == 7043 + 1869
    assert max(event["time"] for event in told) < "2026-01-01T00:00:00Z"
