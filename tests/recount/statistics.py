"""Statistics that decide whether a number is worth a page: intervals, scores, and targets on other windows.

What Prometheus's rules work out, once more from the formulas. A score that cannot be formed is None, never 0.
Definitions: the KPI definitions, section 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

_WEEK_DAYS: Final = 7
#: Same weekdays that the last day is compared with, at most.
SPIKE_WEEKS: Final = 4
_SPIKE_DAYS: Final = SPIKE_WEEKS * _WEEK_DAYS
_ANSCOMBE: Final = 3 / 8


class Interval(NamedTuple):
    """Bounds of a proportion, as fractions in [0, 1]."""

    low: float
    high: float


class Opinions(NamedTuple):
    """Answered NPS surveys of one window (counts)."""

    promoters: int
    passives: int
    detractors: int


def wilson_interval(*, successes: int, trials: int, z: float = 1.96) -> Interval | None:
    """Return the Wilson score interval of a proportion.

    Args:
        successes: Of the trials, those that count: customers lost, for churn (count, 0 <= successes <= trials).
        trials: Customers at the start of the window, for churn (count).
        z: Half the interval's width, in standard deviations: 1.96 covers 95 %.

    Returns:
        Bounds as fractions in [0, 1]; None when trials is 0: no data is not zero churn.

    Raises:
        AssertionError: Successes exceed trials; the caller is wrong.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212.
    """
    assert 0 <= successes <= trials, (successes, trials)
    if not trials:
        return None
    share, square = successes / trials, z * z
    middle = share + square / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    # At the edges the bound is the edge itself; sums of floats miss it by a last digit.
    low = max(0.0, (middle - spread) / whole) if successes else 0.0
    high = min(1.0, (middle + spread) / whole) if successes < trials else 1.0
    return Interval(low, high)


def two_proportion_z(*, successes: int, trials: int, other_successes: int, other_trials: int) -> float | None:
    """Return by how many standard deviations a proportion exceeds another one, with the variance of both together.

    Args:
        successes: Customers lost of a segment (count, 0 <= successes <= trials).
        trials: Customers of the segment at the start (count).
        other_successes: Customers lost of all other segments (count).
        other_trials: Customers of all other segments at the start (count).

    Returns:
        Positive where the first is the larger; None where one has no trials, or all trials had the same outcome.

    Raises:
        AssertionError: Successes exceed trials; the caller is wrong.

    Source: Pearson (1900), Philosophical Magazine 50, 157-175, whose chi-squared of the four counts is its square.
    """
    assert 0 <= successes <= trials, (successes, trials)
    assert 0 <= other_successes <= other_trials, (other_successes, other_trials)
    both = successes + other_successes
    if not trials or not other_trials or both in (0, trials + other_trials):
        return None
    pooled = both / (trials + other_trials)
    variance = pooled * (1 - pooled) * (1 / trials + 1 / other_trials)
    return (successes / trials - other_successes / other_trials) / math.sqrt(variance)


def churn_spike_z(*, cancellations: Sequence[int], customers_at_start: Sequence[int]) -> float | None:
    """Return by how many standard deviations the last day's cancellations exceed what its weekday leads to expect.

    The expected number e is the mean of the same weekdays of up to four weeks before, each scaled to the customers
    of now. After Anscombe's transformation the difference of two Poisson counts deviates by about 1; days that
    scatter more than Poisson's widen it by phi, their variance about their weekdays' means over their mean, at
    least 1.

    Args:
        cancellations: By days ago, 0 to 28 (count); days before there were customers have 0.
        customers_at_start: Customers at the start of the days 0, 7, 14, 21 and 28 ago (count); 0 where the stream had
            not begun.

    Returns:
        The score; None before the first full week.

    Raises:
        AssertionError: Too few or too many days; the caller is wrong.

    Source: Anscombe (1948), Biometrika 35, 246-254.
    """
    assert len(cancellations) == _SPIKE_DAYS + 1, len(cancellations)
    assert len(customers_at_start) == SPIKE_WEEKS + 1, len(customers_at_start)
    now, *then = customers_at_start
    scaled = [
        cancellations[_WEEK_DAYS * (week + 1)] * now / customers for week, customers in enumerate(then) if customers
    ]
    if not scaled:
        return None
    expected = math.fsum(scaled) / len(scaled)
    widened = overdispersion(cancellations[1:]) * (1 + 1 / len(scaled))
    return 2 * (math.sqrt(cancellations[0] + _ANSCOMBE) - math.sqrt(expected + _ANSCOMBE)) / math.sqrt(widened)


def overdispersion(counts: Sequence[int]) -> float:
    """Return how much more than Poisson's the counts of 28 days scatter about their weekdays' means; at least 1.

    Args:
        counts: Of 28 days in a row (count).

    Returns:
        The variance, with a degree of freedom less for each weekday, over the mean; 1 where it is below, or all are 0.
    """
    assert len(counts) == _SPIKE_DAYS, len(counts)
    mean = sum(counts) / _SPIKE_DAYS
    if not mean:
        return 1.0
    weekday_means = [sum(counts[day::_WEEK_DAYS]) / SPIKE_WEEKS for day in range(_WEEK_DAYS)]
    squares = math.fsum((count - weekday_means[n % _WEEK_DAYS]) ** 2 for n, count in enumerate(counts))
    return max(1.0, squares / (_SPIKE_DAYS - _WEEK_DAYS) / mean)


def nps(opinions: Opinions) -> float | None:
    """Return the net promoter score, in [-1, 1]; None without answers."""
    answered = sum(opinions)
    return (opinions.promoters - opinions.detractors) / answered if answered else None


def nps_fall_z(*, now: Opinions, before: Opinions) -> float | None:
    """Return by how many standard deviations the NPS of a window exceeds that of the window before it.

    Args:
        now: Answers of the window.
        before: Answers of the window before.

    Returns:
        Negative where the NPS fell; None where a window has no answers, or neither has any variance.

    Source: the variance of a difference of two shares of one multinomial sample, (p + q - (p - q)^2) / n; as Rocks
    (2016), Am. Stat. 70, 365-372, who calls it Wald's.
    """
    score, score_before = nps(now), nps(before)
    if score is None or score_before is None:
        return None
    variance = _nps_variance(now) + _nps_variance(before)
    return (score - score_before) / math.sqrt(variance) if variance > 0 else None


def _nps_variance(opinions: Opinions) -> float:
    """Return the variance of an NPS, from integers: it is exactly 0 where all answers are alike."""
    answered: int = sum(opinions)
    poles = opinions.promoters + opinions.detractors
    difference = opinions.promoters - opinions.detractors
    return (poles * answered - difference * difference) / (answered * answered * answered)


def target_of_window(target_30d: float, days: float) -> float:
    """Return what a churn target of thirty days means in a window of another length: 1 - (1 - p)^(d / 30).

    Args:
        target_30d: The share that may be lost in thirty days, in [0, 1].
        days: Length of the window (days, above 0).

    Returns:
        The share that may be lost in the window, in [0, 1].

    Raises:
        AssertionError: The target is no share, or the window has no length.

    Source: a constant hazard, so that who stays through each of the windows stays through all of them.
    """
    assert 0 <= target_30d <= 1, target_30d
    assert days > 0, days
    staying: float = (1 - target_30d) ** (days / 30)
    return 1 - staying
