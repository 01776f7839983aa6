"""Months and years by hand: where they begin and end, and that a month at its own end is the month's window.

Definitions: docs/definitions.md, section 1; docs/periods.md.
"""

from datetime import UTC, datetime
from random import Random

import pytest

from tests.oracle.events import cancel, change, signup
from tests.oracle.logs import generate
from tests.oracle.options import Options
from tests.oracle.recomputation import period_bounds, recompute, recompute_period
from tests.oracle.reports import counts_of, part_of


@pytest.mark.parametrize(
    ("period", "zone", "first", "end"),
    [
        ("2026-12", "UTC", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-03", "Europe/Berlin", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
        ("2026", "Europe/Berlin", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
        ("2024", "America/Sao_Paulo", "2024-01-01T03:00:00Z", "2025-01-01T03:00:00Z"),
    ],
)
def test_periods_lie_between_local_midnights(period: str, zone: str, first: str, end: str) -> None:
    """A year of 365 days that begins at the wrong hour is nearly right, and wrong."""
    expected = (datetime.fromisoformat(first), datetime.fromisoformat(end))
    assert period_bounds(period, Options(time_zone=zone)) == expected


def test_a_year_counts_who_was_there_at_its_start_and_what_happened_in_it() -> None:
    """A window of 365 days would miss New Year's Eve of a leap year."""
    log = [
        signup("a", "2023-12-31T23:59:59Z", "pro", 1_000),
        change("a", "2024-06-01", "team", 1_500),
        signup("b", "2024-01-01", "pro", 70),
        cancel("b", "2024-12-31T23:59:59Z"),
        cancel("a", "2025-01-01"),
    ]
    report = recompute_period(log, "2024")
    assert report["as_of"] == "2025-01-01T00:00:00Z"
    assert part_of(report, "windows").keys() == {"year"}
    assert counts_of(report, "year") == {
        "customers_active": 1,
        "mrr": 1_500,
        "customers_at_start": 1,
        "customers_retained": 1,
        "customers_new": 1,
        "cancellations": 1,
        "cancellations_of_new": 1,
        "upgrades": 1,
        "dropoff_matured": 2,  # both signed up seven and fourteen days before an instant of the year
        "dropoff_silent_matured": 2,
        "dropoff_silent": 2,
        "onboarding_matured": 2,
        "mrr_at_start": 1_000,
        "mrr_retained_gross": 1_000,
        "mrr_retained_net": 1_500,
        "mrr_new": 70,
        "mrr_expansion": 500,
        "mrr_churned": 70,
    }


def test_a_month_at_its_own_end_is_the_month_window_of_that_instant() -> None:
    """Two ways to ask for one number."""
    log = generate(Random(3))
    end = datetime(2024, 3, 1, tzinfo=UTC)
    options = Options(rates=log.options.rates, dimensions=log.options.dimensions)
    window = part_of(recompute(log.records, at=[end], options=options)[0], "windows", "month")
    assert part_of(recompute_period(log.records, "2024-02", options=options), "windows", "month") == window
