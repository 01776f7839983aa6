"""Lifetime value: what a customer brings, from the survival of stays and the revenue of an active customer.

The value is the integral of survival over time, times what an active customer brings a day: undiscounted, of revenue
and not of margin, and not beyond the longest stay that was seen. Its interval is that of a bootstrap over stays.
Pure: who reads the states is `tenure.reports.value`. Definitions: docs/definitions.md, section "What keeps customers".
Source: Efron (1979), Ann. Stat. 7, 1-26.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from kpis.filters import Filter
from kpis.names import Names
from kpis.population.choosing import Chooser
from kpis.population.lifetime import Interval
from kpis.population.stays import past_until

#: Samples of a bootstrap (count), and the seed of its draws: the same stays have the same interval.
SAMPLES: Final = 400
_SEED: Final = 20_251_129
_MONTH_DAYS: Final = 365 / 12
_TAIL: Final = 0.025
#: Samples that are worked out together, and how many cells that may take (count).
_TOGETHER: Final = 4_000_000

Floats = NDArray[np.float64]

#: A stay: whole days, whether it has ended, and MRR at T where it goes on (minor units).
Cell = tuple[int, bool, int]


class Value(NamedTuple):
    """The value of a customer of some group.

    Attributes:
        customers: Active at T (count).
        arpa: MRR of an active customer (minor units a month); None without any.
        mean_days: The restricted mean of stays; None without any.
        value: What a customer brings (minor units); None without active customers.
        interval: What holds it with 95 %.
    """

    customers: int
    arpa: float | None
    mean_days: float | None
    value: float | None
    interval: Interval | None


class ValueScan:
    """Takes all customers, and keeps their stays, by value of some dimensions."""

    def __init__(
        self,
        *,
        at_ms: int,
        bucket_ms: int,
        what: WhatCounts,
        dimensions: Sequence[str] = (),
        where: Filter | None = None,
    ) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            dimensions: Whose values get a value of their own; of a plan it is the one that a stay began with.
            where: Only stays that begin when it holds.
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        self._chooser = Chooser(where)
        #: the stays of all customers
        self.stays: Counter[Cell] = Counter()
        #: by dimension, then value
        self.segments: dict[str, dict[str, Counter[Cell]]] = {dimension: {} for dimension in dimensions}

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        past = past_until(customer, self._at_ms, self._bucket_ms, self._what)
        for stay in past.stays:
            plan = past.at(stay.start_ms + 1).plan
            if not self._chooser.holds(names, plan, customer.profile):
                continue
            has_left = stay.end_ms < self._at_ms
            cell = (stay.days_from(stay.start_ms, self._at_ms), has_left, 0 if has_left else past.now.mrr)
            self.stays[cell] += 1
            for dimension, by_value in self.segments.items():
                by_value.setdefault(names.value_at(dimension, plan, customer.profile), Counter())[cell] += 1


def payback_days(cells: Counter[Cell], cost_minor: float) -> int | None:
    """Return after how many days a customer of a group of stays has brought what it cost.

    Args:
        cells: The stays, each with how many there are of it.
        cost_minor: The cost of acquiring one (minor units); 0 is paid back at once.

    Returns:
        None where the stays seen do not say.
    """
    if not any(not has_left for _, has_left, _ in cells):
        return None
    if cost_minor <= 0:
        return 0
    amounts = _amounts(cells)
    a_day = float(_figures(cells, amounts)[2][0]) / _MONTH_DAYS
    days, _ = _columns(cells)
    steps = np.diff(np.concatenate(([0], days)))
    shares = np.concatenate(([1.0], _survival(*_by_duration(cells, amounts))[0, :-1]))
    brought = np.cumsum(steps * shares) * a_day
    beyond = np.flatnonzero(brought >= cost_minor)
    if not len(beyond):
        return None
    place = int(beyond[0])
    missing = cost_minor - (brought[place - 1] if place else 0.0)
    return int(np.ceil((days[place - 1] if place else 0) + missing / (a_day * shares[place])))


def value_of(cells: Counter[Cell]) -> Value:
    """Return the value of a customer of a group of stays, each a cell with how many there are of it."""
    if not cells:
        return Value(0, None, None, None, None)
    mean, active, arpa = _figures(cells, _amounts(cells))
    customers = int(active[0])
    if not customers:
        return Value(0, None, float(mean[0]), None, None)
    drawn = _drawn(cells)
    return Value(
        customers,
        float(arpa[0]),
        float(mean[0]),
        float(mean[0] * arpa[0] / _MONTH_DAYS),
        Interval(*np.quantile(drawn, (_TAIL, 1 - _TAIL)).tolist()) if len(drawn) else None,
    )


def _drawn(cells: Counter[Cell]) -> Floats:
    """Return the values of samples of the same size, drawn with replacement; one without active customers has none."""
    random = np.random.default_rng(_SEED)
    counts = np.array(list(cells.values()), np.int64)
    together = max(1, _TOGETHER // len(counts))
    found: list[Floats] = []
    for start in range(0, SAMPLES, together):
        size = min(together, SAMPLES - start)
        amounts = random.multinomial(counts.sum(), counts / counts.sum(), size).astype(np.float64)
        mean, active, arpa = _figures(cells, amounts)
        found.append((mean * arpa / _MONTH_DAYS)[active > 0])
    return np.concatenate(found)


def _columns(cells: Counter[Cell]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the durations of cells, ascending, and of each cell the place of its own."""
    days, place = np.unique(np.array([cell[0] for cell in cells], np.float64), return_inverse=True)
    return days, place


def _amounts(cells: Counter[Cell]) -> Floats:
    """Return cells as one sample of themselves."""
    return np.array(list(cells.values()), np.float64)[None, :]


def _by_duration(cells: Counter[Cell], amounts: Floats) -> tuple[Floats, Floats]:
    """Return of samples of cells (lines) the deaths and the censorings by duration (columns)."""
    days, place = _columns(cells)
    ended = np.array([cell[1] for cell in cells], np.bool_)
    deaths, censored = np.zeros((2, len(amounts), len(days)))
    for line in range(len(amounts)):
        deaths[line] = np.bincount(place[ended], amounts[line, ended], len(days))
        censored[line] = np.bincount(place[~ended], amounts[line, ~ended], len(days))
    return deaths, censored


def _survival(deaths: Floats, censored: Floats) -> Floats:
    """Return the estimate of Kaplan and Meier after each duration (columns) of each sample (lines)."""
    total = deaths + censored
    at_risk = total[:, ::-1].cumsum(axis=1)[:, ::-1]
    found: Floats = np.cumprod(1 - deaths / np.maximum(at_risk, 1), axis=1)
    return found


def _figures(cells: Counter[Cell], amounts: Floats) -> tuple[Floats, Floats, Floats]:
    """Return of samples of cells (lines) the mean stay (days), the active customers, and their mean MRR."""
    days, _ = _columns(cells)
    survival = _survival(*_by_duration(cells, amounts))
    steps = np.diff(np.concatenate(([0.0], days)))
    before = np.concatenate((np.ones((len(amounts), 1)), survival[:, :-1]), axis=1)
    goes_on = np.array([not cell[1] for cell in cells], np.float64)
    mrr = np.array([cell[2] for cell in cells], np.float64)
    active = amounts @ goes_on
    return before @ steps, active, amounts @ (mrr * goes_on) / np.maximum(active, 1)
