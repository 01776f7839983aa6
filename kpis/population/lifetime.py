"""Lifetime: how long customers stay, by the Kaplan-Meier estimate over episodes of activity.

What is computed are integers, the ends and the open episodes by day; the estimate is a pure function of them.
Pure. Definitions: docs/definitions.md, section "Cohorts and lifetime".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Ints
from kpis.population.episodes import OPEN_MS, Stretches, episodes_of, joined
from schemas.instants import DAY_MS

CONFIDENCE: Final = 0.95


class Interval(NamedTuple):
    """Bounds of a proportion, as fractions in [0, 1]."""

    low: float
    high: float


class Durations(NamedTuple):
    """Episodes by how long they have lasted (whole days): `deaths[n]` have ended, `censored[n]` are still open."""

    deaths: Mapping[int, int]
    censored: Mapping[int, int]

    @property
    def episodes(self) -> int:
        """Return the number of episodes."""
        return sum(self.deaths.values()) + sum(self.censored.values())


class Point(NamedTuple):
    """The curve from a day on: `survival` is the share of episodes that last longer than `days`.

    `interval` is absent where nobody has left so far, and where nobody is left. `variance` is that of `survival`, by
    Greenwood.
    """

    days: int
    at_risk: int
    deaths: int
    censored: int
    survival: float
    interval: Interval | None
    variance: float = 0.0


class Lifetime(NamedTuple):
    """A survival curve, one point for each duration that was observed, in order."""

    points: tuple[Point, ...]

    @property
    def longest_days(self) -> int | None:
        """The longest duration observed (days)."""
        return self.points[-1].days if self.points else None

    def median_days(self) -> int | None:
        """Return the first day by which half of the episodes have ended; None where more than half last on."""
        return next((point.days for point in self.points if point.survival <= 0.5), None)

    def restricted_mean_days(self) -> float | None:
        """Return the mean duration when none is counted beyond the longest observed: the area under the curve."""
        if not self.points:
            return None
        area, before, survival = 0.0, 0, 1.0
        for point in self.points:
            area += (point.days - before) * survival
            before, survival = point.days, point.survival
        return area

    def at(self, days: int) -> Point | None:
        """Return the point that holds at a day; None beyond the longest duration, unless nobody is left by then."""
        if not self.points:
            return None
        last = self.points[-1]
        if days > last.days and last.survival > 0:
            return None
        held = [point for point in self.points if point.days <= days]
        return held[-1] if held else Point(0, self.points[0].at_risk, 0, 0, 1.0, None)


def durations(
    stretches: Sequence[Stretches], *, at_ms: int, bucket_ms: int, dimension: str | None = None
) -> dict[str, Durations]:
    """Return the durations of all episodes that began before an instant, by value of a dimension.

    Args:
        stretches: Of each partition.
        at_ms: T (ms since 1970), a boundary of buckets: what ends at T or later is open.
        bucket_ms: Length of a bucket (ms): what interrupts within one ends no episode.
        dimension: Whose values get durations of their own; None makes one, of all episodes, under the value "".
    """
    people = joined(stretches, at_ms, dimension)
    episodes = episodes_of(people, bucket_ms)
    is_open = episodes.end_ms == OPEN_MS
    days = (np.where(is_open, at_ms, episodes.end_ms) - episodes.start_ms) // DAY_MS
    value = people.value[episodes.customer]
    out: dict[str, Durations] = {}
    order = np.argsort(value, kind="stable")
    edges = np.searchsorted(value[order], np.arange(len(people.values) + 1))
    for number, name in enumerate(people.values):
        mine = order[edges[number] : edges[number + 1]]
        if len(mine) or dimension is None:
            out[name] = Durations(_by_day(days[mine][~is_open[mine]]), _by_day(days[mine][is_open[mine]]))
    return out


def _by_day(days: Ints) -> dict[int, int]:
    found, counts = np.unique(days, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def survival(found: Durations) -> Lifetime:
    """Return the Kaplan-Meier estimate.

    At each duration deaths come before censorings: an episode that is still open after n days was at risk of ending
    on day n. The interval is Greenwood's variance on the log(-log) scale, so that it stays within 0 and 1.

    Args:
        found: Episodes by duration, counts that are not negative.

    Returns:
        A point for each duration; none where there are no episodes.

    Source: Kaplan and Meier (1958), J. Am. Stat. Assoc. 53, 457-481; Greenwood (1926), Reports on Public Health and
    Medical Subjects 33; Kalbfleisch and Prentice (1980), The Statistical Analysis of Failure Time Data, chapter 1.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    at_risk = found.episodes
    # The product is kept exact: a curve that reaches one half has to do so to the last digit.
    numerator = denominator = 1
    greenwood = 0.0
    points: list[Point] = []
    for days in sorted({*found.deaths, *found.censored}):
        deaths, censored = found.deaths.get(days, 0), found.censored.get(days, 0)
        assert deaths >= 0 <= censored, (days, deaths, censored)
        if not deaths + censored:
            continue
        if deaths:
            numerator, denominator = numerator * (at_risk - deaths), denominator * at_risk
        estimate = numerator / denominator
        if deaths < at_risk:
            greenwood += deaths / (at_risk * (at_risk - deaths))
        interval = _interval(estimate, greenwood, z)
        points.append(Point(days, at_risk, deaths, censored, estimate, interval, estimate * estimate * greenwood))
        at_risk -= deaths + censored
    return Lifetime(tuple(points))


def _interval(estimate: float, greenwood: float, z: float) -> Interval | None:
    if not 0 < estimate < 1:
        return None
    logarithm = math.log(estimate)
    spread = z * math.sqrt(greenwood) / logarithm  # not positive
    middle = math.log(-logarithm)
    return Interval(math.exp(-math.exp(middle - spread)), math.exp(-math.exp(middle + spread)))
