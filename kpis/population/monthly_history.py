"""Customers and MRR at the boundaries of months that went by: what a forecast learns from, and is held against.

A month is 365/12 days, 730 hours. What an origin may know of is what lies before it: a boundary's stock follows of the
facts before it alone, so that one pass over the months serves every origin.
Pure. Definitions: docs/definitions.md, section "What keeps customers".
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Flags, Floats, Ints
from kpis.population.episodes import Joined, begins_episode

HOUR_MS: Final = 3_600_000
MONTH_MS: Final = 730 * HOUR_MS
#: All ages from this one on are one (months).
MOST_AGE: Final = 25


class MonthlyHistory(NamedTuple):
    """Customers at the boundaries of months before an origin, the origin first, and what became of them in between.

    Months go backwards, the last one first. Ages are whole months, MOST_AGE for all that are older; MRR is in minor
    units.

    Attributes:
        stock: Customers by boundary, plan and age.
        stock_mrr: Their MRR.
        stock_squares: The sum of its squares.
        gone: Customers of a month's beginning who were not there at its end, by month, plan and age.
        arrived: Customers of a month's end who were not there at its beginning, by month and plan.
        arrived_mrr: Their MRR at the end.
        gone_mrr: The MRR at the beginning of those who were gone, by month.
        stayed_mrr_before: The MRR at the beginning of those who were there at both, by month.
        stayed_mrr_after: Theirs at the end.
    """

    stock: Ints
    stock_mrr: Ints
    stock_squares: Floats
    gone: Ints
    arrived: Ints
    arrived_mrr: Ints
    gone_mrr: Ints
    stayed_mrr_before: Ints
    stayed_mrr_after: Ints

    @property
    def months(self) -> int:
        """The number of months."""
        return len(self.gone)

    @property
    def there(self) -> Ints:
        """Customers at the beginning of each month, by plan and age."""
        return self.stock[1:]

    def total(self, back: int = 0) -> tuple[int, int]:
        """Return customers and MRR at a boundary, so many months before the origin (minor units)."""
        return int(self.stock[back].sum()), int(self.stock_mrr[back].sum())

    def before(self, back: int, months: int) -> MonthlyHistory:
        """Return the last months before an earlier origin, without the plans that nobody had yet.

        Args:
            back: How many months the origin is earlier (count).
            months: How many are wanted (count); fewer where there are not so many.
        """
        until = min(back + months, self.months)
        boundaries, between = slice(back, until + 1), slice(back, until)
        had = (self.stock[boundaries].sum((0, 2)) + self.arrived[between].sum(0)) > 0
        had[0] |= not had.any()
        return MonthlyHistory(
            self.stock[boundaries, had],
            self.stock_mrr[boundaries, had],
            self.stock_squares[boundaries, had],
            self.gone[between, had],
            self.arrived[between, had],
            self.arrived_mrr[between, had],
            self.gone_mrr[between],
            self.stayed_mrr_before[between],
            self.stayed_mrr_after[between],
        )


def whole_months(people: Joined, origin_ms: int, most: int) -> int:
    """Return how many whole months there are before an origin since the first customer came, `most` at most."""
    if not len(people.first_ms):
        return 0
    return max(0, min(most, (origin_ms - int(people.first_ms.min())) // MONTH_MS))


def history_of(people: Joined, origin_ms: int, months: int, *, bucket_ms: int) -> MonthlyHistory:
    """Return the months before an origin; of facts from then on nothing is seen.

    Args:
        people: Who was active when.
        origin_ms: The origin, a boundary of buckets (ms since 1970).
        months: How many (count).
        bucket_ms: Length of a bucket (ms): boundaries are at its multiples, and what interrupts a stay within one does
            not make it young again.
    """
    plans = max(1, len(people.values))
    begun_ms = _stay_starts(people, bucket_ms)
    shape = (months + 1, plans, MOST_AGE + 1)
    stock, stock_mrr, stock_squares = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
    gone = np.zeros((months, *shape[1:]), np.int64)
    arrived, arrived_mrr = np.zeros((months, plans), np.int64), np.zeros((months, plans), np.int64)
    gone_mrr, before, after = (np.zeros(months, np.int64) for _ in range(3))
    later = _Snapshot(people, begun_ms, origin_ms)
    stock[0], stock_mrr[0], stock_squares[0] = later.by_plan_and_age(plans)
    for month in range(months):
        at_ms = (origin_ms - (month + 1) * MONTH_MS) // bucket_ms * bucket_ms
        earlier = _Snapshot(people, begun_ms, at_ms)
        stock[month + 1], stock_mrr[month + 1], stock_squares[month + 1] = earlier.by_plan_and_age(plans)
        stayed, same = earlier.is_in(later), later.is_in(earlier)
        np.add.at(gone[month], (earlier.plan[~stayed], earlier.age[~stayed]), 1)
        np.add.at(arrived[month], later.plan[~same], 1)
        np.add.at(arrived_mrr[month], later.plan[~same], later.mrr[~same])
        before[month], after[month] = earlier.mrr[stayed].sum(), later.mrr[same].sum()
        gone_mrr[month] = earlier.mrr.sum() - before[month]
        later = earlier
    return MonthlyHistory(stock, stock_mrr, stock_squares, gone, arrived, arrived_mrr, gone_mrr, before, after)


class _Snapshot:
    """The active customers at an instant: who, with plan, age in months and MRR."""

    def __init__(self, people: Joined, begun_ms: Ints, at_ms: int) -> None:
        is_there = (people.start_ms < at_ms) & (at_ms <= people.end_ms)
        self.customer = people.customer[is_there]
        self.plan = people.value[self.customer]
        self.age = np.minimum((at_ms - begun_ms[is_there]) // MONTH_MS, MOST_AGE)
        self.mrr = people.mrr[is_there]
        self._is_there = np.zeros(len(people.first_ms), np.bool_)
        self._is_there[self.customer] = True

    def is_in(self, other: _Snapshot) -> Flags:
        """Return of each customer whether it is active at another instant too."""
        found: Flags = other._is_there[self.customer]
        return found

    def by_plan_and_age(self, plans: int) -> tuple[Ints, Ints, Floats]:
        """Return customers, MRR and its squares."""
        count, mrr = np.zeros((plans, MOST_AGE + 1), np.int64), np.zeros((plans, MOST_AGE + 1), np.int64)
        squares = np.zeros((plans, MOST_AGE + 1))
        np.add.at(count, (self.plan, self.age), 1)
        np.add.at(mrr, (self.plan, self.age), self.mrr)
        np.add.at(squares, (self.plan, self.age), self.mrr.astype(np.float64) ** 2)
        return count, mrr, squares


def _stay_starts(people: Joined, bucket_ms: int) -> Ints:
    """Return of each stretch when the episode that it belongs to began (ms)."""
    begins = begins_episode(people, bucket_ms)
    return people.start_ms[np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))]
