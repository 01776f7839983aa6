"""Comparison of groups by how long they stay: the log-rank test, the difference of two curves, false discoveries.

Pure. What the estimate of a curve is: `kpis.population.lifetime`. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from kpis.population.lifetime import CONFIDENCE, Durations, Interval, Lifetime

#: Of what is reported no more than this share is expected to be false.
FALSE_DISCOVERIES: Final = 0.05
_Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class LogRank(NamedTuple):
    """The log-rank test: the chi-squared statistic, its degrees of freedom, and the p-value."""

    statistic: float
    degrees: int
    p: float


class Difference(NamedTuple):
    """The survival of one group at a day less that of another, with its 95 % interval."""

    value: float
    interval: Interval


def log_rank(groups: Sequence[Durations]) -> LogRank | None:
    """Return the test of whether groups leave at the same rate, at all durations together.

    Args:
        groups: Of each group the durations; those without any are left out.

    Returns:
        None where fewer than two groups are left, or nobody who could tell them apart has left.

    Source: Mantel (1966), Cancer Chemotherapy Reports 50, 163-170; Peto and Peto (1972), J. R. Stat. Soc. A 135,
    185-206.
    """
    groups = [group for group in groups if group.episodes]
    if len(groups) < 2:
        return None
    days = sorted({day for group in groups for day in group.deaths})
    deaths = np.array([[group.deaths.get(day, 0) for day in days] for group in groups], np.float64)
    at_risk = np.array([_at_risk(group, days) for group in groups], np.float64)
    died, there = deaths.sum(0), at_risk.sum(0)
    share = at_risk / there
    excess = (deaths - died * share).sum(1)[1:]
    weight = died * (there - died) / np.maximum(there - 1, 1)
    variance = (weight * share) @ -share.T + np.diag((weight * share).sum(1))
    variance = variance[1:, 1:]
    if np.linalg.matrix_rank(variance) < len(variance):
        return None
    statistic = float(excess @ np.linalg.solve(variance, excess))
    return LogRank(statistic, len(excess), chi_squared_tail(statistic, len(excess)))


def _at_risk(group: Durations, days: Sequence[int]) -> list[int]:
    """Return how many last at least so many days, of an ascending list of them."""
    lasted = np.array(sorted([*_repeated(group.deaths), *_repeated(group.censored)]), np.int64)
    before = np.searchsorted(lasted, np.array(days, np.int64))
    at_risk: list[int] = (len(lasted) - before).tolist()
    return at_risk


def _repeated(counts: Mapping[int, int]) -> list[int]:
    return [day for day, count in counts.items() for _ in range(count)]


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """Return the probability that a chi-squared variable of whole degrees of freedom exceeds a value.

    Source: Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 26.4.4 and 26.4.5.
    """
    assert degrees > 0, degrees
    half = max(statistic, 0.0) / 2
    if degrees % 2:
        total, term = math.erfc(math.sqrt(half)), 2 * math.sqrt(half / math.pi) * math.exp(-half)
    else:
        total, term = 0.0, math.exp(-half)
    # Even: e^-h (1 + h/1 + h²/(1·2) + …); odd: erfc + terms that grow by h over 3/2, 5/2, …
    for place in range(degrees // 2):
        total += term
        term *= half / (place + (1.5 if degrees % 2 else 1))
    return min(1.0, total)


def difference_at(one: Lifetime, other: Lifetime, days: int) -> Difference | None:
    """Return the difference of two curves at a day; None where one of them does not reach it.

    The variances of both, by Greenwood, are added: the groups have no customer in common.
    """
    first, second = one.at(days), other.at(days)
    if first is None or second is None:
        return None
    value = first.survival - second.survival
    spread = _Z * math.sqrt(first.variance + second.variance)
    return Difference(value, Interval(max(-1.0, value - spread), min(1.0, value + spread)))


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values so adjusted that those of at most a share q are discoveries of which no more than q are false.

    Args:
        p_values: Of all tests that were made, also those that nobody will report.

    Source: Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
    """
    count, least = len(p_values), 1.0
    out = [1.0] * count
    descending = sorted(range(count), key=p_values.__getitem__, reverse=True)
    for rank, place in zip(range(count, 0, -1), descending, strict=True):
        least = out[place] = min(least, p_values[place] * count / rank)
    return out
