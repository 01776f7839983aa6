"""Statistics by hand and by published examples."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tests.recount.statistics import (
    Opinions,
    churn_spike_z,
    nps,
    nps_fall_z,
    overdispersion,
    target_of_window,
    two_proportion_z,
    wilson_interval,
)

STEADY = [10] * 29
CUSTOMERS = [1_000] * 5


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Source: Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_the_wilson_interval_is_the_published_one(successes: int, trials: int, low: str, high: str) -> None:
    """Four of the examples by which methods are compared."""
    interval = wilson_interval(successes=successes, trials=trials, z=1.959964)
    assert interval is not None
    assert (f"{interval.low:.4f}", f"{interval.high:.4f}") == (low, high)


def test_no_trials_have_no_interval_and_all_trials_reach_the_edge() -> None:
    """No data is not zero churn; and a bound beyond 1 would never be reached by a target."""
    assert wilson_interval(successes=0, trials=0) is None
    everyone, nobody = (wilson_interval(successes=n, trials=7, z=3) for n in (7, 0))
    assert everyone is not None
    assert nobody is not None
    assert (everyone.high, nobody.low) == (1.0, 0.0)
    assert [everyone.low, nobody.high] == pytest.approx([7 / 16, 9 / 16])


def test_two_proportions_differ_by_the_root_of_pearson_s_chi_squared() -> None:
    """30 of 100 against 15 of 100: chi-squared is 200 (30 x 85 - 15 x 70)^2 / (100 x 100 x 45 x 155)."""
    z = two_proportion_z(successes=30, trials=100, other_successes=15, other_trials=100)
    assert z is not None
    assert z == pytest.approx(math.sqrt(200 * (30 * 85 - 15 * 70) ** 2 / (100 * 100 * 45 * 155)))
    assert two_proportion_z(successes=15, trials=100, other_successes=30, other_trials=100) == pytest.approx(-z)


@pytest.mark.parametrize("counts", [(0, 0, 3, 9), (3, 9, 0, 0), (0, 9, 0, 9), (9, 9, 4, 4)])
def test_proportions_without_trials_or_without_variance_have_no_score(counts: tuple[int, int, int, int]) -> None:
    """A segment that is all there is departs from nobody."""
    successes, trials, others, other_trials = counts
    found = two_proportion_z(
        successes=successes, trials=trials, other_successes=others, other_trials=other_trials
    )  # fmt: skip
    assert found is None


def test_a_spike_is_scored_against_the_same_weekdays() -> None:
    """By hand: e = 10, phi = 1, z = 2 (sqrt(25 + 3/8) - sqrt(10 + 3/8)) / sqrt(1 + 1/4)."""
    expected = 2 * (math.sqrt(25.375) - math.sqrt(10.375)) / math.sqrt(1.25)
    assert churn_spike_z(cancellations=[25, *STEADY[1:]], customers_at_start=CUSTOMERS) == pytest.approx(expected)
    assert churn_spike_z(cancellations=STEADY, customers_at_start=CUSTOMERS) == 0.0


def test_a_weekday_that_is_always_high_is_no_spike() -> None:
    """Mondays, when the bills are sent, must not page every week."""
    mondays = [40 if day % 7 == 0 else 5 for day in range(29)]
    assert churn_spike_z(cancellations=mondays, customers_at_start=CUSTOMERS) == 0.0
    assert overdispersion(mondays[1:]) == 1.0


def test_the_expected_number_grows_with_the_customers() -> None:
    """Twice as many customers may have twice as many cancellations."""
    customers = [2_000, 1_000, 1_000, 1_000, 1_000]
    assert churn_spike_z(cancellations=[20, *STEADY[1:]], customers_at_start=customers) == 0.0


def test_weeks_before_the_stream_began_do_not_count() -> None:
    """Only one week is known: it alone is what the last day is compared with, and for the less the score counts."""
    cancellations = [25, *([10] * 7), *([0] * 21)]
    phi = overdispersion(cancellations[1:])
    expected = 2 * (math.sqrt(25.375) - math.sqrt(10.375)) / math.sqrt(phi * 2)
    found = churn_spike_z(cancellations=cancellations, customers_at_start=[1_000, 900 + 100, 0, 0, 0])
    assert found == pytest.approx(expected)
    assert churn_spike_z(cancellations=cancellations, customers_at_start=[1_000, 0, 0, 0, 0]) is None


def test_days_that_scatter_more_than_poisson_s_lower_the_score() -> None:
    """By hand: each weekday had 0, 0, 20, 20; squares 28 x 100, variance 2800 / 21, mean 10."""
    scattered = [0] * 14 + [20] * 14
    assert overdispersion(scattered) == pytest.approx(2800 / 21 / 10)
    assert overdispersion([0] * 28) == 1.0
    calm = churn_spike_z(cancellations=[25, *STEADY[1:]], customers_at_start=CUSTOMERS)
    wild = churn_spike_z(cancellations=[25, *scattered], customers_at_start=CUSTOMERS)
    assert calm is not None
    assert wild == pytest.approx(calm / math.sqrt(2800 / 21 / 10))


def test_an_nps_that_falls_is_scored_by_the_variance_of_both() -> None:
    """By hand: 50, 30, 20 of 100 is 0.3 with (0.7 - 0.09) / 100; 30, 30, 40 is -0.1 with (0.7 - 0.01) / 100."""
    before, now = Opinions(50, 30, 20), Opinions(30, 30, 40)
    assert [nps(before), nps(now)] == pytest.approx([0.3, -0.1])
    assert nps_fall_z(now=now, before=before) == pytest.approx(-0.4 / math.sqrt(0.0061 + 0.0069))


def test_an_nps_without_answers_or_variance_has_no_score() -> None:
    """Two windows of nothing but promoters are equal, not infinitely far apart."""
    some, none, alike = Opinions(1, 2, 3), Opinions(0, 0, 0), Opinions(7, 0, 0)
    assert nps(none) is None
    assert [nps_fall_z(now=some, before=none), nps_fall_z(now=none, before=some)] == [None, None]
    assert nps_fall_z(now=alike, before=alike) is None


def test_a_target_of_thirty_days_means_more_in_a_longer_window() -> None:
    """5 % a month is 46 % a year, not 60 %."""
    assert target_of_window(0.05, 30) == pytest.approx(0.05)
    assert f"{target_of_window(0.05, 365):.3f}" == "0.464"
    assert f"{target_of_window(0.05, 1):.5f}" == "0.00171"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: wilson_interval(successes=8, trials=7),
        lambda: wilson_interval(successes=-1, trials=7),
        lambda: two_proportion_z(successes=8, trials=7, other_successes=0, other_trials=1),
        lambda: two_proportion_z(successes=1, trials=7, other_successes=2, other_trials=1),
        lambda: churn_spike_z(cancellations=STEADY[1:], customers_at_start=CUSTOMERS),
        lambda: churn_spike_z(cancellations=STEADY, customers_at_start=CUSTOMERS[1:]),
        lambda: overdispersion(STEADY),
        lambda: target_of_window(1.5, 30),
        lambda: target_of_window(0.5, 0),
    ],
)
def test_counts_that_cannot_be_are_our_own_error(wrong: Callable[[], object]) -> None:
    """A share above 1 comes from a mistake of ours, and must not become an alert."""
    with pytest.raises(AssertionError):
        wrong()
