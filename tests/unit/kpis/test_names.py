"""The intern tables of a partition: what has a limit, and what happens beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from kpis.customer.deduplication import identity_of
from kpis.customer.what_counts import BY_DEFAULT
from kpis.fold.context import SOURCES_REMEMBERED, FoldContext
from kpis.names import COMBINATION, NONE, OTHER, PROFILES_A_VALUE, Names

TABLES = {"plan": Names.plan, "reason": Names.reason, "feature": Names.feature}


@pytest.mark.parametrize("table", TABLES)
def test_names_beyond_the_limit_share_one_number(table: str) -> None:
    """A number each would grow the tables for as long as somebody sends ids as plans."""
    number: Callable[[Names, str], int] = TABLES[table]
    names = Names(max_values=16)
    found = [number(names, f"x{n}") for n in range(40)]
    assert found == [*range(1, 16), *[16] * 25]
    assert [number(names, f"x{n}") for n in range(40)] == found
    assert names.over_limit == {table: 50}
    assert names.take_new() == {table: [*(f"x{n}" for n in range(15)), OTHER]}


def test_combinations_beyond_the_limit_are_other_in_every_dimension_but_plan() -> None:
    """Values within their limits still have a million combinations: each would be kept for good."""
    names = Names(max_values=16, dimensions=("size",))
    limit = PROFILES_A_VALUE * 16
    numbers = [names.profile((f"c{n % 15}", f"h{n // 15 % 15}", "")) for n in range(225)]
    assert numbers == list(range(1, 226))
    large = [names.profile((f"c{n % 15}", f"h{n // 15 % 15}", "large")) for n in range(225)]
    assert large[: limit - 226] == list(range(226, limit))
    assert set(large[limit - 226 :]) == {limit}
    assert names.profile_names[limit] == (OTHER, OTHER, OTHER)
    assert names.over_limit == {COMBINATION: 225 - (limit - 226)}
    assert [names.profile((f"c{n % 15}", f"h{n // 15 % 15}", "large")) for n in range(225)] == large
    assert len(names.profile_names) == limit + 1


def test_memory_of_combinations_is_bounded_whatever_is_asked_for() -> None:
    """A partition that holds every way in which customers were ever described outgrows its worker."""
    names = Names(max_values=16)
    for n in range(5_000):
        names.profile((f"c{n}", f"h{n}"))
    assert len(names.profiles) <= 2 * len(names.profile_names) + 1024
    assert len(names.profile_names) <= names.max_profiles + 1
    assert [len(names.values(dimension)) for dimension in ("country", "channel")] == [17, 17]


def test_stored_names_keep_their_numbers_under_a_lower_limit() -> None:
    """States and counters hold the numbers: one that moved would give customers to another plan."""
    names = Names(max_values=64)
    for n in range(40):
        names.plan(f"p{n}")
        names.reason(f"r{n}")
        names.profile((f"c{n}", "ads"))
    stored = {table: [str(name) for name in added] for table, added in names.take_new().items()}
    again = Names(max_values=16)
    again.restore(stored)
    assert again.plan_names == names.plan_names
    assert again.reason_names == names.reason_names
    assert again.profile_names == names.profile_names
    assert again.value_columns().tolist() == names.value_columns().tolist()
    assert (again.take_new(), again.over_limit) == ({}, {})
    assert (again.plan("p39"), again.plan_names[again.plan("p40")]) == (40, OTHER)


def test_columns_of_values_follow_profiles_that_are_added() -> None:
    """Cells of a new combination would count under the values of an older one."""
    names = Names()
    assert names.value_columns().tolist() == [[0], [0]]
    for country, channel in (("DE", "ads"), ("", "ads"), ("DE", "")):
        names.profile((country, channel))
    assert [names.values(name) for name in ("country", "channel")] == [[NONE, "DE"], [NONE, "ads"]]
    assert names.value_columns().tolist() == [[0, 1, 0, 1], [0, 1, 1, 0]]
    assert json.loads(names.take_new()["profile"][0]) == ["DE", "ads"]


def test_sources_of_any_number_and_length_are_not_remembered_for_ever() -> None:
    """A source may be any text: remembered, a million of them would be the worker's memory."""
    folding = FoldContext(Names(), bucket_ms=3_600_000, what=BY_DEFAULT, max_facts=16, short_cuts=True)
    sources = ["x" * 100_000, *(f"s{n}" for n in range(SOURCES_REMEMBERED + 10))]
    for source in sources:
        folding.identity_of(source, "a")
    assert len(folding.sources) == SOURCES_REMEMBERED
    assert sources[0] not in folding.sources
    assert folding.identity_of(sources[0], "a") == identity_of(sources[0], "a")
    assert folding.identity_of(sources[-1], "a") == identity_of(sources[-1], "a")
