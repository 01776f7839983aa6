"""Customers and MRR of the next twelve months: hazards by age and plan, and the arrivals of the past, simulated.

Nothing is assumed of a single customer: those of one plan and one age leave at the rate at which such customers left in
the last year. How far all these rates together, the number of those who come and what they pay will move is drawn out
of the months before (`kpis.population.monthly_levels`). Each simulated year draws anew what the past leaves open, so
that the band holds what is not known besides what is chance.
Pure: seeded, so that the same customers give the same forecast. How forecasts of the past did:
`kpis.population.forecast_trials`. Definitions: docs/definitions.md, section "What keeps customers".
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from kpis.arrays import Floats, Ints
from kpis.population.monthly_history import MONTH_MS, MOST_AGE, MonthlyHistory
from kpis.population.monthly_levels import AHEAD_MONTHS, SEASONAL, STEADY, drawn_levels

Number = TypeVar("Number", np.int64, np.float64)

#: Months that rates of leaving are learnt from; with fewer than the least there is no forecast (count).
LEARNT_MONTHS: Final = 12
LEAST_MONTHS: Final = 6
#: The share of what comes that the band is to hold.
BAND: Final = 0.8
SIMULATIONS: Final = 1_000
#: Ages from which the rate of leaving may differ (months).
_AGE_EDGES: Final = (1, 2, 3, 6, 12, 24)
_GROUP: Final = np.searchsorted(np.array(_AGE_EDGES), np.arange(MOST_AGE + 1), "right")
#: Customers that the rate of a wider group counts as beside those of a narrower one (count).
_PRIOR: Final = 20.0
#: A month whose arrivals pay next to nothing counts as one in which they pay this part of the usual.
_LEAST_LEVEL: Final = 0.05
#: The logarithm of a number that is simulated stays within (least, most).
_BOUNDS: Final = (-5.0, 16.0)
_SEED: Final = 20_260_101


class Month(NamedTuple):
    """A forecast of one instant: the middle, and the band that is to hold BAND of what comes."""

    at_ms: int
    #: middle, lower and upper bound
    customers: tuple[float, float, float]
    mrr: tuple[float, float, float]


def forecast(
    history: MonthlyHistory, origin_ms: int, months: int = AHEAD_MONTHS, *, runs: int = SIMULATIONS
) -> list[Month]:
    """Return the months from an origin on.

    Args:
        history: What came before it, SEEN_MONTHS at most.
        origin_ms: The origin (ms since 1970).
        months: How many (count).
        runs: Simulated years (count).
    """
    quantiles = [0.5, (1 - BAND) / 2, (1 + BAND) / 2]
    customers, mrr = (np.quantile(drawn, quantiles, axis=0).T.tolist() for drawn in _simulated(history, months, runs))
    at_ms = [origin_ms + (month + 1) * MONTH_MS for month in range(months)]
    return [Month(*each) for each in zip(at_ms, map(tuple, customers), map(tuple, mrr), strict=True)]


def _simulated(history: MonthlyHistory, months: int, runs: int) -> tuple[Floats, Floats]:
    """Return customers and MRR of each simulation and month."""
    random = np.random.default_rng(_SEED)
    hazards = _drawn_hazards(history, random, runs)
    factors = _drawn_factors(history, months, random, runs)
    arrivals = _drawn_arrivals(history, months, random, runs)
    share, each_mrr = _drawn_shares(history, random, runs), _ArrivingMrr(history, months, random, runs)
    growth = _drawn_growth(history, months, random, runs)
    weight = _drawn_weight_of_lost(history, random, runs)
    count = np.repeat(history.stock[0][None], runs, 0)
    mrr = np.repeat(history.stock_mrr[0][None].astype(np.float64), runs, 0)
    deviation = _deviation_of_mrr(history)
    out = np.empty((2, runs, months))
    for month in range(months):
        lost = random.binomial(count, np.minimum(hazards * factors[:, month, None, None], 1.0))
        left = 1 - lost / np.maximum(count, 1)
        noise = random.standard_normal(lost.shape) * deviation[:, None] * np.sqrt(lost * left)
        kept = np.maximum(1 - weight * (1 - left), 0.0)
        mrr = np.where(lost < count, np.maximum(mrr * kept + noise, 0.0), 0.0) * growth[:, month, None, None]
        count, mrr = _a_month_later(count - lost), _a_month_later(mrr)
        came = random.multinomial(arrivals[:, month], share)
        count[:, :, 0] += came
        mrr[:, :, 0] += each_mrr.of(came, month)
        out[0, :, month], out[1, :, month] = count.sum((1, 2)), mrr.sum((1, 2))
    return out[0], out[1]


def _a_month_later(by_age: NDArray[Number]) -> NDArray[Number]:
    """Return amounts by age (last axis) a month later: nobody has age 0 yet, and the oldest class keeps its own."""
    found = np.zeros_like(by_age)
    found[..., 1:] = by_age[..., :-1]
    found[..., -1] += by_age[..., -1]
    return found


def _rates(history: MonthlyHistory) -> tuple[Floats, Floats]:
    """Return by plan and group of ages the months of customers that were seen, and how many ended with leaving."""
    there, gone = (part[:LEARNT_MONTHS].sum(0) for part in (history.there, history.gone))
    groups = np.eye(len(_AGE_EDGES) + 1)[_GROUP]
    at_risk, died = there @ groups, gone @ groups
    return at_risk, died


def _drawn_hazards(history: MonthlyHistory, random: np.random.Generator, runs: int) -> Floats:
    """Return for each simulation the monthly rate of leaving by plan and age, out of what the months leave open.

    A rate of few customers is drawn towards that of their age, and that towards the rate of all. All together they are
    what was seen: how much that level moves is told by `_drawn_factors`.
    """
    at_risk, died = _rates(history)
    by_age = _rates_by_age(at_risk, died)
    drawn = random.beta(died + _PRIOR * by_age, at_risk - died + _PRIOR * (1 - by_age), (runs, *at_risk.shape))
    expected = (drawn * at_risk).sum((1, 2), keepdims=True)
    level = (died.sum() + 0.5) / (expected + 0.5)
    hazards: Floats = np.minimum(drawn * level, 1.0)[:, :, _GROUP]
    return hazards


def _rates_by_age(at_risk: Floats, died: Floats) -> Floats:
    overall = (died.sum() + 0.5) / (at_risk.sum() + 1)
    rates: Floats = (died.sum(0) + _PRIOR * overall) / (at_risk.sum(0) + _PRIOR)
    return rates


def _drawn_factors(history: MonthlyHistory, months: int, random: np.random.Generator, runs: int) -> Floats:
    """Return for each simulation and month the factor by which all rates of leaving differ from those of the year."""
    at_risk, died = _rates(history)
    rate = (died + _PRIOR * _rates_by_age(at_risk, died)) / (at_risk + _PRIOR)
    expected = (history.there * rate[:, _GROUP]).sum((1, 2))[::-1]
    gone = history.gone.sum((1, 2))[::-1]
    levels = np.log((gone + 0.5) / (expected + 0.5))
    return np.exp(np.clip(drawn_levels(levels, 1 / (expected + 0.5), months, runs, random, STEADY), *_BOUNDS))


def _drawn_arrivals(history: MonthlyHistory, months: int, random: np.random.Generator, runs: int) -> Ints:
    """Return for each simulation and month how many come."""
    came = history.arrived.sum(1)[::-1].astype(np.float64)
    # Of the months around: were it its own number, months in which few came would count for less.
    usual = np.convolve(came, np.ones(5), "same") / np.convolve(np.ones(len(came)), np.ones(5), "same")
    levels = drawn_levels(np.log(came + 0.5), 1 / (usual + 0.5), months, runs, random, SEASONAL)
    drawn: Ints = random.poisson(np.exp(np.clip(levels, *_BOUNDS)))
    return drawn


def _drawn_shares(history: MonthlyHistory, random: np.random.Generator, runs: int) -> Floats:
    """Return for each simulation which share of those who come has which plan."""
    came = history.arrived[:LEARNT_MONTHS].sum(0)
    return random.dirichlet(came + 0.5 / len(came), runs)


class _ArrivingMrr:
    """The MRR of those who come: by plan, and by the month, since prices change."""

    def __init__(self, history: MonthlyHistory, months: int, random: np.random.Generator, runs: int) -> None:
        self._random = random
        came, mrr = history.arrived.sum(0), history.arrived_mrr.sum(0)
        overall = mrr.sum() / max(1, came.sum())
        self._mean = np.where(came > 0, mrr / np.maximum(came, 1), overall)
        self._deviation = _deviation_of_mrr(history)
        usual = (history.arrived @ self._mean)[::-1]
        variance = (history.arrived @ self._deviation**2)[::-1]
        has = usual > 0
        self._level = np.ones((runs, months))
        if has.sum() > 1:
            usual, variance = usual[has], variance[has]
            levels = np.log(np.maximum(history.arrived_mrr.sum(1)[::-1][has] / usual, _LEAST_LEVEL))
            noise = np.maximum(variance / usual**2, 1e-6)
            self._level = np.exp(np.clip(drawn_levels(levels, noise, months, runs, random, STEADY), *_BOUNDS))

    def of(self, came: Ints, month: int) -> Floats:
        """Return the MRR of those who come in a month from the origin on, 0 the first, by simulation and plan."""
        spread = self._random.standard_normal(came.shape) * self._deviation * np.sqrt(came)
        found: Floats = np.maximum(came * self._mean + spread, 0.0) * self._level[:, month, None]
        return found


def _deviation_of_mrr(history: MonthlyHistory) -> Floats:
    """Return by plan how far the MRR of single customers is from their mean, at the origin."""
    count = np.maximum(history.stock[0].sum(1), 1)
    mean = history.stock_mrr[0].sum(1) / count
    deviation: Floats = np.sqrt(np.maximum(history.stock_squares[0].sum(1) / count - mean**2, 0.0))
    return deviation


def _drawn_growth(history: MonthlyHistory, months: int, random: np.random.Generator, runs: int) -> Floats:
    """Return for each simulation and month the factor by which the MRR of those who stay changes.

    It is that of a month of the past; each simulation weighs these anew (the Bayesian bootstrap).
    """
    before = history.stayed_mrr_before
    growth = history.stayed_mrr_after[before > 0] / before[before > 0]
    if not len(growth):
        return np.ones((runs, months))
    bounds = np.cumsum(random.dirichlet(np.ones(len(growth)), runs), 1)
    place = (bounds[:, None, :] < random.random((runs, months, 1))).sum(2)
    found: Floats = growth[np.minimum(place, len(growth) - 1)]
    return found


def _drawn_weight_of_lost(history: MonthlyHistory, random: np.random.Generator, runs: int) -> Floats:
    """Return for each simulation the MRR of one who leaves, over that of one of the same plan and age."""
    mean = history.stock_mrr[1:] / np.maximum(history.stock[1:], 1)
    usual, gone = (history.gone * mean).sum(), history.gone.sum()
    variance = (history.gone.sum((0, 2)) * _deviation_of_mrr(history) ** 2).sum()
    if not gone or not usual:
        return np.ones((runs, 1, 1))
    weight = history.gone_mrr.sum() / usual
    return np.maximum(random.normal(weight, np.sqrt(variance) / usual, (runs, 1, 1)), 0.0)
