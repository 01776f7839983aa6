"""Lifetime value: what a customer brings, from the survival of stays and the revenue of an active customer.

The value is the integral of survival over time, times what an active customer brings a day: undiscounted, of revenue
and not of margin, and not beyond the longest stay that was seen. Its interval is that of a bootstrap over stays.
Pure: who reads the states is `tenure.reports.value`. Definitions: docs/definitions.md, section "What keeps customers".
Source: Efron (1979), Ann. Stat. 7, 1-26.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Floats, Ints
from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from kpis.names import PLAN, Names
from kpis.population.episodes import OPEN_MS, Stretches, joined
from kpis.population.lifetime import Durations, Interval, durations, survival
from kpis.population.stays import PAST, past_until

#: Samples of a bootstrap (count), and the seed of its draws: the same stays have the same interval.
SAMPLES: Final = 400
_SEED: Final = 20_251_129
_MONTH_DAYS: Final = 365 / 12
_TAIL: Final = 0.025
#: Samples that are worked out together, and how many cells that may take (count).
_TOGETHER: Final = 4_000_000

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
        where: Choice = None,
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
        self._chooser = chooser_of(where)
        #: the stays of all customers
        self.stays: Counter[Cell] = Counter()
        #: by dimension, then value
        self.segments: dict[str, dict[str, Counter[Cell]]] = {dimension: {} for dimension in dimensions}

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        for stay in past.stays:
            plan = past.at(stay.start_ms + 1).plan
            if not self._chooser.holds(names, plan, customer.profile):
                continue
            has_left = stay.end_ms < self._at_ms
            cell = (stay.days_from(stay.start_ms, self._at_ms), has_left, 0 if has_left else past.now.mrr)
            self.stays[cell] += 1
            for dimension, by_value in self.segments.items():
                by_value.setdefault(names.value_at(dimension, plan, customer.profile), Counter())[cell] += 1

    def add(self, other: ValueScan) -> None:
        """Take the stays of another scan too."""
        self.stays.update(other.stays)
        for dimension, by_value in other.segments.items():
            mine = self.segments[dimension]
            for value, cells in by_value.items():
                mine.setdefault(value, Counter()).update(cells)


class StaySums:
    """The stays of a group in sums: all that a value needs, but for its interval."""

    def __init__(self) -> None:
        """Begin without stays."""
        #: stays that have ended, and that go on, by whole days
        self.ended: Counter[int] = Counter()
        self.going_on: Counter[int] = Counter()
        #: of those who are active (minor units)
        self.mrr = 0

    @property
    def stays(self) -> int:
        """Their number."""
        return self.durations.episodes

    @property
    def durations(self) -> Durations:
        """Their lengths."""
        return Durations(self.ended, self.going_on)

    def add(self, other: StaySums) -> None:
        """Take the stays of another group too."""
        self.ended.update(other.ended)
        self.going_on.update(other.going_on)
        self.mrr += other.mrr

    def value(self) -> Value:
        """Return the value of a customer of the group, without its interval."""
        mean_days, customers = survival(self.durations).restricted_mean_days(), self.going_on.total()
        if mean_days is None or not customers:
            return Value(0, None, mean_days, None, None)
        arpa = self.mrr / customers
        return Value(customers, arpa, mean_days, mean_days * arpa / _MONTH_DAYS, None)

    def payback_days(self, cost_minor: float) -> int | None:
        """Return after how many days a customer has brought what it cost.

        Args:
            cost_minor: The cost of acquiring one (minor units); 0 is paid back at once.

        Returns:
            None where the stays seen do not say.
        """
        customers = self.going_on.total()
        if not customers:
            return None
        if cost_minor <= 0:
            return 0
        a_day = self.mrr / customers / _MONTH_DAYS
        brought, before, share = 0.0, 0, 1.0
        for point in survival(self.durations).points:
            more = (point.days - before) * share * a_day
            if brought + more >= cost_minor:
                return math.ceil(before + (cost_minor - brought) / (share * a_day))
            brought, before, share = brought + more, point.days, point.survival
        return None


def stay_sums(stretches: Sequence[Stretches], *, at_ms: int, bucket_ms: int, dimension: str) -> dict[str, StaySums]:
    """Return the stays of partitions in sums, by value of a dimension.

    Args:
        stretches: Of each partition.
        at_ms: T (ms since 1970), a boundary of buckets.
        bucket_ms: Length of a bucket (ms).
        dimension: Any but the plan, since a stay has the one that it began with.
    """
    assert dimension != PLAN
    people = joined(stretches, at_ms, dimension)
    goes_on = people.end_ms == OPEN_MS
    mrr = np.zeros(len(people.values), np.int64)
    np.add.at(mrr, people.value[people.customer[goes_on]], people.mrr[goes_on])
    paid = dict(zip(people.values, mrr.tolist(), strict=True))
    found: dict[str, StaySums] = {}
    for name, each in durations(stretches, at_ms=at_ms, bucket_ms=bucket_ms, dimension=dimension).items():
        sums = found[name] = StaySums()
        sums.ended.update(each.deaths)
        sums.going_on.update(each.censored)
        sums.mrr = paid[name]
    return found


def sums_of(cells: Counter[Cell]) -> StaySums:
    """Return a group of stays in sums, each a cell with how many there are of it."""
    found = StaySums()
    for (days, has_left, mrr), count in cells.items():
        (found.ended if has_left else found.going_on)[days] += count
        found.mrr += mrr * count
    return found


def value_of(cells: Counter[Cell]) -> Value:
    """Return the value of a customer of a group of stays, each a cell with how many there are of it."""
    found = sums_of(cells).value()
    if found.value is None:
        return found
    drawn = _drawn(Counter(dict(sorted(cells.items()))))  # the same stays draw the same, in whatever order they came
    if not len(drawn):
        return found
    return found._replace(interval=Interval(*np.quantile(drawn, (_TAIL, 1 - _TAIL)).tolist()))


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


def _columns(cells: Counter[Cell]) -> tuple[Floats, Ints]:
    """Return the durations of cells, ascending, and of each cell the place of its own."""
    days, place = np.unique(np.array([cell[0] for cell in cells], np.float64), return_inverse=True)
    return days, place


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
    shares = _survival(*_by_duration(cells, amounts))
    steps = np.diff(np.concatenate(([0.0], days)))
    before = np.concatenate((np.ones((len(amounts), 1)), shares[:, :-1]), axis=1)
    goes_on = np.array([not cell[1] for cell in cells], np.float64)
    mrr = np.array([cell[2] for cell in cells], np.float64)
    active = amounts @ goes_on
    return before @ steps, active, amounts @ (mrr * goes_on) / np.maximum(active, 1)
