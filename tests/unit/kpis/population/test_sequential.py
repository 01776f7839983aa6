"""The always-valid comparison against plain combinatorics, on companies without any difference, and with one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from kpis.population.sequential import (
    ALPHA,
    ComparedMembers,
    Likelihoods,
    SequentialComparison,
    StratumTable,
    compared,
    strata_of,
    tables_of,
)

#: What a member is, for the plain side: group, day of entry, last day, whether it left on it.
Member = tuple[int, int, int, bool]


def members_of(members: Sequence[Member]) -> ComparedMembers:
    """Return members as the comparison takes them."""
    group, entry, leaving, has_left = np.array(members, np.int64).reshape(-1, 4).T
    return ComparedMembers(group, entry, leaving, has_left.astype(bool))


def company(
    seed: int, *, ratio: float = 1.0, members: int = 400, entry_days: int = 60, days: int = 120, daily: float = 0.01
) -> list[Member]:
    """Return members of two groups, of whom many leave early; those of group 1 at another rate."""
    random = Random(seed)
    found: list[Member] = []
    for _ in range(members):
        group, entry = random.randrange(2), random.randrange(entry_days)
        rate = ratio if group else 1.0
        day = entry
        while day < days and random.random() >= rate * (8 * daily if day - entry < 3 else daily):
            day += 1
        found.append((group, entry, min(day, days - 1), day < days))
    return found


def plain_tables(members: Sequence[Member], least: int) -> list[StratumTable]:
    """Return the tables by looking at every member on every day."""
    entries, strata, waiting = sorted({entry for _, entry, _, _ in members}), [], []
    for day in entries:
        waiting.append(day)
        if sum(entry in waiting for _, entry, _, _ in members) >= least or day == entries[-1]:
            strata.append(waiting)
            waiting = []
    found = []
    for stratum in strata:
        mine = [each for each in members if each[1] in stratum]
        for day in range(max(last for _, _, last, _ in members) + 1):
            there = [each for each in mine if each[1] <= day <= each[2]]
            left = [each for each in there if each[3] and each[2] == day]
            there_0, there_1 = (sum(each[0] == group for each in there) for group in (0, 1))
            if left and there_0 and there_1:
                found.append(StratumTable(day, there_0, there_1, len(left), sum(each[0] for each in left)))
    return sorted(found)


@pytest.mark.parametrize("seed", range(4))
def test_tables_are_those_of_whoever_looks_at_everybody_every_day(seed: int) -> None:
    """Whoever is counted among those there a day too long makes leaving look rare."""
    members = company(seed, members=60, entry_days=10, days=25, daily=0.03)
    assert tables_of(members_of(members), 7) == plain_tables(members, 7)


def ways(table: StratumTable, left_1: int) -> int:
    """Return in how many ways so many of group 1 are among those who leave."""
    return math.comb(table.there_1, left_1) * math.comb(table.there_0, table.left - left_1)


def test_likelihood_of_a_table_is_that_of_a_draw_without_replacement() -> None:
    """With equal odds it is the hypergeometric distribution; the ratio to it is what evidence is made of."""
    random = Random(7)
    for _ in range(60):
        there_0, there_1 = random.randint(1, 9), random.randint(1, 9)
        left = random.randint(1, there_0 + there_1)
        low, high = max(0, left - there_0), min(left, there_1)
        tables = [StratumTable(1, there_0, there_1, left, left_1) for left_1 in range(low, high + 1)]
        odds = Fraction(random.randint(1, 40), 10)
        weights = [ways(table, table.left_1) * odds**table.left_1 for table in tables]
        equal = [Fraction(ways(table, table.left_1), math.comb(there_0 + there_1, left)) for table in tables]
        found = Likelihoods(tables).by_table(np.array([math.log(odds)]))[:, 0].tolist()
        for place, value in enumerate(found):
            expected = weights[place] / sum(weights) / equal[place]
            assert value == pytest.approx(math.log(expected), abs=1e-9)
        # Under no difference the expected likelihood ratio is 1: that is what makes the product a martingale.
        assert sum(float(p) * math.exp(value) for p, value in zip(equal, found, strict=True)) == pytest.approx(1)


def test_evidence_is_the_mixture_over_ratios_day_by_day() -> None:
    """The p-value is the smallest of all days so far, and the day on which it was beyond alpha is kept."""
    members = company(3, ratio=0.35, members=300, entry_days=20, days=60)
    tables = tables_of(members_of(members))
    ratios = [n / 10 for n in range(-30, 31)]
    prior = [math.exp(-((ratio / 0.5) ** 2) / 2) for ratio in ratios]
    by_day = {}
    for day in sorted({table.day for table in tables}):
        known = [table for table in tables if table.day <= day]
        evidence = 0.0
        for ratio, weight in zip(ratios, prior, strict=True):
            logarithm = 0.0
            for table in known:
                draws = range(max(0, table.left - table.there_0), min(table.left, table.there_1) + 1)
                total = sum(ways(table, x) * math.exp(ratio * x) for x in draws)
                equal = math.comb(table.there_0 + table.there_1, table.left)
                logarithm += math.log(math.exp(ratio * table.left_1) * equal / total)
            evidence += weight / sum(prior) * math.exp(logarithm)
        by_day[day] = evidence
    found = compared(members_of(members))
    assert found.p == pytest.approx(min(1.0, 1 / max(by_day.values())), rel=1e-9)
    assert found.since == next(day for day, evidence in by_day.items() if evidence >= 1 / ALPHA)
    assert found.left == sum(table.left for table in tables)


def looked_at_every_day(members: Sequence[Member], days: int) -> list[SequentialComparison]:
    """Return what somebody sees who looks at the end of every day, and knows what has happened by then."""
    seen = []
    for today in range(days):
        known = [
            (group, entry, min(last, today), has_left and last <= today)
            for group, entry, last, has_left in members
            if entry <= today
        ]
        seen.append(compared(members_of(known)))
    return seen


def test_what_is_seen_on_a_day_does_not_depend_on_later_days() -> None:
    """Evidence that changes with what came later could not be looked at before."""
    members = company(5, ratio=0.4, members=200, entry_days=30, days=60)
    seen = looked_at_every_day(members, 60)
    p_values = [found.p for found in seen]
    assert p_values == sorted(p_values, reverse=True)
    final = compared(members_of(members))
    assert (seen[-1].p, seen[-1].since) == (final.p, final.since)
    first = next(day for day, found in enumerate(seen) if found.since is not None)
    assert seen[first].since == first == final.since


def test_groups_that_leave_alike_are_ever_called_different_five_times_in_a_hundred_at_most() -> None:
    """Somebody looks every day for months, and stops at the first difference: a usual test fails in every third."""
    runs = 300
    found = [compared(members_of(company(seed, members=250, daily=0.02))) for seed in range(runs)]
    assert sum(each.since is not None for each in found) <= ALPHA * runs
    held = [each.interval is not None and each.interval.low <= 1 <= each.interval.high for each in found]
    assert sum(held) >= (1 - ALPHA) * runs


def test_a_difference_that_is_there_is_found_and_its_size_held() -> None:
    """A test that never errs because it never finds anything is of no use."""
    ratio, runs = 0.5, 40
    found = [compared(members_of(company(1_000 + seed, ratio=ratio, members=800))) for seed in range(runs)]
    assert sum(each.since is not None for each in found) >= 0.9 * runs
    ratios = [each.odds_ratio for each in found if each.odds_ratio is not None]
    assert math.exp(sum(map(math.log, ratios)) / len(ratios)) == pytest.approx(ratio, rel=0.08)
    assert sum(each.interval is not None and each.interval.low <= ratio <= each.interval.high for each in found) >= 38


def test_nothing_to_compare_is_no_evidence() -> None:
    """A measure of this morning has one variant, or nobody who left."""
    assert compared(members_of([])) == SequentialComparison(1.0, None, None, None, 0)
    assert compared(members_of([(0, 1, 5, True), (0, 1, 9, False)])) == SequentialComparison(1.0, None, None, None, 0)
    one_sided = compared(members_of([(0, 1, 5, True), (1, 1, 9, False), (0, 1, 9, False)]))
    assert (one_sided.odds_ratio, one_sided.since) == (None, None)


def test_strata_are_whole_days_of_entry() -> None:
    """Those of a day that is split would be compared with whoever happened to come before noon."""
    assert strata_of(np.array([1, 1, 1, 2, 5, 5, 9]), 3) == [(1, 1), (2, 5), (9, 9)]
    assert strata_of(np.array([], np.int64), 3) == []
