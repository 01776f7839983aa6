"""The always-valid comparison of two groups by when their members leave: it may be looked at on every day.

Members enter one after the other. Those of a few consecutive days of entry make a *stratum*, and of each stratum each
day with a leaving is a table of two groups: how many are there, how many leave. If both groups leave alike, who of a
table leaves is a draw without replacement, whatever the rates of that day and of that age are. So the likelihood ratio
of any other ratio of odds, multiplied over all tables so far, is a martingale, and so is a mixture of such: it exceeds
20 on some day, ever, with a probability of 5 % at most (Ville's inequality). Nothing here is an approximation.
Pure. Source: Grünwald, Ly, Pérez-Ortiz and ter Schure (2020), The safe log-rank test, arXiv:2011.06931; Mantel (1966),
Cancer Chemotherapy Reports 50, 163-170; Ville (1939), Étude critique de la notion de collectif; Robbins (1970), Ann.
Math. Stat. 41, 1397-1409.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Flags, Floats, Ints
from kpis.population.lifetime import Interval

#: Of comparisons without any difference no more than this share is ever called one.
ALPHA: Final = 0.05
#: A stratum takes whole days of entry until it has so many members (count).
STRATUM: Final = 20
#: Logarithms of the ratios of odds that are mixed, by a normal density around no difference.
_LOG_RATIOS: Final = np.arange(-30, 31) / 10.0
_SPREAD: Final = 0.5
#: No bound of a ratio is looked for beyond (logarithm).
_FARTHEST: Final = 12.0
_BISECTIONS: Final = 60
#: Possible draws that are worked out together (count).
_CELLS: Final = 20_000


def _weights() -> Floats:
    density = np.exp(-((_LOG_RATIOS / _SPREAD) ** 2) / 2)
    found: Floats = np.log(density / density.sum())
    return found


_LOG_WEIGHTS: Final = _weights()


class ComparedMembers(NamedTuple):
    """Members of two groups, one line each.

    Attributes:
        group: 0 or 1.
        entry: The day on which each entered (day number).
        leaving: The last day on which each was there (day number).
        has_left: Whether the member left on that day; else the time of observation ended after it.
    """

    group: Ints
    entry: Ints
    leaving: Ints
    has_left: Flags


class StratumTable(NamedTuple):
    """One stratum on one day with leavings: those there of each group, those who leave, those of group 1 who do."""

    day: int
    there_0: int
    there_1: int
    left: int
    left_1: int


class SequentialComparison(NamedTuple):
    """The comparison of group 1 with group 0, as of a day.

    Attributes:
        p: The always-valid p-value: the smallest that any day so far gave.
        since: The first day on which it was at most alpha; None where there was none (day number).
        odds_ratio: The likeliest ratio of the odds of leaving on a day, group 1 over group 0; None where nobody left,
            or all who left are of one group.
        interval: What holds the ratio on all days at once, with 1 - alpha; None where nobody left.
        left: Leavings that were compared (count).
    """

    p: float
    since: int | None
    odds_ratio: float | None
    interval: Interval | None
    left: int


def strata_of(entry: Ints, least: int = STRATUM) -> list[tuple[int, int]]:
    """Return the first and the last day of entry of each stratum; the last one may have few members."""
    days, counts = np.unique(entry, return_counts=True)
    out: list[tuple[int, int]] = []
    first, members = None, 0
    for day, count in zip(days.tolist(), counts.tolist(), strict=True):
        first, members = day if first is None else first, members + count
        if members >= least:
            out.append((first, day))
            first, members = None, 0
    if first is not None:
        out.append((first, int(days[-1])))
    return out


def tables_of(members: ComparedMembers, least: int = STRATUM) -> list[StratumTable]:
    """Return the tables in which both groups are there, by day."""
    out: list[StratumTable] = []
    order = np.argsort(members.entry, kind="stable")
    entered = members.entry[order]
    for first, last in strata_of(members.entry, least):
        mine = order[slice(*np.searchsorted(entered, (first, last + 1)))]
        group, entry, leaving = members.group[mine], members.entry[mine], members.leaving[mine]
        has_left = members.has_left[mine]
        days, left = np.unique(leaving[has_left], return_counts=True)
        left_1 = _count_on(leaving[has_left & (group == 1)], days)
        there = [_there(entry[group == number], leaving[group == number], days) for number in (0, 1)]
        columns = (days, there[0], there[1], left, left_1)
        out += [StratumTable(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    out = [table for table in out if table.there_0 and table.there_1]
    out.sort()
    return out


def _count_on(on: Ints, days: Ints) -> Ints:
    on = np.sort(on)
    found: Ints = np.searchsorted(on, days, "right") - np.searchsorted(on, days, "left")
    return found


def _there(entry: Ints, leaving: Ints, days: Ints) -> Ints:
    found: Ints = np.searchsorted(np.sort(entry), days, "right") - np.searchsorted(np.sort(leaving), days, "left")
    return found


class Likelihoods:
    """The likelihoods of tables, by the ratio of odds, over those of no difference.

    Given its margins, a table is a draw of Fisher's noncentral hypergeometric distribution.
    Source: Fisher (1935), J. R. Stat. Soc. 98, 39-82.
    """

    def __init__(self, tables: Sequence[StratumTable]) -> None:
        """Work out in how many ways each table could have come about."""
        self._count = len(tables)
        self._left_1 = np.array([table.left_1 for table in tables], np.float64)
        #: of tables with so many possible draws their places, the draws, and the logarithms of how likely each is
        self._parts: list[tuple[Ints, Floats, Floats]] = []
        by_draws: dict[int, list[int]] = {}
        possible = [range(max(0, each.left - each.there_0), min(each.left, each.there_1) + 1) for each in tables]
        for place, each in enumerate(possible):
            by_draws.setdefault(len(each), []).append(place)
        for places in (part for each in by_draws.values() for part in _parts(each, len(possible[each[0]]))):
            ways = np.array([[_log_ways(tables[place], x) for x in possible[place]] for place in places])
            ways -= _log_sum(ways)[:, None]
            draws = np.array([possible[place] for place in places], np.float64)
            self._parts.append((np.array(places, np.int64), draws, ways))

    def by_table(self, log_ratios: Floats) -> Floats:
        """Return the logarithm for each table (line) and each ratio of odds (column), which are logarithms too."""
        out = self._left_1[:, None] * log_ratios
        for places, draws, ways in self._parts:
            terms = ways[:, None, :] + log_ratios[None, :, None] * draws[:, None, :]
            out[places] -= _log_sum(terms)
        return out

    def of_all(self, log_ratio: float) -> float:
        """Return the logarithm for all tables together."""
        return float(self.by_table(np.array([log_ratio])).sum())


def _parts(places: list[int], draws: int) -> list[list[int]]:
    """Return places in parts of which none takes much memory."""
    size = max(1, _CELLS // draws)
    return [places[start : start + size] for start in range(0, len(places), size)]


def _log_ways(table: StratumTable, left_1: int) -> float:
    pairs = ((table.there_1, left_1), (table.there_0, table.left - left_1))
    return sum(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for n, k in pairs)


def _log_sum(logarithms: Floats) -> Floats:
    """Return the logarithm of the sum over the last axis."""
    greatest = logarithms.max(axis=-1)
    found: Floats = greatest + np.log(np.exp(logarithms - greatest[..., None]).sum(axis=-1))
    return found


def compared(members: ComparedMembers, *, alpha: float = ALPHA, least: int = STRATUM) -> SequentialComparison:
    """Return the comparison of two groups as of the last day of `members`, which are all known until then.

    Args:
        members: Of both groups.
        alpha: How often groups that leave alike may ever be called different, in (0, 1).
        least: Members of a stratum (count).
    """
    return compared_tables(tables_of(members, least), alpha=alpha)


def compared_tables(tables: Sequence[StratumTable], *, alpha: float) -> SequentialComparison:
    """Return the comparison of two groups by all their tables, which are in the order of `tables_of`."""
    if not tables:
        return SequentialComparison(1.0, None, None, None, 0)
    likelihoods = Likelihoods(tables)
    total = np.cumsum(likelihoods.by_table(_LOG_RATIOS), axis=0)
    days = np.array([table.day for table in tables], np.int64)
    is_last = np.append(days[1:] != days[:-1], True)
    evidence = _log_sum(_LOG_WEIGHTS + total[is_last])
    beyond = np.flatnonzero(evidence >= -math.log(alpha))
    since = int(days[is_last][beyond[0]]) if len(beyond) else None
    left, left_1 = sum(table.left for table in tables), sum(table.left_1 for table in tables)
    likeliest = _likeliest(likelihoods)
    return SequentialComparison(
        p=min(1.0, math.exp(-max(0.0, float(evidence.max())))),
        since=since,
        odds_ratio=math.exp(likeliest) if 0 < left_1 < left else None,
        interval=_interval(likelihoods, likeliest, float(evidence[-1]) + math.log(alpha)),
        left=left,
    )


def _likeliest(likelihoods: Likelihoods) -> float:
    """Return the logarithm of the ratio of odds whose likelihood is greatest; that of the likelihood is concave."""
    low, high = -_FARTHEST, _FARTHEST
    for _ in range(_BISECTIONS):
        one, other = low + (high - low) / 3, high - (high - low) / 3
        if likelihoods.of_all(one) < likelihoods.of_all(other):
            low = one
        else:
            high = other
    return (low + high) / 2


def _interval(likelihoods: Likelihoods, likeliest: float, least_log: float) -> Interval:
    """Return the ratios of odds whose likelihood is at least so great; those beyond any bound are 0 and infinity."""
    bounds = []
    for far in (-_FARTHEST, _FARTHEST):
        inside, outside = likeliest, far
        if likelihoods.of_all(far) >= least_log:
            bounds.append(0.0 if far < 0 else math.inf)
            continue
        for _ in range(_BISECTIONS):
            between = (inside + outside) / 2
            if likelihoods.of_all(between) >= least_log:
                inside = between
            else:
                outside = between
        bounds.append(math.exp(inside))
    return Interval(*bounds)
