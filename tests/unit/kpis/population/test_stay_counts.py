"""Counts of stays: the same as those of dictionaries, however they are noted and added up."""

from __future__ import annotations

from collections import Counter
from random import Random

from kpis.population import stay_counts
from kpis.population.lifetime import Durations
from kpis.population.stay_counts import StayCounts


def test_counts_are_those_of_a_dictionary_in_whatever_parts_they_are_noted() -> None:
    """Keys have other numbers in each part; more are noted than are kept one by one."""
    random = Random(4)
    whole, parts = StayCounts[str](), [StayCounts[str]() for _ in range(5)]
    expected: dict[str, tuple[Counter[int], Counter[int]]] = {}
    for _ in range(5 * 3 * stay_counts._ROOM):
        key, days, has_left = random.choice("abcde"), random.choice([0, 1, 40, 1_000_000]), random.random() < 0.3
        random.choice(parts).note(key, days, has_left=has_left)
        expected.setdefault(key, (Counter(), Counter()))[has_left][days] += 1
    empty = StayCounts[str]()
    for part in (*parts, empty):
        before = part.durations()
        whole.add(part)
        assert part.durations() == before
    assert whole.durations() == {key: Durations(left, here) for key, (here, left) in expected.items()}
    assert empty.durations() == {}
    whole.note("f", 3, has_left=True)
    assert whole.durations()["f"] == Durations({3: 1}, {})


def test_keys_without_stays_of_one_kind_have_none() -> None:
    """Nobody has left is a curve, too."""
    counts = StayCounts[None]()
    counts.note(None, 7, has_left=False)
    assert counts.durations() == {None: Durations({}, {7: 1})}
