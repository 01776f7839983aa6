"""Lifetime value against a plain sum over days, and its interval against companies whose value is known."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

from kpis.customer.state import decode
from kpis.population.value import Cell, ValueScan, sums_of, value_of
from schemas.events import NO_CUSTOMER
from schemas.instants import DAY_MS
from tests.unit.kpis.population.invented import company, folded_company

MONTH_DAYS = 365 / 12


def stays(seed: int, count: int, *, mean_days: float = 200.0, seen_days: int = 365) -> Counter[Cell]:
    """Return stays that end at a constant rate, begun over a year, each worth one of three MRRs."""
    random = Random(seed)
    found: Counter[Cell] = Counter()
    for _ in range(count):
        days, seen = int(random.expovariate(1 / mean_days)), random.randrange(1, seen_days)
        has_left = days < seen
        found[min(days, seen), has_left, 0 if has_left else random.choice((900, 4_900, 9_900))] += 1
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_value_is_the_area_under_the_curve_times_what_an_active_customer_brings(seed: int) -> None:
    """Neither the curve nor the area has any code in common with the other side."""
    cells = stays(seed, 300)
    flat = [(cell, n) for cell, count in cells.items() for n in range(count)]
    fitted = KaplanMeierFitter().fit([cell[0] for cell, _ in flat], [cell[1] for cell, _ in flat])
    longest = max(cell[0] for cell in cells)
    mean_days = restricted_mean_survival_time(fitted, t=longest)
    active = [cell[2] for cell, _ in flat if not cell[1]]
    found = value_of(cells)
    assert found.customers == len(active)
    assert found.arpa == pytest.approx(sum(active) / len(active), rel=1e-12)
    assert found.mean_days == pytest.approx(mean_days, rel=1e-9)
    assert found.value == pytest.approx(mean_days * sum(active) / len(active) / MONTH_DAYS, rel=1e-9)


def test_interval_holds_the_value_as_often_as_it_says() -> None:
    """A range that is too narrow is worse than none."""
    truth = value_of(stays(99, 60_000)).value
    assert truth is not None
    held = 0
    for seed in range(40):
        interval = value_of(stays(seed, 400)).interval
        held += interval is not None and interval.low <= truth <= interval.high
    assert 33 <= held <= 40


def test_nobody_has_no_value() -> None:
    """No data is not a value of zero."""
    nobody = value_of(Counter())
    assert (nobody.value, nobody.interval, nobody.customers) == (None, None, 0)
    left = value_of(Counter({(5, True, 0): 3}))
    assert (left.value, left.mean_days) == (None, 5.0)


def test_cost_is_paid_back_on_the_day_on_which_so_much_was_brought() -> None:
    """Told by the same curve, day by day."""
    folded = folded_company(company(4, customers=200))
    at_ms = 1_735_689_600_000 + 400 * DAY_MS
    scan = ValueScan(at_ms=at_ms, bucket_ms=folded.windows.bucket_ms, what=folded.what, dimensions=("channel", "plan"))
    for names, states in zip(folded.names, folded.states, strict=True):
        for customer_id, state in states.items():
            assert customer_id != NO_CUSTOMER
            scan.take(names, decode(state))
    found = {
        dimension: {name: value_of(cells) for name, cells in by.items()} for dimension, by in scan.segments.items()
    }
    assert {dimension: set(values) for dimension, values in found.items()} == {
        "channel": {"ads", "organic", "partner"},
        "plan": {"basic", "pro", "team"},
    }
    for values in found.values():
        assert sum(value.customers for value in values.values()) == value_of(scan.stays).customers
    whole = found["channel"]["ads"]
    assert whole.value is not None
    assert whole.arpa is not None
    cost = whole.value / 2
    cells = scan.segments["channel"]["ads"]
    days = sums_of(cells).payback_days(cost)
    assert days is not None
    flat = [cell for cell, count in cells.items() for _ in range(count)]
    fitted = KaplanMeierFitter().fit([cell[0] for cell in flat], [cell[1] for cell in flat])
    brought = [restricted_mean_survival_time(fitted, t=day) * whole.arpa / MONTH_DAYS for day in (days - 1, days)]
    assert brought[0] < cost <= brought[1] + 1e-6
    assert sums_of(cells).payback_days(2 * whole.value) is None


def test_cost_of_nothing_is_paid_back_at_once_and_another_never_without_revenue() -> None:
    """A free plan with a channel that costs nothing is no reason to fail."""
    free: Counter[Cell] = Counter({(5, False, 0): 3, (7, True, 0): 1})
    assert (value_of(free).value, sums_of(free).payback_days(0), sums_of(free).payback_days(1)) == (0.0, 0, None)
    assert sums_of(Counter({(5, True, 0): 3})).payback_days(0) is None
