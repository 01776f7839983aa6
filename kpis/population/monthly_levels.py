"""A monthly series that goes on: draws of the months to come, out of what the months before leave open.

The logarithm of a series is a level, a trend that weakens, a season of twelve months, deviations that fade, and
deviations of single months. How much there is of each nobody knows beforehand: every setting of a grid is weighed by
how likely it makes the months that were seen (a Gaussian process whose parameters are averaged over, not chosen).
Pure. Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, sections 2.2, 5.2 and 5.4.3;
Gardner and McKenzie (1985), Management Science 31, 1237-1246, on trends that weaken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Floats

YEAR_MONTHS: Final = 12
#: Months that are looked at at most, since of a season one year shows one, and months that may be drawn (count).
SEEN_MONTHS: Final = 36
AHEAD_MONTHS: Final = 12
#: By how much a trend weakens from month to month: none goes on for ever.
_DAMPING: Final = 0.97
#: The level may be any: so far it may be from the mean of what was seen (logarithm).
_LEVEL: Final = 2.0
#: How alike months of a season are: they are the same a year apart, and half of it is shared with their neighbours.
_SEASON_WIDTH: Final = 0.8


class Setting(NamedTuple):
    """Sizes of the parts (standard deviations, logarithm; of a trend by month), and how likely they are beforehand."""

    trend: float
    season: float
    fading: float
    #: what is left of a fading deviation after a month
    kept: float
    single: float
    weight: float


def _grid(
    *,
    trends: Mapping[float, float],
    seasons: Mapping[float, float],
    fading: Mapping[tuple[float, float], float],
    single: Iterable[float] = (0.0, 0.05, 0.1, 0.2, 0.35),
) -> tuple[Setting, ...]:
    """Return every setting that some parts make, each of which has a weight; of single months all weigh the same."""
    return tuple(
        Setting(trend, season, deviation, kept, one, of_trend * of_season * of_fading)
        for (trend, of_trend), (season, of_season), ((deviation, kept), of_fading), one in product(
            trends.items(), seasons.items(), fading.items(), single
        )
    )


#: Of arrivals, which have trends and seasons.
SEASONAL: Final = _grid(
    trends={0.01: 0.2, 0.03: 0.3, 0.08: 0.5},
    seasons={0.0: 0.5, 0.1: 0.15, 0.2: 0.15, 0.4: 0.2},
    fading={
        (0, 0): 0.3,
        (0.05, 0.9): 0.1,
        (0.1, 0.7): 0.1,
        (0.25, 0.7): 0.1,
        (0.2, 0.99): 0.15,
        (0.5, 0.99): 0.1,
        (0.5, 0.96): 0.15,
    },
)
#: Of rates and of amounts, which have a level and lose it slowly.
STEADY: Final = _grid(
    trends={0.003: 0.5, 0.01: 0.5},
    seasons={0.0: 1.0},
    fading={(0, 0): 0.5, (0.05, 0.9): 0.2, (0.1, 0.9): 0.15, (0.3, 0.99): 0.15},
)


class _Prior(NamedTuple):
    """Covariances of months under each setting (settings, months, months), and the logarithms of settings' weights."""

    covariance: Floats
    log_weight: Floats


@lru_cache(maxsize=2)
def _prior(settings: tuple[Setting, ...]) -> _Prior:
    """Return what is known beforehand of the last SEEN_MONTHS months, and of AHEAD_MONTHS to come after them."""
    months = np.arange(1 - SEEN_MONTHS, AHEAD_MONTHS + 1, dtype=np.float64)
    apart = np.abs(months[:, None] - months[None])
    to_come = np.maximum(months, 0.0)
    trend = np.where(months <= 0, months, _DAMPING * (1 - _DAMPING**to_come) / (1 - _DAMPING))
    near = np.exp(-2 * np.sin(np.pi * apart / YEAR_MONTHS) ** 2 / _SEASON_WIDTH**2)
    season = (near + (apart % YEAR_MONTHS == 0)) / 2
    columns = np.array(settings, np.float64).T[:, :, None, None]
    tau, sigma, fading, kept, single, weight = columns
    covariance = (
        _LEVEL**2
        + tau**2 * np.outer(trend, trend)
        + sigma**2 * season
        + fading**2 * np.where(kept > 0, np.maximum(kept, 1e-9) ** apart, 0.0)
        + single**2 * np.eye(len(months))
    )
    return _Prior(covariance, np.log(weight[:, 0, 0]))


def drawn_levels(
    levels: Floats, noise: Floats, ahead: int, runs: int, random: np.random.Generator, settings: tuple[Setting, ...]
) -> Floats:
    """Return draws of the logarithm of a series in the months to come, one line a run.

    Args:
        levels: The logarithms of the months seen, SEEN_MONTHS at most, the last one last.
        noise: The variance of each that is chance of counting alone.
        ahead: Months to come, AHEAD_MONTHS at most (count).
        runs: Draws (count).
        random: Where they come from.
        settings: The grid.
    """
    seen, middle = len(levels), float(np.average(levels, weights=1 / noise))
    assert seen <= SEEN_MONTHS, seen
    assert ahead <= AHEAD_MONTHS, ahead
    covariance, log_weight = _prior(settings)
    past, to_come = slice(SEEN_MONTHS - seen, SEEN_MONTHS), slice(SEEN_MONTHS, SEEN_MONTHS + ahead)
    across = covariance[:, past, to_come]
    off = levels - middle
    known = covariance[:, past, past] + np.diag(noise)
    sides = np.concatenate([np.broadcast_to(off[:, None], (len(known), seen, 1)), across], 2)
    solved = np.linalg.solve(known, sides)
    by_off, by_across = solved[:, :, 0], solved[:, :, 1:]
    # Of each setting: how likely it makes what was seen, and what it then expects of the months to come.
    likelihood = log_weight - (by_off @ off + np.linalg.slogdet(known)[1]) / 2
    weight = np.exp(likelihood - likelihood.max())
    mean = middle + np.einsum("gsa,gs->ga", across, by_off)
    left_open = covariance[:, to_come, to_come] - np.swapaxes(across, 1, 2) @ by_across
    root = np.linalg.cholesky(left_open + 1e-9 * np.eye(ahead))
    of = random.choice(len(weight), runs, p=weight / weight.sum())
    found: Floats = mean[of] + np.einsum("rab,rb->ra", root[of], random.standard_normal((runs, ahead)))
    return found
