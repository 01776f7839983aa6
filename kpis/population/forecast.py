"""Customers and MRR of the next twelve months: hazards by age and plan, and the arrivals of the last year, simulated.

A month is 365/12 days, 730 hours. Nothing is assumed of a single customer: those of one plan and one age leave at the
rate at which such customers left in the last year, and others come as they came then. Each simulated year draws rates
anew from what the last year leaves open, so that the band holds what is not known besides what is chance.
Pure: seeded, so that the same customers give the same forecast. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpis.arrays import Ints
from kpis.names import PLAN
from kpis.population.episodes import Joined, Stretches, begins_episode, joined

Floats = NDArray[np.float64]

HOUR_MS: Final = 3_600_000
MONTH_MS: Final = 730 * HOUR_MS
#: Months that are forecast, and that are learnt from (count); with fewer than the least there is no forecast.
MONTHS: Final = 12
LEARNT_MONTHS: Final = 12
LEAST_MONTHS: Final = 6
#: The share of what comes that the band is to hold.
BAND: Final = 0.8
SIMULATIONS: Final = 1_000
#: Simulated years for each month that is held out: there are many of them (count).
_HELD_OUT_SIMULATIONS: Final = 300
#: Ages from which the rate of leaving may differ (months).
_AGE_EDGES: Final = (1, 2, 3, 6, 12, 24)
_MOST_AGE: Final = 25
#: From ages to those of one month later: nobody has age 0 yet, and the oldest class keeps its own.
_AGEING: Final = np.eye(_MOST_AGE + 1, k=1, dtype=np.int64)
_AGEING[-1, -1] = 1
_SEED: Final = 20_260_101


class Month(NamedTuple):
    """A forecast of one instant: the middle, and the band that is to hold BAND of what comes."""

    at_ms: int
    #: middle, lower and upper bound
    customers: tuple[float, float, float]
    mrr: tuple[float, float, float]


class Widths(NamedTuple):
    """Factors by which bands are widened."""

    customers: float
    mrr: float


EXACT: Final = Widths(1.0, 1.0)


class HeldOut(NamedTuple):
    """A month of the past as it would have been forecast, and what came."""

    #: months before T at which it would have been made
    origin: int
    #: months that it was ahead
    ahead: int
    month: Month
    customers: int
    mrr: int

    @property
    def holds_customers(self) -> bool:
        """True where the band held what came."""
        return self.month.customers[1] <= self.customers <= self.month.customers[2]

    @property
    def holds_mrr(self) -> bool:
        """True where the band held what came."""
        return self.month.mrr[1] <= self.mrr <= self.month.mrr[2]


class MonthlyHistory(NamedTuple):
    """Customers at the boundaries of months before an origin, the last one first.

    By month, plan and age at its beginning (months, _MOST_AGE for all that are older): who was there, and who of them
    was not at its end. By month and plan: who is there at its end and was not at its beginning, with their MRR. By
    month: MRR at the beginning of those who stayed, and at its end.
    """

    there: Ints
    gone: Ints
    arrived: Ints
    arrived_mrr: Ints
    stayed_mrr_before: Ints
    stayed_mrr_after: Ints
    #: at the origin, by plan and age: customers, their MRR, and the sum of its squares
    now: Ints
    now_mrr: Ints
    now_squares: Floats

    @property
    def months(self) -> int:
        """The number of months."""
        return len(self.there)


def stock_at(people: Joined, at_ms: int) -> tuple[int, int]:
    """Return customers and MRR at an instant (minor units)."""
    is_there = (people.start_ms < at_ms) & (at_ms <= people.end_ms)
    return int(is_there.sum()), int(people.mrr[is_there].sum())


def history_of(people: Joined, origin_ms: int, months: int, *, bucket_ms: int) -> MonthlyHistory:
    """Return the months before an origin; of facts from then on nothing is seen.

    Args:
        people: Who was active when.
        origin_ms: The origin (ms since 1970).
        months: How many (count).
        bucket_ms: Length of a bucket (ms): what interrupts a stay within one does not make it young again.
    """
    plans = max(1, len(people.values))
    begun_ms = _stay_starts(people, bucket_ms)
    shape = (months, plans, _MOST_AGE + 1)
    there, gone = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    arrived, arrived_mrr = np.zeros((months, plans), np.int64), np.zeros((months, plans), np.int64)
    before, after = np.zeros(months, np.int64), np.zeros(months, np.int64)
    later = _Snapshot(people, begun_ms, origin_ms)
    now, now_mrr, now_squares = later.by_plan_and_age(plans)
    for month in range(months):
        earlier = _Snapshot(people, begun_ms, origin_ms - (month + 1) * MONTH_MS)
        there[month] = earlier.by_plan_and_age(plans)[0]
        stayed, same = np.isin(earlier.customer, later.customer), np.isin(later.customer, earlier.customer)
        np.add.at(gone[month], (earlier.plan[~stayed], earlier.age[~stayed]), 1)
        np.add.at(arrived[month], later.plan[~same], 1)
        np.add.at(arrived_mrr[month], later.plan[~same], later.mrr[~same])
        before[month], after[month] = earlier.mrr[stayed].sum(), later.mrr[same].sum()
        later = earlier
    return MonthlyHistory(there, gone, arrived, arrived_mrr, before, after, now, now_mrr, now_squares)


class _Snapshot:
    """The active customers at an instant: who, with plan, age in months and MRR."""

    def __init__(self, people: Joined, begun_ms: Ints, at_ms: int) -> None:
        is_there = (people.start_ms < at_ms) & (at_ms <= people.end_ms)
        self.customer = people.customer[is_there]
        self.plan = people.value[self.customer]
        self.age = np.minimum((at_ms - begun_ms[is_there]) // MONTH_MS, _MOST_AGE)
        self.mrr = people.mrr[is_there]

    def by_plan_and_age(self, plans: int) -> tuple[Ints, Ints, Floats]:
        """Return customers, MRR and its squares."""
        count, mrr = np.zeros((plans, _MOST_AGE + 1), np.int64), np.zeros((plans, _MOST_AGE + 1), np.int64)
        squares = np.zeros((plans, _MOST_AGE + 1))
        np.add.at(count, (self.plan, self.age), 1)
        np.add.at(mrr, (self.plan, self.age), self.mrr)
        np.add.at(squares, (self.plan, self.age), self.mrr.astype(np.float64) ** 2)
        return count, mrr, squares


def _stay_starts(people: Joined, bucket_ms: int) -> Ints:
    """Return of each stretch when the episode that it belongs to began (ms)."""
    begins = begins_episode(people, bucket_ms)
    return people.start_ms[np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))]


def learnt_months(people: Joined, origin_ms: int) -> int:
    """Return how many whole months before an origin can be learnt from, LEARNT_MONTHS at most."""
    if not len(people.first_ms):
        return 0
    return max(0, min(LEARNT_MONTHS, (origin_ms - int(people.first_ms.min())) // MONTH_MS))


def forecast(
    history: MonthlyHistory, origin_ms: int, months: int = MONTHS, *, widths: Widths = EXACT, runs: int = SIMULATIONS
) -> list[Month]:
    """Return the months from an origin on.

    Args:
        history: What came before it.
        origin_ms: The origin (ms since 1970).
        months: How many (count).
        widths: By what the bands are widened.
        runs: Simulated years (count).
    """
    customers, mrr = _simulated(history, months, runs)
    out: list[Month] = []
    for month in range(months):
        at_ms = origin_ms + (month + 1) * MONTH_MS
        out.append(Month(at_ms, _band(customers[:, month], widths.customers), _band(mrr[:, month], widths.mrr)))
    return out


def _band(drawn: Floats, width: float) -> tuple[float, float, float]:
    low, middle, high = np.quantile(drawn, [(1 - BAND) / 2, 0.5, (1 + BAND) / 2]).tolist()
    return _wider((middle, low, high), width)


def widths_of(found: Sequence[HeldOut]) -> Widths:
    """Return by what bands are to be widened, or narrowed, by what months of the past teach.

    It is half of what would have made these hold BAND of what came, on a scale of factors: months of one year are much
    alike, and say less than their number.
    """
    if not found:
        return EXACT
    customers = [_width_needed(each.month.customers, each.customers) for each in found]
    mrr = [_width_needed(each.month.mrr, each.mrr) for each in found]
    return Widths(*(float(np.sqrt(np.clip(np.quantile(needed, BAND), 0.25, 4.0))) for needed in (customers, mrr)))


def _width_needed(band: tuple[float, float, float], came: int) -> float:
    """Return by what a band has to be widened to hold what came."""
    middle, low, high = band
    half = high - middle if came > middle else middle - low
    return abs(came - middle) / half if half > 0 else 0.0 if came == middle else np.inf


def _simulated(history: MonthlyHistory, months: int, runs: int) -> tuple[Floats, Floats]:
    """Return customers and MRR of each simulation and month."""
    random = np.random.default_rng(_SEED)
    hazards = _drawn_hazards(history, random, runs)
    shocks = _spread_of_hazards(history)
    arrivals, share, each_mrr = _Arrivals(history, random, runs), _shares(history), _arriving_mrr(history)
    count = np.repeat(history.now[None], runs, 0)
    mrr = np.repeat(history.now_mrr[None].astype(np.float64), runs, 0)
    deviation = _deviation_of_mrr(history)
    growth = history.stayed_mrr_after / np.maximum(history.stayed_mrr_before, 1)
    growth = growth[history.stayed_mrr_before > 0]
    out = np.empty((2, runs, months))
    for month in range(months):
        shock = random.gamma(1 / shocks, shocks, (runs, 1, 1)) if shocks > 0 else 1.0
        lost = random.binomial(count, np.minimum(hazards * shock, 1.0))
        left = np.where(count > 0, 1 - lost / np.maximum(count, 1), 0.0)
        noise = random.standard_normal(lost.shape) * deviation[:, None] * np.sqrt(lost * left)
        mrr = np.maximum(mrr * left + noise, 0.0)
        count = count - lost
        if len(growth):
            mrr = mrr * random.choice(growth, (runs, 1, 1))
        count, mrr = count @ _AGEING, mrr @ _AGEING
        came = random.multinomial(arrivals.drawn(month), share)
        count[:, :, 0] += came
        spread = random.standard_normal(came.shape) * each_mrr[1] * np.sqrt(came)
        mrr[:, :, 0] += np.maximum(came * each_mrr[0] + spread, 0.0)
        out[0, :, month], out[1, :, month] = count.sum((1, 2)), mrr.sum((1, 2))
    return out[0], out[1]


def _drawn_hazards(history: MonthlyHistory, random: np.random.Generator, runs: int) -> Floats:
    """Return for each simulation the monthly rate of leaving by plan and age, out of what the months leave open.

    A rate of few customers is drawn towards that of their age, and that towards the rate of all.
    """
    group = np.searchsorted(np.array(_AGE_EDGES), np.arange(_MOST_AGE + 1), "right")
    there, gone = history.there.sum(0), history.gone.sum(0)
    groups, plans = len(_AGE_EDGES) + 1, there.shape[0]
    at_risk, died = np.zeros((plans, groups)), np.zeros((plans, groups))
    for number in range(groups):
        at_risk[:, number] = there[:, group == number].sum(1)
        died[:, number] = gone[:, group == number].sum(1)
    overall = (died.sum() + 0.5) / (at_risk.sum() + 1)
    by_age = (died.sum(0) + _PRIOR * overall) / (at_risk.sum(0) + _PRIOR)
    alive = at_risk - died
    drawn = random.beta(died + _PRIOR * by_age, alive + _PRIOR * (1 - by_age), (runs, plans, groups))
    hazards: Floats = drawn[:, :, group]
    return hazards


#: Customers that the rate of a wider group counts as beside those of a narrower one (count).
_PRIOR: Final = 20.0


def _spread_of_hazards(history: MonthlyHistory) -> float:
    """Return the variance of the factor by which all rates of one month differ from those of others."""
    there, gone = history.there.sum(0), history.gone.sum(0)
    rate = gone / np.maximum(there, 1)
    expected = (history.there * rate).sum((1, 2))
    chance = (history.there * rate * (1 - rate)).sum((1, 2))
    beyond = ((history.gone.sum((1, 2)) - expected) ** 2 - chance).sum()
    total = (expected**2).sum()
    return float(min(0.5, max(0.0, beyond / total))) if total > 0 else 0.0


class _Arrivals:
    """Arrivals of each month to come, by a trend of the months before and what scatters about it."""

    def __init__(self, history: MonthlyHistory, random: np.random.Generator, runs: int) -> None:
        self._random = random
        came = history.arrived.sum(1)[::-1].astype(np.float64)
        months = len(came)
        level = np.log(came + 0.5)
        when = np.arange(months) - (months - 1)
        weight = (came + 0.5) / (came + 0.5).sum()
        middle = (weight * when).sum()
        spread = (weight * (when - middle) ** 2).sum()
        slope = (weight * (when - middle) * level).sum() / spread
        base = (weight * level).sum()
        fitted = np.exp(base + slope * (when - middle))
        dispersion = max(1.0, float(((came - fitted) ** 2 / fitted).sum() / max(1, months - 2)))
        # Of the logarithm: the variance of a mean of so many months, and of their trend.
        unit = dispersion / max(float(came.sum()), 1.0)
        self._dispersion = dispersion
        self._slope = random.normal(slope, np.sqrt(unit / spread), runs)
        self._base = random.normal(base, np.sqrt(unit), runs) - self._slope * middle

    def drawn(self, month: int) -> Ints:
        """Return how many come in a month from the origin on, 0 the first, in each simulation."""
        ahead = (1 - _DAMPING ** (month + 1)) / (1 - _DAMPING) * _DAMPING
        mean = np.exp(np.clip(self._base + self._slope * ahead, -5.0, 16.0))
        if self._dispersion > 1.0:
            mean = self._random.gamma(mean / (self._dispersion - 1), self._dispersion - 1)
        drawn: Ints = self._random.poisson(mean)
        return drawn


#: By how much a trend of arrivals weakens from month to month: none goes on for ever.
_DAMPING: Final = 0.9


def _shares(history: MonthlyHistory) -> Floats:
    came = history.arrived.sum(0) + 0.5 / history.arrived.shape[1]
    shares: Floats = came / came.sum()
    return shares


def _arriving_mrr(history: MonthlyHistory) -> tuple[Floats, Floats]:
    """Return the MRR of one arrival by plan: its mean, and how far single ones are from it."""
    came, mrr = history.arrived.sum(0), history.arrived_mrr.sum(0)
    overall = mrr.sum() / max(1, came.sum())
    mean = np.where(came > 0, mrr / np.maximum(came, 1), overall)
    return mean, _deviation_of_mrr(history)


def _deviation_of_mrr(history: MonthlyHistory) -> Floats:
    """Return by plan how far the MRR of single customers is from their mean, at the origin."""
    count = np.maximum(history.now.sum(1), 1)
    mean = history.now_mrr.sum(1) / count
    deviation: Floats = np.sqrt(np.maximum(history.now_squares.sum(1) / count - mean**2, 0.0))
    return deviation


def widened(found: Sequence[HeldOut]) -> list[HeldOut]:
    """Return months of the past with the bands that those forecast from other months would have given them."""
    out: list[HeldOut] = []
    for each in found:
        widths = widths_of([other for other in found if other.origin != each.origin])
        month = each.month
        bands = (_wider(month.customers, widths.customers), _wider(month.mrr, widths.mrr))
        out.append(each._replace(month=Month(month.at_ms, *bands)))
    return out


def _wider(band: tuple[float, float, float], width: float) -> tuple[float, float, float]:
    middle, low, high = band
    return middle, max(0.0, middle - width * (middle - low)), middle + width * (high - middle)


def held_out_months(parts: Sequence[Stretches], at_ms: int, bucket_ms: int) -> list[HeldOut]:
    """Return the last months as they would have been forecast, from each earlier month that had enough before it.

    Their bands are not widened.

    Args:
        parts: The stretches of each partition.
        at_ms: T (ms since 1970).
        bucket_ms: Length of a bucket (ms): boundaries are at its multiples.
    """
    everything = joined(parts, at_ms, PLAN)
    out: list[HeldOut] = []
    for back in range(1, MONTHS + 1):
        origin_ms = (at_ms - back * MONTH_MS) // bucket_ms * bucket_ms
        people = joined(parts, origin_ms, PLAN)
        months = learnt_months(people, origin_ms)
        if months < LEAST_MONTHS:
            break
        history = history_of(people, origin_ms, months, bucket_ms=bucket_ms)
        for ahead, month in enumerate(forecast(history, origin_ms, back, runs=_HELD_OUT_SIMULATIONS), 1):
            out.append(HeldOut(back, ahead, month, *stock_at(everything, min(month.at_ms, at_ms))))
    return out
