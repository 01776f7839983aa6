"""Invented companies of several kinds, month by month, and how often bands of forecasts hold what comes of them.

python -m tests.unit.kpis.population.monthly_companies --first 1000 --count 20
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Floats, Ints
from kpis.names import PLAN, Names
from kpis.population.episodes import OPEN_MS, Stretches, joined
from kpis.population.forecast_trials import ORIGINS, HeldOut, held_out_months
from kpis.population.monthly_history import HOUR_MS, MONTH_MS, history_of, whole_months
from kpis.population.monthly_levels import SEEN_MONTHS

_PRICES: Final = np.array([900.0, 4_900.0, 12_900.0])
#: Who is younger leaves at twice the rate (months).
_YOUNG: Final = 3
#: Who has left may come back for so long (months).
_REMEMBERS: Final = 6
_AHEAD: Final = (1, 3, 6, 12)


class Kind(NamedTuple):
    """How customers of a company come, pay and leave; rates are per month.

    Attributes:
        rate: Who becomes a customer in the first month (count).
        growth: By what the logarithm of that rises.
        season: By what it rises and falls within twelve months (half of the difference, logarithm).
        wander: By what it moves at random, for good (standard deviation, logarithm).
        scatter: By what single months differ beyond chance, of arrivals and of leaving (standard deviation, logarithm).
        churn: The share that leaves, of the cheapest plan at an age of three months and more.
        drift: By what the logarithm of that changes in a year.
        changes: The share whose MRR changes.
        rises: The probability that all prices rise.
        spike: By what leaving is multiplied in the month of a rise.
        spread: Of the MRR of single customers of one plan (standard deviation, logarithm).
        back: The share of those who have left that comes back.
        ease: By which part of itself growth weakens each month.
        jump: The probability that arrivals are at another level from a month on, for good.
        leap: By how much then (standard deviation, logarithm).
        churn_season: By what the logarithm of leaving rises and falls within twelve months.
        churn_wander: By what it moves at random, for good (standard deviation).
        months: How long the company is looked at (count).
    """

    rate: float = 30.0
    growth: float = 0.0
    season: float = 0.0
    wander: float = 0.0
    scatter: float = 0.1
    churn: float = 0.05
    drift: float = 0.0
    changes: float = 0.015
    rises: float = 0.0
    spike: float = 1.0
    spread: float = 0.4
    back: float = 0.0
    ease: float = 0.0
    jump: float = 0.0
    leap: float = 0.4
    churn_season: float = 0.0
    churn_wander: float = 0.0
    months: int = 36


KINDS: Final = {
    "steady": Kind(),
    "growing": Kind(rate=12, growth=0.04),
    "shrinking": Kind(rate=60, growth=-0.03),
    "seasonal": Kind(season=0.35),
    "few customers": Kind(rate=4),
    "many customers": Kind(rate=800, scatter=0.06),
    "price rises": Kind(rises=0.09, spike=1.3, changes=0.03),
    "wandering": Kind(wander=0.1, drift=0.2),
    "coming back": Kind(back=0.03, changes=0.05, spread=0.8),
    "young": Kind(rate=40, growth=0.05, months=20),
}
#: Kinds that were invented after the settings of the forecast, of which none was changed for them.
FURTHER: Final = {
    "saturating": Kind(rate=15, growth=0.1, ease=0.06),
    "campaigns": Kind(rate=25, jump=0.06),
    "bursts": Kind(scatter=0.35),
    "slow wandering": Kind(wander=0.03, churn_wander=0.03),
    "leaving wanders": Kind(rate=60, churn_wander=0.08),
    "leaving has seasons": Kind(rate=50, churn_season=0.25),
    "high churn": Kind(rate=80, churn=0.15),
    "long, season and growth": Kind(rate=15, growth=0.015, season=0.2, months=60),
    "little of all": Kind(rate=20, growth=0.01, season=0.1, wander=0.04, drift=0.05, rises=0.03, back=0.01),
    "young, wandering": Kind(rate=40, wander=0.08, months=20),
}


class _Invented:
    """A company while its months go by: of each customer where they stand, and the stretches that are over.

    Times are months since the beginning.
    """

    def __init__(self, kind: Kind, seed: int) -> None:
        self._kind, self._random = kind, np.random.default_rng(seed)
        self.plan = np.empty(0, np.int64)
        self.first, self.since, self.begun, self.mrr = (np.empty(0) for _ in range(4))
        self.active = np.empty(0, np.bool_)
        #: customer, start, end, MRR
        self.over: list[tuple[Floats, ...]] = []
        self._wandered, self._churn_wandered, self._price = 0.0, 0.0, 1.0

    def live(self, month: int) -> None:
        """Let a month go by."""
        kind, random = self._kind, self._random
        if kind.churn_wander:
            self._churn_wandered += random.normal(0, kind.churn_wander)
        level = kind.drift * month / 12 + kind.churn_season * _within_year(month) + self._churn_wandered
        churn = kind.churn * math.exp(level + random.normal(0, kind.scatter)) / (1 + self.plan)
        if random.random() < kind.rises:
            factor = random.uniform(1.04, 1.1)
            self._price *= factor
            who = np.flatnonzero(self.active)
            self._pay(who, np.full(len(who), float(month)), self.mrr[who] * factor)
            churn *= kind.spike
        churn *= np.where(month - self.begun < _YOUNG, 2.0, 1.0)
        drawn, at = random.random((2, len(self.plan)))
        at += month
        leaves = np.flatnonzero(self.active & (drawn < churn))
        returns = np.flatnonzero(~self.active & (drawn < kind.back) & (month - self.since < _REMEMBERS))
        changes = np.flatnonzero(self.active & (drawn > 1 - kind.changes))
        self._pay(changes, at[changes], self.mrr[changes] * random.choice([0.75, 1.3, 1.4], len(changes)))
        self._close(leaves, at[leaves])
        self.active[leaves], self.since[leaves] = False, at[leaves]
        self.active[returns], self.since[returns], self.begun[returns] = True, at[returns], at[returns]
        self._welcome(month)

    def _welcome(self, month: int) -> None:
        kind, random = self._kind, self._random
        self._wandered += random.normal(0, kind.wander)
        if kind.jump and random.random() < kind.jump:
            self._wandered += random.normal(0, kind.leap)
        months = (1 - (1 - kind.ease) ** month) / kind.ease if kind.ease else month
        level = kind.growth * months + kind.season * _within_year(month) + self._wandered
        came = int(random.poisson(kind.rate * math.exp(level + random.normal(0, kind.scatter))))
        plan, at = random.integers(0, len(_PRICES), came), month + random.random(came)
        mrr = _PRICES[plan] * self._price * np.exp(random.normal(0, kind.spread, came))
        self.plan, self.mrr = np.append(self.plan, plan), np.append(self.mrr, mrr)
        self.first, self.since, self.begun = (np.append(each, at) for each in (self.first, self.since, self.begun))
        self.active = np.append(self.active, np.ones(came, np.bool_))

    def _pay(self, who: Ints, at: Floats, mrr: Floats) -> None:
        self._close(who, at)
        self.since[who], self.mrr[who] = at, mrr

    def _close(self, who: Ints, at: Floats) -> None:
        self.over.append((who.astype(np.float64), self.since[who], at, self.mrr[who]))


def _within_year(month: int) -> float:
    return math.sin(2 * math.pi * month / 12)


def invented_company(kind: Kind, seed: int) -> list[Stretches]:
    """Return a company, on one partition; its first month begins with 1970."""
    found = _Invented(kind, seed)
    for month in range(kind.months):
        found.live(month)
    stays = np.flatnonzero(found.active)
    found.over.append((stays.astype(np.float64), found.since[stays], np.full(len(stays), np.nan), found.mrr[stays]))
    columns = (np.concatenate(column) for column in zip(*found.over, strict=True))
    who, start, end, mrr = np.array(sorted(zip(*columns, strict=True))).T
    names, mine, minor = Names(), who.astype(np.int64), np.rint(mrr).astype(np.int64)
    numbers = np.array([names.plan(plan) for plan in ("basic", "pro", "team")], np.int64)
    first_ms = (found.first * MONTH_MS).astype(np.int64)
    end_ms = np.where(np.isnan(end), OPEN_MS, (np.nan_to_num(end) * MONTH_MS).astype(np.int64))
    places = np.searchsorted(mine, np.arange(len(first_ms)))
    return [
        Stretches(
            names,
            first_ms,
            numbers[found.plan],
            np.zeros_like(first_ms),
            minor[places],
            mine,
            (start * MONTH_MS).astype(np.int64),
            end_ms,
            minor,
        )
    ]


def held_out(kind: Kind, seeds: Iterable[int]) -> list[HeldOut]:
    """Return the months that were held out of some companies of a kind."""
    out: list[HeldOut] = []
    at_ms = kind.months * MONTH_MS
    for seed in seeds:
        people = joined(invented_company(kind, seed), at_ms, PLAN)
        months = whole_months(people, at_ms, SEEN_MONTHS + ORIGINS)
        out += held_out_months(history_of(people, at_ms, months, bucket_ms=HOUR_MS), at_ms)
    return out


def coverage(found: Iterable[HeldOut]) -> tuple[float, float]:
    """Return which share of bands held the customers, and which the MRR."""
    customers, mrr = np.mean([(each.holds_customers, each.holds_mrr) for each in found], 0).tolist()
    return customers, mrr


def main() -> None:
    """Print the coverage of customers and MRR by kind, of all months and of some that are so far ahead."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("first", 1), ("count", 20)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    kinds = KINDS | FURTHER
    parser.add_argument("--kind", action="append", choices=[*kinds])
    parser.add_argument("--further", action="store_true", help="kinds that nothing was chosen by")
    asked = parser.parse_args()
    print(f"{'':24}all        ", *(f"{ahead:2} months  " for ahead in _AHEAD))  # noqa: T201
    for name in asked.kind or (FURTHER if asked.further else KINDS):
        found = held_out(kinds[name], range(asked.first, asked.first + asked.count))
        parts = [found, *([each for each in found if each.ahead == ahead] for ahead in _AHEAD)]
        shares = ("{:.0%} {:.0%}".format(*coverage(part)) for part in parts)
        print(f"{name:24}", *(f"{share:10}" for share in shares), f"of {len(found)}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
