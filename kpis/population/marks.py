"""Marks, and what churn was before and after each.

A mark says what happened, not what came of it: whatever else changed at the same time is in the numbers too.
Pure: who reads the states is `tenure.reports.marks`. Definitions: docs/definitions.md, section "What keeps customers".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Ints
from kpis.customer.state import decode
from kpis.customer.touchpoints import MarkFact, touchpoints_of
from kpis.population.episodes import Joined
from kpis.population.lifetime import CONFIDENCE, Interval
from kpis.proportions import wilson_bounds
from schemas.instants import DAY_MS

_Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def marks_in(state: bytes | None) -> list[MarkFact]:
    """Return the marks in the state of the customer without a name, earliest first."""
    return [] if state is None else [fact for fact in touchpoints_of(decode(state)) if isinstance(fact, MarkFact)]


class Churn(NamedTuple):
    """Customers who were active at the beginning of some days, and those of them who were not at their end (count)."""

    at_start: int
    lost: int

    @property
    def share(self) -> float | None:
        """The share that was lost; None of nobody."""
        return self.lost / self.at_start if self.at_start else None


class MarkEffect(NamedTuple):
    """Churn in so many days before a mark and after it, and the difference with its interval; None: not over yet."""

    before: Churn
    after: Churn | None
    difference: float | None
    interval: Interval | None


def effects_of(marks: Iterable[MarkFact], people: Joined, *, at_ms: int, bucket_ms: int, days: int) -> list[MarkEffect]:
    """Return what churn was before and after each mark.

    A mark counts from the first boundary of buckets that is not before it; the days after it begin when it ends.

    Args:
        marks: Whose effects are wanted.
        people: The stretches of all customers.
        at_ms: T (ms since 1970): what is over by then is known.
        bucket_ms: Length of a bucket (ms).
        days: Before and after (count).
    """
    out: list[MarkEffect] = []
    for mark in marks:
        begins_ms = _boundary(mark.at_ms, bucket_ms)
        ends_ms = max(begins_ms, _boundary(mark.until_ms, bucket_ms))
        before = _churn(people, begins_ms - days * DAY_MS, begins_ms)
        if ends_ms + days * DAY_MS > at_ms:
            out.append(MarkEffect(before, None, None, None))
            continue
        after = _churn(people, ends_ms, ends_ms + days * DAY_MS)
        if before.share is None or after.share is None:
            out.append(MarkEffect(before, after, None, None))
        else:
            out.append(MarkEffect(before, after, after.share - before.share, difference_interval(after, before)))
    return out


def _boundary(at_ms: int, bucket_ms: int) -> int:
    return -(-at_ms // bucket_ms) * bucket_ms


def _churn(people: Joined, start_ms: int, end_ms: int) -> Churn:
    at_start = _active(people, start_ms)
    return Churn(len(at_start), len(np.setdiff1d(at_start, _active(people, end_ms), assume_unique=True)))


def _active(people: Joined, at_ms: int) -> Ints:
    """Return the places of the customers who are active at an instant."""
    return np.unique(people.customer[(people.start_ms < at_ms) & (people.end_ms >= at_ms)])


def difference_interval(one: Churn, other: Churn) -> Interval:
    """Return the 95 % interval of the difference of two shares, of one less that of the other.

    Source: Newcombe (1998), Stat. Med. 17, 873-890, method 10, of two Wilson intervals.
    """
    first, second = one.lost / one.at_start, other.lost / other.at_start
    of_one, of_other = (wilson_bounds(successes=each.lost, trials=each.at_start, z=_Z) for each in (one, other))
    assert of_one is not None, one
    assert of_other is not None, other
    return Interval(
        first - second - math.hypot(first - of_one.low, of_other.high - second),
        first - second + math.hypot(of_one.high - first, second - of_other.low),
    )


def newest(marks: Sequence[MarkFact], most: int) -> Sequence[MarkFact]:
    """Return the latest marks of many, earliest first."""
    return marks[max(0, len(marks) - most) :]
