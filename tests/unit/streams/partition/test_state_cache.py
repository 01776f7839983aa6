"""The cache of states is bounded, and never invents or keeps what is not so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.partition.state_cache import StateCache
from tests.property.cases import bounded


def test_what_was_changed_is_at_hand_and_the_rest_is_missing() -> None:
    """What is missing has to be read, in the order that was asked for."""
    cache = StateCache(10)
    cache.at_hand |= {"a": b"1", "b": b"2"}
    assert cache.take(["x", "b", "y"]) == ["x", "y"]
    assert cache.at_hand["b"] == b"2"


def test_what_is_used_stays_while_others_come_and_go() -> None:
    """Customers who are busy now are busy in the next batch too."""
    cache = StateCache(10)
    cache.at_hand["busy"] = b"0"
    for number in range(100):
        cache.at_hand[f"c{number}"] = b"1"
        cache.let_go()
        assert cache.take(["busy"]) == []
        assert cache.at_hand["busy"] == b"0"
    assert cache.take(["c0"]) == ["c0"]


def test_nothing_is_forgotten_before_it_is_stored() -> None:
    """A batch with more customers than the cache may keep must find what it has changed itself."""
    cache = StateCache(3)
    for number in range(100):
        assert cache.take([f"c{number}"]) == [f"c{number}"]
        cache.at_hand[f"c{number}"] = b"changed"
    assert cache.take([f"c{number}" for number in range(100)]) == []


@bounded(100)
@given(
    capacity=st.integers(0, 12),
    batches=st.lists(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=4), max_size=40),
)
def test_cache_has_the_latest_state_or_nothing_and_stays_small(
    capacity: int, batches: list[list[tuple[int, bool]]]
) -> None:
    """An older state would bring back what events have changed since; a cache without bound ends the worker."""
    cache = StateCache(capacity)
    stored: dict[str, bytes] = {}
    for number, batch in enumerate(batches):
        customers = {f"c{customer}": changes for customer, changes in batch}
        missing = cache.take(customers)
        assert all(cache.at_hand[customer] == stored[customer] for customer in customers.keys() - set(missing))
        cache.at_hand |= {customer: stored[customer] for customer in missing if customer in stored}
        changed = {customer: b"%d" % number for customer, changes in customers.items() if changes}
        cache.at_hand |= changed
        stored |= changed
        cache.let_go()
        assert len(cache) <= max(1, capacity) + 4
