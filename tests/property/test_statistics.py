"""What holds for statistics whatever the counts are."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.property.cases import bounded
from tests.recount.statistics import (
    Opinions,
    churn_spike_z,
    nps_fall_z,
    overdispersion,
    target_of_window,
    two_proportion_z,
    wilson_interval,
)

COUNTS = st.integers(0, 10**9)
MEMBERSHIPS = st.floats(0, 1)
WIDTHS = st.floats(0.1, 6)
OPINIONS = st.builds(Opinions, *(st.integers(0, 500) for _ in range(3)))
DAYS = st.lists(st.integers(0, 5_000), min_size=29, max_size=29)
CUSTOMERS = st.lists(st.integers(1, 10**7), min_size=5, max_size=5)


@bounded(200)
@given(COUNTS, COUNTS, WIDTHS)
def test_the_wilson_interval_holds_the_share_and_stays_within_0_and_1(one: int, other: int, z: float) -> None:
    """A bound outside would compare with a target as nothing can."""
    successes, trials = min(one, other), max(one, other)
    interval = wilson_interval(successes=successes, trials=trials, z=z)
    if interval is None:
        assert trials == 0
        return
    share = successes / trials
    assert 0 <= interval.low <= share + 1e-12
    assert share - 1e-12 <= interval.high <= 1
    mirrored = wilson_interval(successes=trials - successes, trials=trials, z=z)
    assert mirrored is not None
    assert interval == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-9)


@bounded(200)
@given(st.integers(0, 10**6), st.integers(1, 10**6), WIDTHS)
def test_the_bounds_of_wilson_solve_the_equation_that_defines_them(one: int, other: int, z: float) -> None:
    """Each bound is the share whose own standard deviation lies z times between it and what was seen."""
    successes, trials = min(one, other), max(one, other)
    interval = wilson_interval(successes=successes, trials=trials, z=z)
    assert interval is not None
    for bound in interval:
        deviation = z * math.sqrt(bound * (1 - bound) / trials)
        assert abs(successes / trials - bound) == pytest.approx(deviation, abs=1e-7)


@bounded(150)
@given(COUNTS, COUNTS, WIDTHS, st.floats(1.01, 3))
def test_more_confidence_makes_a_wider_interval(one: int, other: int, z: float, wider: float) -> None:
    """What pages must warn too: the bound at 3 lies beyond that at 1.96."""
    successes, trials = min(one, other), max(1, one, other)
    narrow = wilson_interval(successes=successes, trials=trials, z=z)
    wide = wilson_interval(successes=successes, trials=trials, z=z * wider)
    assert narrow is not None
    assert wide is not None
    assert wide.low <= narrow.low + 1e-12
    assert narrow.high <= wide.high + 1e-12


@bounded(150)
@given(st.lists(st.integers(0, 10_000), min_size=4, max_size=4))
def test_the_score_of_two_proportions_changes_its_sign_with_their_order(drawn: list[int]) -> None:
    """A segment departs from the others as far as they do from it."""
    (successes, trials), (others, other_trials) = sorted(drawn[:2]), sorted(drawn[2:])
    z = two_proportion_z(successes=successes, trials=trials, other_successes=others, other_trials=other_trials)
    back = two_proportion_z(successes=others, trials=other_trials, other_successes=successes, other_trials=trials)
    if z is None:
        assert back is None
        return
    assert back == pytest.approx(-z)
    assert (z > 0) == (successes * other_trials > others * trials)
    chi_squared = (
        (trials + other_trials)
        * (successes * (other_trials - others) - others * (trials - successes)) ** 2
        / (trials * other_trials * (successes + others) * (trials + other_trials - successes - others))
    )
    assert z * z == pytest.approx(chi_squared, rel=1e-9, abs=1e-12)


@bounded(150)
@given(DAYS, CUSTOMERS, st.integers(1, 1_000))
def test_a_spike_grows_with_the_last_day_and_shrinks_with_the_days_before(
    days: list[int], customers: list[int], more: int
) -> None:
    """Whoever looks at the score compares days by it."""
    z = churn_spike_z(cancellations=days, customers_at_start=customers)
    higher = churn_spike_z(cancellations=[days[0] + more, *days[1:]], customers_at_start=customers)
    assert z is not None
    assert higher is not None
    assert higher > z
    expected = sum(days[7 * week] * customers[0] / customers[week] for week in range(1, 5)) / 4
    assert (z > 0) == (days[0] > expected) or z == pytest.approx(0, abs=1e-9)


@bounded(100)
@given(st.lists(st.integers(0, 5_000), min_size=28, max_size=28), st.integers(0, 27))
def test_overdispersion_depends_on_weekdays_and_is_never_below_1(counts: list[int], by: int) -> None:
    """Turned by whole weeks the days are the same days; a calm month must not sharpen the score."""
    turned = counts[7 * (by % 4) :] + counts[: 7 * (by % 4)]
    assert overdispersion(counts) >= 1
    assert overdispersion(turned) == pytest.approx(overdispersion(counts))


@bounded(150)
@given(OPINIONS, OPINIONS)
def test_the_score_of_an_nps_turns_with_its_windows_and_with_its_poles(now: Opinions, before: Opinions) -> None:
    """A fall seen from the other end is a rise; and so is one where promoters are called detractors."""
    z = nps_fall_z(now=now, before=before)
    back = nps_fall_z(now=before, before=now)
    poles = nps_fall_z(
        now=now._replace(promoters=now.detractors, detractors=now.promoters),
        before=before._replace(promoters=before.detractors, detractors=before.promoters),
    )
    assume(z is not None)
    assert z is not None
    assert back == pytest.approx(-z)
    assert poles == pytest.approx(-z)


@bounded(150)
@given(MEMBERSHIPS, st.floats(0.5, 400), st.floats(0.5, 400))
def test_targets_of_two_windows_make_that_of_both_together(target: float, days: float, more: float) -> None:
    """Who stays through the one and then the other has stayed through both."""
    stay = (1 - target_of_window(target, days)) * (1 - target_of_window(target, more))
    assert 1 - stay == pytest.approx(target_of_window(target, days + more), abs=1e-9)
    assert 0 <= target_of_window(target, days) <= 1
