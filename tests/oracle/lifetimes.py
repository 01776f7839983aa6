"""Lifetimes, recounted episode by episode and estimated day by day, in fractions.

Independent of the product and slow on purpose.
Definitions: docs/definitions.md, section 5.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tests.oracle.cohorts import value_of
from tests.oracle.options import DAY_MS, DEFAULTS, Options, instant_ms
from tests.oracle.timelines import Timeline, read

Z = 1.959963984540054
"""The normal distribution's 97.5th percentile, as tables have it."""


@dataclass(frozen=True)
class Stay:
    """One episode of activity: whole days, and whether it had ended by T."""

    days: int
    ended: bool


def stays(
    log: Iterable[bytes | Mapping[str, object]], *, at: datetime, by: str | None = None, options: Options = DEFAULTS
) -> dict[str, list[Stay]]:
    """Return all episodes as of T, by value of a dimension; all are under "" where there is none."""
    found: dict[str, list[Stay]] = {} if by else {"": []}
    for timeline in read(log, options).timelines.values():
        for stay in stays_of(timeline, instant_ms(at)):
            found.setdefault(value_of(timeline, by), []).append(stay)
    return found


def stays_of(timeline: Timeline, at_ms: int) -> list[Stay]:
    """Return one customer's episodes, by the facts with event time before T."""
    found = []
    begun_ms: int | None = None
    for step in timeline.steps:
        if step.at_ms >= at_ms:
            break
        if step.effect in {"new", "reactivation"}:
            begun_ms = step.at_ms
        if step.effect == "cancellation":
            assert begun_ms is not None
            found.append(Stay((step.at_ms - begun_ms) // DAY_MS, ended=True))
            begun_ms = None
    if begun_ms is not None:
        found.append(Stay((at_ms - begun_ms) // DAY_MS, ended=False))
    return found


def counts_of(found: Iterable[Stay]) -> tuple[dict[int, int], dict[int, int]]:
    """Return deaths and censorings by days."""
    listed = list(found)
    deaths = Counter(stay.days for stay in listed if stay.ended)
    return dict(deaths), dict(Counter(stay.days for stay in listed if not stay.ended))


def survival_at(found: list[Stay], days: int) -> Fraction:
    """Return S(n): the product over all days up to n of the share that did not end that day."""
    product = Fraction(1)
    for day in range(days + 1):
        at_risk = sum(stay.days >= day for stay in found)
        if at_risk:
            product *= 1 - Fraction(sum(stay.ended and stay.days == day for stay in found), at_risk)
    return product


def interval_at(found: list[Stay], days: int) -> tuple[float, float] | None:
    """Return the 95 % interval of S(n): Greenwood's variance on the log(-log) scale; None where S is 0 or 1."""
    estimate = survival_at(found, days)
    if estimate in (0, 1):
        return None
    total = Fraction(0)
    for day in range(days + 1):
        at_risk = sum(stay.days >= day for stay in found)
        ended = sum(stay.ended and stay.days == day for stay in found)
        if ended:
            total += Fraction(ended, at_risk * (at_risk - ended))
    logarithm = math.log(estimate)
    deviation = math.sqrt(total) / abs(logarithm)
    middle = math.log(-logarithm)
    return math.exp(-math.exp(middle + Z * deviation)), math.exp(-math.exp(middle - Z * deviation))


def median(found: list[Stay]) -> int | None:
    """Return the first day at which S is one half or less."""
    longest = max((stay.days for stay in found), default=-1)
    return next((day for day in range(longest + 1) if survival_at(found, day) <= Fraction(1, 2)), None)


def restricted_mean(found: list[Stay]) -> Fraction | None:
    """Return the area under S from 0 to the longest observed duration."""
    if not found:
        return None
    return sum((survival_at(found, day) for day in range(max(stay.days for stay in found))), Fraction(0))
