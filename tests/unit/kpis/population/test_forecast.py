"""The next twelve months: history by month, bands that hold what comes, and what is said where there is too little."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from kpis.names import PLAN, Names
from kpis.population.episodes import OPEN_MS, Stretches, as_of, joined
from kpis.population.forecast import BAND, LEAST_MONTHS, forecast
from kpis.population.forecast_trials import held_out_months
from kpis.population.monthly_history import HOUR_MS, MONTH_MS, MonthlyHistory, history_of, whole_months
from kpis.population.monthly_levels import SEEN_MONTHS
from streams.errors import CheckFailed
from tenure.reports.forecast import forecast_report
from tests.property.test_cohorts_and_lifetime import stretches_of
from tests.unit.kpis.population.invented import company, folded_company
from tests.unit.kpis.population.monthly_companies import FURTHER, KINDS, coverage, held_out, invented_company


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
        gone = before.keys() - after.keys()
        assert found.gone_mrr[month] == sum(before[each] for each in gone)
        assert found.total(month + 1) == (len(before), sum(before.values()))
    assert found.total() == (len(there(origin_ms)), sum(there(origin_ms).values()))


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
    assert np.argwhere(found.stock[0]).tolist() == [[plan, 2], [plan, 8]]


def test_a_forecast_sees_nothing_that_came_later_and_is_the_same_each_time() -> None:
    """Else the past would be forecast better than the future."""
    parts = invented(1)
    origin_ms = 18 * MONTH_MS
    known = joined([as_of(part, origin_ms) for part in parts], origin_ms, PLAN)
    whole = history_of(joined(parts, 26 * MONTH_MS, PLAN), 26 * MONTH_MS, 24, bucket_ms=HOUR_MS)
    histories = (history_of(known, origin_ms, 12, bucket_ms=HOUR_MS).before(0, 12), whole.before(8, 12))
    first, second = (forecast(each, origin_ms, runs=200) for each in histories)
    assert first == second
    assert [month.at_ms for month in first] == [origin_ms + (n + 1) * MONTH_MS for n in range(12)]
    assert all(month.mrr[1] <= month.mrr[0] <= month.mrr[2] for month in first)
    widths = [month.customers[2] - month.customers[1] for month in first]
    assert widths[-1] > widths[0]


def test_a_plan_that_nobody_had_yet_is_not_in_an_earlier_history() -> None:
    """What an origin could not know of must not change what is drawn for it."""
    (found,) = invented(1)
    later = np.where(found.first_ms >= 20 * MONTH_MS, found.names.plan("team"), found.plan)
    parts = [found._replace(plan=later)]
    people = joined(parts, 26 * MONTH_MS, PLAN)
    whole = history_of(people, 26 * MONTH_MS, 24, bucket_ms=HOUR_MS)
    assert [whole.before(back, 12).stock.shape[1] for back in (0, 8)] == [3, 2]
    assert whole.before(0, 99).months == 24


def test_held_out_months_are_those_that_came() -> None:
    """Each as it would have been forecast from its origin, and the customers and the MRR of then."""
    parts = invented(3, months=22)
    people = joined(parts, 22 * MONTH_MS, PLAN)
    history = history_of(people, 22 * MONTH_MS, 21, bucket_ms=HOUR_MS)
    found = held_out_months(history, 22 * MONTH_MS)
    assert {each.origin for each in found} == set(range(1, 21 - LEAST_MONTHS + 1))
    assert {each.ahead for each in found} == set(range(1, 13))
    spans = list(zip(people.start_ms.tolist(), people.end_ms.tolist(), people.mrr.tolist(), strict=True))
    for each in found[::7]:
        at_ms = (22 - each.origin + each.ahead) * MONTH_MS
        there = [mrr for start, end, mrr in spans if start < at_ms <= end]
        assert (each.month.at_ms, each.customers, each.mrr) == (at_ms, len(there), sum(there))


@pytest.mark.parametrize("kinds", [("steady", "seasonal"), ("few customers", "young"), ("bursts", "slow wandering")])
def test_bands_hold_about_what_they_promise(kinds: tuple[str, ...]) -> None:
    """Of several companies together: months of one are much alike. Figures of more of them: docs/forecast.md."""
    found = [each for kind in kinds for each in held_out((KINDS | FURTHER)[kind], range(2))]
    customers, mrr = coverage(found)
    assert BAND - 0.15 <= customers <= BAND + 0.15
    assert BAND - 0.15 <= mrr <= BAND + 0.15


def test_a_season_of_three_years_is_carried_on() -> None:
    """A trend alone would take the summer for the beginning of the end."""
    kind = KINDS["many customers"]._replace(season=0.4, months=48)
    people = joined(invented_company(kind, 4), 48 * MONTH_MS, PLAN)
    whole = history_of(people, 48 * MONTH_MS, 47, bucket_ms=HOUR_MS)
    months = forecast(whole.before(12, SEEN_MONTHS), 36 * MONTH_MS)
    for ahead, month in enumerate(months, 1):
        assert month.customers[0] == pytest.approx(whole.total(12 - ahead)[0], rel=0.06)


def test_a_company_that_nobody_leaves_grows_by_who_comes() -> None:
    """The middle is what arithmetic says: thirty a month, each with the mean MRR of the plans."""
    parts = invented(2, churn=0.0, months=24)
    people = joined(parts, 24 * MONTH_MS, PLAN)
    history = history_of(people, 24 * MONTH_MS, 12, bucket_ms=HOUR_MS)
    customers, mrr = history.total()
    *_, last = forecast(history, 24 * MONTH_MS)
    assert last.customers[0] == pytest.approx(customers + 12 * 30, rel=0.1)
    assert last.mrr[0] == pytest.approx(mrr + 12 * 30 * 2_900, rel=0.12)
    assert last.customers[1] >= customers


@pytest.mark.parametrize(("rate", "prices", "ends"), [(0.4, 900, 30), (5.0, 0, 30), (5.0, 900, 14)])
def test_a_company_of_few_who_may_pay_nothing_or_be_gone_has_a_forecast(rate: float, prices: int, ends: int) -> None:
    """A filter may leave two customers, only free ones, or some who all left long ago."""
    (found,) = invented(5, months=20, rate=rate)
    mrr = np.where(found.mrr > 900, prices, 0)
    parts = [found._replace(mrr=mrr, mrr_start=mrr, end_ms=np.minimum(found.end_ms, ends * MONTH_MS))]
    report = forecast_report(parts, at_ms=20 * MONTH_MS, bucket_ms=HOUR_MS, currency="USD")
    numbers = [
        number for month in report.months for band in (month.customers, month.mrr) for number in (band.low, band.high)
    ]
    assert all(math.isfinite(number) and number >= 0 for number in numbers)
    assert report.coverage is not None
    assert report.mrr == 0 or prices
    assert (report.customers == 0) == (ends < 20)


def test_whoever_leaves_may_pay_less_than_others() -> None:
    """If it is the small ones who leave, MRR falls by less than customers do."""
    there = np.zeros((13, 1, 26), np.int64)
    there[:, 0, 12] = 1_000
    months = np.full(12, 50_000)
    history = MonthlyHistory(
        stock=there,
        stock_mrr=there * 100,
        stock_squares=there.astype(np.float64) * 10_000,
        gone=there[1:] // 20,
        arrived=np.zeros((12, 1), np.int64),
        arrived_mrr=np.zeros((12, 1), np.int64),
        gone_mrr=months // 20,
        stayed_mrr_before=months,
        stayed_mrr_after=months,
    )
    *_, last = forecast(history, 0)
    assert last.customers[0] == pytest.approx(1_000 * 0.95**12, rel=0.1)
    assert last.mrr[0] == pytest.approx(100_000 * 0.975**12, rel=0.1)


def test_there_is_no_forecast_of_five_months() -> None:
    """A trend of a few months is none."""
    parts = invented(1, months=5)
    assert whole_months(joined(parts, 5 * MONTH_MS, PLAN), 5 * MONTH_MS, 12) < LEAST_MONTHS
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
