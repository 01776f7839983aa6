"""Lifetime: episodes of activity, and the Kaplan–Meier estimate of how long they last, with its intervals.

Sums of fractions are exact; only intervals are floats.
Definitions: section 5, lifetime.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from tests.recount.cohorts import start_segment
from tests.recount.customers import Book
from tests.recount.instants import DAY_MS, instant_ms
from tests.recount.report import Json
from tests.recount.timelines import Timeline

#: The 97.5th percentile of the normal distribution.
Z = 1.959963984540054
REPORTED_DAYS = (7, 30, 90, 365)


class Episode(NamedTuple):
    """An episode of activity: whole days, and whether it had ended by T."""

    days: int
    ended: bool


def lifetimes(book: Book, at: datetime, by: str | None = None) -> dict[str, Json]:
    """Return the curve of all customers, under "", or of each value of a dimension as of T."""
    found: dict[str, list[Episode]] = {} if by else {"": []}
    for customer in book.customers.values():
        for episode in episodes_of(customer.timeline, instant_ms(at)):
            found.setdefault(start_segment(customer, by), []).append(episode)
    return {value: curve(episodes) for value, episodes in sorted(found.items())}


def episodes_of(timeline: Timeline, at_ms: int) -> list[Episode]:
    """Return a customer's episodes as of T, which is a boundary of buckets."""
    found = []
    begun_ms: int | None = None
    for movement in timeline.movements:
        if movement.bucket_start_ms >= at_ms:
            break
        if movement.name in {"new", "reactivation"}:
            begun_ms = movement.fact_ms
        if movement.name == "cancellation":
            assert begun_ms is not None, "who leaves has come"
            found.append(Episode((movement.fact_ms - begun_ms) // DAY_MS, ended=True))
            begun_ms = None
    if begun_ms is not None:
        found.append(Episode((at_ms - begun_ms) // DAY_MS, ended=False))
    return found


def curve(episodes: Sequence[Episode]) -> Json:
    """Return the survival of episodes, as the report of lifetimes has it."""
    longest = max((episode.days for episode in episodes), default=None)
    points = []
    for days in sorted({episode.days for episode in episodes}):
        at_risk, deaths = _at(episodes, days)
        censored = sum(episode.days == days and not episode.ended for episode in episodes)
        points.append(
            {"days": days, "at_risk": at_risk, "deaths": deaths, "censored": censored, **_share(episodes, days)}
        )
    mean = restricted_mean_days(episodes)
    return {
        "episodes": len(episodes),
        "deaths": sum(episode.ended for episode in episodes),
        "censored": sum(not episode.ended for episode in episodes),
        "median_days": median_days(episodes),
        "restricted_mean_days": None if mean is None else float(mean),
        "longest_days": longest,
        "survival": [{"days": days, **_share(episodes, days)} for days in REPORTED_DAYS],
        "points": points,
    }


def survival(episodes: Sequence[Episode], days: int) -> Fraction:
    """Return S(n), the share of episodes that last longer than n days: the product over the days of deaths."""
    product = Fraction(1)
    for day in sorted({episode.days for episode in episodes if episode.ended and episode.days <= days}):
        at_risk, deaths = _at(episodes, day)
        product *= 1 - Fraction(deaths, at_risk)
    return product


def interval(episodes: Sequence[Episode], days: int) -> tuple[float, float] | None:
    """Return the 95 % interval of S(n): Greenwood's variance on the log(−log) scale; None where S is 0 or 1."""
    estimate = survival(episodes, days)
    if estimate in {0, 1}:
        return None
    total = Fraction(0)
    for day in {episode.days for episode in episodes if episode.ended and episode.days <= days}:
        at_risk, deaths = _at(episodes, day)
        total += Fraction(deaths, at_risk * (at_risk - deaths))
    logarithm = math.log(estimate)
    deviation = math.sqrt(total) / -logarithm
    middle = math.log(-logarithm)
    return math.exp(-math.exp(middle + Z * deviation)), math.exp(-math.exp(middle - Z * deviation))


def median_days(episodes: Sequence[Episode]) -> int | None:
    """Return the first day n with S(n) of one half or less; None while more than half go on."""
    ended = sorted({episode.days for episode in episodes if episode.ended})
    return next((days for days in ended if survival(episodes, days) <= Fraction(1, 2)), None)


def restricted_mean_days(episodes: Sequence[Episode]) -> Fraction | None:
    """Return the area under S from 0 to the longest observed duration (days); None without episodes."""
    if not episodes:
        return None
    longest = max(episode.days for episode in episodes)
    steps = sorted({0, longest, *(episode.days for episode in episodes if episode.ended)})
    return sum(((end - start) * survival(episodes, start) for start, end in pairwise(steps)), Fraction(0))


def _at(episodes: Sequence[Episode], days: int) -> tuple[int, int]:
    """Return how many episodes lasted n days at least, those that are censored then too, and how many ended then."""
    at_risk = sum(episode.days >= days for episode in episodes)
    return at_risk, sum(episode.ended and episode.days == days for episode in episodes)


def _share(episodes: Sequence[Episode], days: int) -> Json:
    """Return S(n) and its interval; beyond the longest observed duration S is known only where it is 0."""
    estimate = survival(episodes, days)
    if all(episode.days < days for episode in episodes) and estimate != 0:
        return {"share": None, "low": None, "high": None}
    low, high = interval(episodes, days) or (None, None)
    return {"share": float(estimate), "low": low, "high": high}
