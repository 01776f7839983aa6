"""The next twelve months: history by month, bands that hold what comes, and what is said where there is too little."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from kpis.names import PLAN, Names
from kpis.population.episodes import OPEN_MS, Stretches, as_of, joined
from kpis.population.forecast import (
    BAND,
    EXACT,
    HOUR_MS,
    MONTH_MS,
    HeldOut,
    Month,
    forecast,
    held_out_months,
    history_of,
    learnt_months,
    stock_at,
    widened,
    widths_of,
)
from streams.errors import CheckFailed
from tenure.reports.forecast import forecast_report
from tests.property.test_cohorts_and_lifetime import stretches_of
from tests.unit.kpis.population.invented import company, folded_company


def invented(seed: int, *, months: int = 26, rate: float = 30.0, churn: float = 0.04) -> list[Stretches]:
    """Return a company of two plans, whose customers come and leave at rates that do not change."""
    random, names = Random(seed), Names()
    numbers = [names.plan(plan) for plan in ("basic", "pro")]
    rows: list[tuple[int, int, int, int]] = []
    at = 0.0
    while (at := at + random.expovariate(rate)) < months:
        plan = random.choice(numbers)
        lasts = random.expovariate(churn * (3 - plan)) if churn else math.inf
        end = at + lasts
        rows.append((int(at * MONTH_MS), plan, (0, 900, 4_900)[plan], int(end * MONTH_MS) if end < months else OPEN_MS))
    start, plans, mrr, ends = np.array(rows, np.int64).T
    places = np.arange(len(rows))
    return [Stretches(names, start, plans, np.zeros_like(start), mrr, places, start, ends, mrr)]


def test_history_is_that_of_customers_counted_one_by_one() -> None:
    """Who was there, who left and who came, by hand, with MRR that changes and customers who come back."""
    folded = folded_company(company(3, customers=150, days=500))
    parts = stretches_of(folded)
    origin_ms = 1_735_689_600_000 + 480 * 24 * HOUR_MS
    people = joined(parts, origin_ms, PLAN)
    found = history_of(people, origin_ms, 6, bucket_ms=HOUR_MS)
    spans = list(zip(*(column.tolist() for column in people[4:]), strict=True))

    def there(at_ms: int) -> dict[int, int]:
        return {customer: mrr for customer, start, end, mrr in spans if start < at_ms <= end}

    for month in range(6):
        before, after = there(origin_ms - (month + 1) * MONTH_MS), there(origin_ms - month * MONTH_MS)
        assert found.there[month].sum() == len(before)
        assert found.gone[month].sum() == len(before.keys() - after.keys())
        assert found.arrived[month].sum() == len(after.keys() - before.keys())
        assert found.arrived_mrr[month].sum() == sum(after[each] for each in after.keys() - before.keys())
        stayed = before.keys() & after.keys()
        assert found.stayed_mrr_before[month] == sum(before[each] for each in stayed)
        assert found.stayed_mrr_after[month] == sum(after[each] for each in stayed)
    assert (found.now.sum(), found.now_mrr.sum()) == stock_at(people, origin_ms)
    assert stock_at(people, origin_ms) == (len(there(origin_ms)), sum(there(origin_ms).values()))


def test_what_interrupts_a_stay_within_a_bucket_makes_nobody_young_again() -> None:
    """A plan switched by ending and beginning within the hour would put an old customer at a newcomer's risk."""
    names, month_ms = Names(), 5 * MONTH_MS
    plan = names.plan("pro")
    first, whose = np.zeros(2, np.int64), np.array([0, 0, 1, 1])
    start_ms = np.array([0, month_ms + 2_000, 0, month_ms + HOUR_MS])
    end_ms = np.array([month_ms + 1_000, OPEN_MS, month_ms + 1_000, OPEN_MS])
    mrr = np.full(4, 900)
    stretches = Stretches(names, first, np.full(2, plan), first, mrr[:2], whose, start_ms, end_ms, mrr)
    at_ms = 8 * MONTH_MS
    found = history_of(joined([stretches], at_ms, PLAN), at_ms, 1, bucket_ms=HOUR_MS)
    assert np.argwhere(found.now).tolist() == [[plan, 2], [plan, 8]]


def test_a_forecast_sees_nothing_that_came_later_and_is_the_same_each_time() -> None:
    """Else the past would be forecast better than the future."""
    parts = invented(1)
    origin_ms = 18 * MONTH_MS
    people = joined(parts, origin_ms, PLAN)
    known = joined([as_of(part, origin_ms) for part in parts], origin_ms, PLAN)
    histories = (history_of(each, origin_ms, 12, bucket_ms=HOUR_MS) for each in (people, known))
    first, second = (forecast(each, origin_ms, runs=200) for each in histories)
    assert first == second
    assert [month.at_ms for month in first] == [origin_ms + (n + 1) * MONTH_MS for n in range(12)]
    assert all(month.mrr[1] <= month.mrr[0] <= month.mrr[2] for month in first)
    widths = [month.customers[2] - month.customers[1] for month in first]
    assert widths[-1] > widths[0]


def test_bands_hold_about_what_they_promise() -> None:
    """Of four companies together: months of one company are much alike."""
    holds: list[bool] = []
    for seed in range(4):
        found = held_out_months(invented(seed, months=22), 22 * MONTH_MS, HOUR_MS)
        assert {each.origin for each in found} == set(range(1, 13))
        holds += [held for each in widened(found) for held in (each.holds_customers, each.holds_mrr)]
    assert 0.65 <= sum(holds) / len(holds) <= 0.95


def test_a_company_that_nobody_leaves_grows_by_who_comes() -> None:
    """The middle is what arithmetic says: thirty a month, each with the mean MRR of the plans."""
    parts = invented(2, churn=0.0, months=24)
    people = joined(parts, 24 * MONTH_MS, PLAN)
    customers, mrr = stock_at(people, 24 * MONTH_MS)
    *_, last = forecast(history_of(people, 24 * MONTH_MS, 12, bucket_ms=HOUR_MS), 24 * MONTH_MS)
    assert last.customers[0] == pytest.approx(customers + 12 * 30, rel=0.1)
    assert last.mrr[0] == pytest.approx(mrr + 12 * 30 * 2_900, rel=0.12)
    assert last.customers[1] >= customers


def held(came: int, origin: int) -> HeldOut:
    """Return a month that was forecast as 100, from 90 to 110."""
    band = (100.0, 90.0, 110.0)
    return HeldOut(origin, 1, Month(0, band, band), came, came)


def test_bands_are_widened_by_half_of_what_the_past_wanted() -> None:
    """On a scale of factors: four times too narrow widens twice."""
    assert widths_of([]) == EXACT
    assert widths_of([held(140, 1)]) == (2.0, 2.0)
    assert widths_of([held(100, 1)]) == (0.5, 0.5)
    found = widened([held(140, 1), held(110, 2)])
    assert [each.month.customers for each in found] == [(100.0, 90.0, 110.0), (100.0, 80.0, 120.0)]
    assert 0 < BAND < 1


def test_there_is_no_forecast_of_five_months() -> None:
    """A trend of a few months is none."""
    parts = invented(1, months=5)
    assert learnt_months(joined(parts, 5 * MONTH_MS, PLAN), 5 * MONTH_MS) < 6
    with pytest.raises(CheckFailed, match="and 6 are needed to learn from"):
        forecast_report(parts, at_ms=5 * MONTH_MS, bucket_ms=HOUR_MS, currency="USD")
    with pytest.raises(CheckFailed, match="there are 0 whole months"):
        forecast_report([], at_ms=5 * MONTH_MS, bucket_ms=HOUR_MS, currency="USD")


def test_a_young_company_is_forecast_without_a_word_on_how_good_that_is() -> None:
    """Six months are enough to learn from, and too few to forecast the past."""
    report = forecast_report(
        invented(1, months=7, rate=60), at_ms=13 * MONTH_MS // 2, bucket_ms=HOUR_MS, currency="USD"
    )
    assert report.coverage is None
    assert len(report.months) == 12
