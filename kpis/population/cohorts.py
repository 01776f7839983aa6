"""Cohorts: customers by the period in which they were first active, and how many of them are active so much later.

With them goes their MRR. What is computed are integers; shares are derived from them, last of all.
Pure. Definitions: docs/definitions.md, section "Cohorts and lifetime".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Ints
from kpis.population.episodes import Joined, Stretches, joined
from kpis.population.local_time import LocalTime
from schemas.instants import DAY_MS

MONTH: Final = "month"
WEEK: Final = "week"
PERIODS: Final = (MONTH, WEEK)
_WEEK_DAYS: Final = 7
#: 1970-01-01 was a Thursday, and weeks begin with Mondays (days)
_MONDAY: Final = 3
#: By months since January 1970, up to 2111: the first day (since 1970-01-01). Looked up, since dates are slow.
_FIRST_DAYS: Final = np.arange(12 * 142).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
#: By days since 1970-01-01: months since January 1970.
_MONTHS: Final = np.repeat(np.arange(len(_FIRST_DAYS) - 1), np.diff(_FIRST_DAYS))


class Cohort(NamedTuple):
    """Customers who were first active in one period; each counts its periods from that fact on.

    `matured[k - 1]` of them have lived k periods by T; `active[k - 1]` of these were active when they had. MRR is in
    minor units: `mrr_start[k]` is that of those who have lived k periods, at the end of the bucket in which they were
    first active, `mrr_net[k - 1]` theirs when they had, `mrr_gross[k - 1]` the smaller of both of each. All end with
    the last period that anybody has lived; only `mrr_start` has period 0 too.
    """

    name: str
    size: int
    matured: tuple[int, ...]
    active: tuple[int, ...]
    mrr_start: tuple[int, ...]
    mrr_net: tuple[int, ...]
    mrr_gross: tuple[int, ...]


def share(part: int, of: int) -> float | None:
    """Return the share of customers, or of MRR, that is left; None of nothing: nobody is not 0 %."""
    return part / of if of else None


def whole(cohorts: Iterable[Cohort], name: str = "") -> Cohort:
    """Return several cohorts as one: sums first, shares after."""
    found = list(cohorts)
    return Cohort(
        name,
        sum(cohort.size for cohort in found),
        _sums(cohort.matured for cohort in found),
        _sums(cohort.active for cohort in found),
        _sums(cohort.mrr_start for cohort in found) or (0,),
        _sums(cohort.mrr_net for cohort in found),
        _sums(cohort.mrr_gross for cohort in found),
    )


def _sums(columns: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip_longest(*columns, fillvalue=0)))


def cohorts(
    stretches: Sequence[Stretches], *, at_ms: int, clock: LocalTime, period: str, dimension: str | None = None
) -> dict[str, list[Cohort]]:
    """Return the cohorts as of an instant, in order, by value of a dimension.

    Args:
        stretches: Of each partition.
        at_ms: T (ms since 1970).
        clock: Of the business time zone, whose calendar decides.
        period: MONTH or WEEK.
        dimension: Whose values get a table each; None makes one table, of all customers, under the value "".

    Returns:
        The table of every value that has customers; cohorts without customers are left out.
    """
    calendar = _Calendar(clock, period)
    people = joined(stretches, at_ms, dimension)
    lived = calendar.lived(people.first_ms, np.full_like(people.first_ms, at_ms))
    first_ms = people.first_ms[people.customer]
    began = calendar.lived(first_ms, people.start_ms)
    ended = calendar.lived(first_ms, np.minimum(people.end_ms, at_ms))
    period_of = calendar.period_of(people.first_ms)
    table = _Table(people, period_of, lived, began, ended)
    return {name: table.of(value, calendar.name_of) for value, name in enumerate(people.values) if table.has(value)}


class _Table:
    """Sums by value and cohort."""

    def __init__(self, people: Joined, period_of: Ints, lived: Ints, began: Ints, ended: Ints) -> None:
        """Take, by customer, the periods lived; by stretch, those lived before it began, and when it ended."""
        self._lived, self._began, self._ended = lived, began, ended
        self._mrr_start, self._mrr = people.mrr_start, people.mrr
        self._mrr_left = np.minimum(people.mrr, people.mrr_start[people.customer])
        self._periods, cohort = np.unique(period_of, return_inverse=True)
        group = people.value * max(1, len(self._periods)) + cohort
        self._people = np.argsort(group, kind="stable")
        self._stretches = np.argsort(group[people.customer], kind="stable")
        edges = np.arange(len(people.values) * len(self._periods) + 1)
        self._people_from = np.searchsorted(group[self._people], edges)
        self._stretches_from = np.searchsorted(group[people.customer][self._stretches], edges)

    def has(self, value: int) -> bool:
        first = value * len(self._periods)
        return bool(self._people_from[first + len(self._periods)] > self._people_from[first])

    def of(self, value: int, name_of: Callable[[int], str]) -> list[Cohort]:
        found: list[Cohort] = []
        for place, period in enumerate(self._periods.tolist()):
            group = value * len(self._periods) + place
            people = self._people[self._people_from[group] : self._people_from[group + 1]]
            if len(people):
                stretches = self._stretches[self._stretches_from[group] : self._stretches_from[group + 1]]
                found.append(self._cohort(name_of(period), people, stretches))
        return found

    def _cohort(self, name: str, people: Ints, stretches: Ints) -> Cohort:
        lived, began, ended = self._lived[people], self._began[stretches], self._ended[stretches]
        periods = int(lived.max())

        def until(amounts: Ints) -> Ints:
            """Sum amounts of customers for each period that they have lived, 0 too."""
            sums = np.zeros(periods + 1, np.int64)
            np.add.at(sums, lived, amounts)
            return np.cumsum(sums[::-1])[::-1]

        def during(amounts: Ints) -> tuple[int, ...]:
            """Sum amounts of stretches for each period from 1 on at which they had begun and not ended."""
            sums = np.zeros(periods + 2, np.int64)
            np.add.at(sums, began + 1, amounts)
            np.subtract.at(sums, ended + 1, amounts)
            return tuple(np.cumsum(sums)[1:-1].tolist())

        return Cohort(
            name,
            len(people),
            tuple(until(np.ones_like(lived))[1:].tolist()),
            during(np.ones_like(began)),
            tuple(until(self._mrr_start[people]).tolist()),
            during(self._mrr[stretches]),
            during(self._mrr_left[stretches]),
        )


class _Calendar:
    """Periods of the local calendar: which one holds an instant, and how many fit between two instants."""

    def __init__(self, clock: LocalTime, period: str) -> None:
        assert period in PERIODS, period
        self._clock = clock
        self._by_month = period == MONTH

    def period_of(self, at_ms: Ints) -> Ints:
        """Return the number of the period that holds each instant: months from 1970, or weeks."""
        return self._period_of_wall(self._clock.wall(at_ms))

    def name_of(self, period: int) -> str:
        """Return the name of a period: 2026-03, or 2026-W09."""
        if self._by_month:
            return f"{1970 + period // 12}-{period % 12 + 1:02}"
        # The Thursday of a week lies in the year that its number belongs to (ISO 8601).
        thursday = np.datetime64(0, "D") + (period * _WEEK_DAYS)
        year, week, _ = thursday.item().isocalendar()
        return f"{year}-W{week:02}"

    def later(self, wall: Ints, periods: Ints) -> Ints:
        """Return the instants at which walls show the same time so many periods later."""
        if not self._by_month:
            return self._clock.instant(wall + periods * (_WEEK_DAYS * DAY_MS))
        day, time_of_day = np.divmod(wall, DAY_MS)
        month = _MONTHS[day]
        then = month + periods
        later = np.minimum(_FIRST_DAYS[then] + (day - _FIRST_DAYS[month]), _FIRST_DAYS[then + 1] - 1)
        return self._clock.instant(later * DAY_MS + time_of_day)

    def lived(self, first_ms: Ints, at_ms: Ints) -> Ints:
        """Return how many periods have passed: the largest k with first + k periods <= at, for at >= first."""
        wall = self._clock.wall(first_ms)
        # Clocks that were set back may show a period less than has passed.
        periods = self._period_of_wall(self._clock.wall(at_ms)) - self._period_of_wall(wall) + 1
        left = np.arange(len(periods))
        while len(left):
            left = left[(periods[left] > 0) & (self.later(wall[left], periods[left]) > at_ms[left])]
            periods[left] -= 1
        return periods

    def _period_of_wall(self, wall: Ints) -> Ints:
        day = wall // DAY_MS
        return _MONTHS[day] if self._by_month else (day + _MONDAY) // _WEEK_DAYS
