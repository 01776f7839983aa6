"""Comparisons of curves against lifelines, SciPy and hand."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from scipy.stats import chi2, false_discovery_control

from kpis.population.comparison import FALSE_DISCOVERIES, adjusted, chi_squared_tail, difference_at, log_rank
from kpis.population.lifetime import Durations, survival

NOBODY = Durations({}, {})


def groups_of(seed: int, sizes: list[int]) -> tuple[list[Durations], list[tuple[int, int, bool]]]:
    """Return groups whose customers leave at different rates, and the same as (group, days, has left)."""
    random = Random(seed)
    found, flat = [], []
    for number, size in enumerate(sizes):
        mine = [(int(random.expovariate(1 / (30 + 20 * number))), random.random() < 0.6) for _ in range(size)]
        flat += [(number, days, left) for days, left in mine]
        deaths, censored = (Counter(days for days, left in mine if left is which) for which in (True, False))
        found.append(Durations(deaths, censored))
    return found, flat


@pytest.mark.parametrize("sizes", [[50, 50], [5, 200], [40, 30, 20, 60], [1, 1]])
@pytest.mark.parametrize("seed", range(4))
def test_log_rank_is_that_of_lifelines(seed: int, sizes: list[int]) -> None:
    """An implementation that others wrote, to nine digits, also of groups that are tiny."""
    groups, flat = groups_of(seed, sizes)
    ours = log_rank(groups)
    if ours is None:
        assert sizes == [1, 1]
        return
    numbers, days, left = zip(*flat, strict=True)
    theirs = multivariate_logrank_test(days, numbers, left)
    assert ours.statistic == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert ours.p == pytest.approx(theirs.p_value, rel=1e-9)
    assert ours.degrees == len(sizes) - 1


def test_log_rank_is_absent_where_there_is_nothing_to_compare() -> None:
    """No answer is better than one of nothing."""
    someone = Durations({3: 1}, {5: 2})
    for groups in ([], [someone], [someone, NOBODY], [Durations({}, {3: 2}), Durations({}, {4: 1})]):
        assert log_rank(groups) is None


@pytest.mark.parametrize("degrees", range(1, 9))
@pytest.mark.parametrize("statistic", [0.0, 0.1, 1.0, 3.84, 20.0, 200.0])
def test_tail_of_chi_squared_is_that_of_scipy(statistic: float, degrees: int) -> None:
    """It is worked out without SciPy, which takes a second to load."""
    assert chi_squared_tail(statistic, degrees) == pytest.approx(chi2.sf(statistic, degrees), rel=1e-9)


def test_a_difference_has_the_variances_of_both_curves() -> None:
    """Greenwood's, as lifelines has it."""
    groups, flat = groups_of(1, [80, 90])
    found = difference_at(survival(groups[0]), survival(groups[1]), 30)
    assert found is not None
    shares, variance = [], 0.0
    for number in range(2):
        mine = [(days, left) for group, days, left in flat if group == number]
        fitted = KaplanMeierFitter().fit([days for days, _ in mine], [left for _, left in mine])
        table = fitted.event_table.loc[:30]
        share = float(fitted.predict(30))
        died, there = table["observed"], table["at_risk"]
        variance += share**2 * float((died / (there * (there - died))).sum())
        shares.append(share)
    spread = 1.959963984540054 * math.sqrt(variance)
    assert found.value == pytest.approx(shares[0] - shares[1], rel=1e-9)
    assert found.interval.low == pytest.approx(found.value - spread, rel=1e-9)
    assert found.interval.high == pytest.approx(found.value + spread, rel=1e-9)
    assert difference_at(survival(groups[0]), survival(NOBODY), 30) is None


def test_adjusted_p_values_are_those_of_the_paper_and_of_scipy() -> None:
    """The fifteen p-values of Benjamini and Hochberg (1995), section 3.2: four are discoveries at 5 %."""
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262]
    published += [0.5719, 0.6528, 0.7590, 1.0000]
    assert [p <= FALSE_DISCOVERIES for p in adjusted(published)] == [True] * 4 + [False] * 11
    random = Random(3)
    for count in (1, 2, 30):
        p_values = [random.choice([random.random(), 0.01, 0.5]) for _ in range(count)]
        assert adjusted(p_values) == pytest.approx(false_discovery_control(p_values).tolist(), rel=1e-12)
    assert adjusted([]) == []
