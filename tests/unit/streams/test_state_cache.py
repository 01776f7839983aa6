"""The cache of states is bounded, and never invents or keeps what is not so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.state_cache import StateCache
from tests.property.cases import bounded


def test_what_was_put_is_taken_and_the_rest_is_missing() -> None:
    """What is missing has to be read, in the order that was asked for."""
    cache = StateCache(10)
    cache.put({"a": b"1", "b": b"2"})
    assert cache.take(["x", "b", "y"]) == ({"b": b"2"}, ["x", "y"])


def test_what_is_used_stays_while_others_come_and_go() -> None:
    """Customers who are busy now are busy in the next batch too."""
    cache = StateCache(10)
    cache.put({"busy": b"0"})
    for number in range(100):
        cache.put({f"c{number}": b"1"})
        found, missing = cache.take(["busy"])
        assert (found, missing) == ({"busy": b"0"}, [])
    assert cache.take(["c0"]) == ({}, ["c0"])


@bounded(100)
@given(
    capacity=st.integers(0, 12),
    steps=st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 20), max_size=4)), max_size=40),
)
def test_cache_returns_the_latest_state_or_nothing_and_stays_small(
    capacity: int, steps: list[tuple[bool, list[int]]]
) -> None:
    """An older state would bring back what events have changed since; a cache without bound ends the worker."""
    cache = StateCache(capacity)
    stored: dict[str, bytes] = {}
    for number, (put, customers) in enumerate(steps):
        names = [str(customer) for customer in customers]
        if put:
            states = dict.fromkeys(names, b"%d" % number)
            stored |= states
            cache.put(states)
        else:
            found, missing = cache.take(dict.fromkeys(names))
            assert all(stored[name] == state for name, state in found.items())
            assert sorted([*found, *missing]) == sorted(set(names))
        assert len(cache) <= 2 * max(1, capacity // 2) + 2 * 4
