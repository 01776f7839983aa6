"""Verdicts on KPIs against targets: when a value is beyond its target, with chance allowed for.

Pure. The alert rules say the same in PromQL (monitoring/alerts/kpi.py), and read the numbers here.
Source: docs/definitions.md, section 6.
"""

import math
from collections.abc import Mapping
from typing import Final

from schemas.catalogue.counts import COUNT_BY_NAME, MATURING
from schemas.catalogue.formulas import Ratio

Z_WARN: Final = 1.96
"""A warning wants 97.5 % confidence on one side: it may be wrong now and then."""
Z_PAGE: Final = 3.0
"""A page wants 99.87 %: several KPIs are tested every quarter of a minute, all year."""
LEAST_LOSSES: Final = 5
"""Fewer bad outcomes are chance, whatever a formula says: 3 of 20 beat many a target at any z (count)."""
LEAST_SAMPLE: Final = 50
"""Customers, answers or terms that a ratio must be about (count)."""
PAGE_WINDOWS: Final = ("1d", "7d")
"""A page wants both: the short one says that it goes on, the long one that it is no blip. Longer ones react late and
stay high for their whole length: they only warn."""
TARGET_WINDOW: Final = "30d"
"""The window whose target is converted where another has none of its own."""
FALSE_DISCOVERIES: Final = 0.05
"""Of the segments that are said to miss their targets, the share that may do so by chance (Benjamini and Hochberg)."""


def matures(ratio: Ratio) -> bool:
    """Return whether a ratio is about what matures with time."""
    return bool(set(ratio.counts) & set(MATURING))


def sample_of(ratio: Ratio, counts: Mapping[str, int]) -> int:
    """Return how many customers, answers or terms a ratio is about."""
    if any(COUNT_BY_NAME[name].unit == "minor units" for _, name in ratio.denominator.terms):
        return counts["customers_at_start"]
    return ratio.denominator.evaluate(counts)


def losses_of(ratio: Ratio, counts: Mapping[str, int]) -> int:
    """Return the bad outcomes of a proportion."""
    good_or_bad = ratio.numerator.evaluate(counts)
    return sample_of(ratio, counts) - good_or_bad if ratio.higher_is_better else good_or_bad


def wilson_lower(losses: int, sample: int, z: float) -> float:
    """Return the lower bound of the Wilson score interval of losses / sample.

    Args:
        losses: Bad outcomes (count).
        sample: All outcomes (count, above 0).
        z: Quantile of the normal distribution.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212.
    """
    root = math.sqrt(losses * (sample - losses) / sample + z * z / 4)
    return (losses + z * z / 2 - z * root) / (sample + z * z)


def is_beyond(ratio: Ratio, counts: Mapping[str, int], target: float, *, z: float) -> bool:
    """Return whether a ratio misses a target, surely where it is a proportion, by the plain value where it is none."""
    sample = sample_of(ratio, counts)
    if sample < LEAST_SAMPLE:
        return False
    if not ratio.is_proportion:
        value = ratio.evaluate(counts)
        return value is not None and (value < target if ratio.higher_is_better else value > target)
    losses = losses_of(ratio, counts)
    allowed = 1 - target if ratio.higher_is_better else target
    return losses >= LEAST_LOSSES and wilson_lower(losses, sample, z) > allowed


def target_in(ratio: Ratio, targets: Mapping[str, float], window: str) -> float | None:
    """Return the target of a KPI in a window: its own, else the 30-day one converted, where that can be done.

    Args:
        ratio: The KPI.
        targets: Its targets by window.
        window: "7d".
    """
    base = targets.get(TARGET_WINDOW)
    if window in targets or base is None or not window.endswith("d"):
        return targets.get(window)
    power = int(window[:-1]) / int(TARGET_WINDOW[:-1])
    if ratio.path[0] == "churn":
        return float(1 - (1 - base) ** power)
    if ratio.path[0] == "retention":
        return float(base**power)
    return base if matures(ratio) or ratio.name == "renewal" else None
