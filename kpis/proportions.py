"""Statistics of proportions and scores: Wilson's interval, and how far two samples are apart.

Pure. Definitions: docs/definitions.md, section "Statistics that decide a page".
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from schemas.catalogue.verdicts import Z_WARN, wilson_lower

Z_DEPARTS: Final = 3.0
"""From here on two samples differ by more than chance, as for a segment that departs and for a fall of NPS."""


class Bounds(NamedTuple):
    """The bounds of an interval, as fractions."""

    low: float
    high: float


def wilson_bounds(*, successes: int, trials: int, z: float = Z_WARN) -> Bounds | None:
    """Return the Wilson score interval of a proportion.

    Args:
        successes: Of the trials (count, from 0 to trials).
        trials: All of them (count).
        z: Width, in standard deviations.

    Returns:
        Bounds in [0, 1]; None where there are no trials: no data is not zero.

    Source: as `schemas.catalogue.verdicts.wilson_lower`.
    """
    assert 0 <= successes <= trials, (successes, trials)
    if not trials:
        return None
    return Bounds(wilson_lower(successes, trials, z), 1 - wilson_lower(trials - successes, trials, z))


def proportions_apart(first: tuple[int, int], second: tuple[int, int]) -> float | None:
    """Return the z of two proportions, by their pooled variance; above 0 where the first is greater.

    Args:
        first: Successes and trials (counts).
        second: Likewise.

    Returns:
        None where one has no trials, or where all or none of both succeed.
    """
    if not first[1] or not second[1]:
        return None
    pooled = (first[0] + second[0]) / (first[1] + second[1])
    variance = pooled * (1 - pooled) * (1 / first[1] + 1 / second[1])
    return (first[0] / first[1] - second[0] / second[1]) / math.sqrt(variance) if variance > 0 else None


def scores_apart(first: tuple[int, int, int], second: tuple[int, int, int]) -> float | None:
    """Return the z of two NPS, each of (promoters, detractors, answers); below 0 where the first is lower.

    Returns:
        None where one has no answers, or where neither varies.
    """
    if not first[2] or not second[2]:
        return None
    one, one_variance = _score(*first)
    other, other_variance = _score(*second)
    variance = one_variance + other_variance
    return (one - other) / math.sqrt(variance) if variance > 0 else None


def _score(promoters: int, detractors: int, answers: int) -> tuple[float, float]:
    up, down = promoters / answers, detractors / answers
    return up - down, (up + down - (up - down) ** 2) / answers
