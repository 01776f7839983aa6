"""States in memory are bounded, and never invented or kept when they are not so: compiled, and in plain Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis.native import IS_THERE
from schemas.events import Activity
from streams.partition.states import CustomerStates, PlainStates, customer_states
from streams.redis.commands import MOST_PAIRS, setting, wire
from streams.redo import size_of
from tests.property.cases import bounded

Make = Callable[[int], CustomerStates]
KINDS = [customer_states, PlainStates] if IS_THERE else [PlainStates]
both = pytest.mark.parametrize("make", KINDS)


def events(customers: Sequence[str]) -> list[Activity]:
    """Return one event of each of some customers."""
    return [Activity(id="i", customer_id=customer, time=datetime(2026, 1, 1, tzinfo=UTC)) for customer in customers]


def missing(states: CustomerStates, customers: Sequence[str]) -> list[str]:
    """Return the customers whose states are not in memory."""
    return states.find(events(customers))[1]


@both
def test_what_was_put_is_at_hand_and_the_rest_is_missing(make: Make) -> None:
    """What is missing has to be read, in the order of the batch, once for each."""
    states = make(10)
    states.put("a", b"1")
    states.put("b", b"2")
    assert states.find(events(["x", "b", "y", "x", "b"])) == (3, ["x", "y"])
    assert (states.get("b"), states.get("x"), len(states), "x" in states) == (b"2", None, 2, False)
    assert dict(states.take_changed()) == {}


@both
def test_what_is_set_has_changed(make: Make) -> None:
    """A commit stores the newest state of each, as it was when it was taken."""
    states = make(10)
    states.put("a", b"1")
    states["a"] = b"2"
    states["ö" * 200] = b""
    states["a"] = b"333"
    taken = states.take_changed()
    states["a"] = b"4"
    assert dict(taken) == {"a": b"333", "ö" * 200: b""}
    assert (taken["a"], size_of(taken), len(taken)) == (b"333", 3, 2)
    assert wire(setting(taken, "s:")) == wire([("MSET", "s:a", b"333", "s:" + "ö" * 200, b"")])
    assert dict(states.take_changed()) == {"a": b"4"}


@both
def test_many_that_changed_are_given_out_by_name(make: Make) -> None:
    """Whoever asks for all of them, one by one, has them at once: a loop of loops would not end here."""
    states = make(10)
    expected = {f"c{number}": b"%d" % number for number in range(50_000)}
    for customer, state in expected.items():
        states[customer] = state
    changed = states.take_changed()
    assert {**changed, "d": b""} == {**expected, "d": b""}
    commands = wire(setting(changed, "s:"))
    assert len(commands) == len(expected) // MOST_PAIRS
    assert b"".join(commands) == b"".join(wire(setting(expected, "s:")))


@both
def test_what_is_used_stays_while_others_come_and_go(make: Make) -> None:
    """Customers who are busy now are busy in the next batch too."""
    states = make(10)
    states.put("busy", b"0")
    for number in range(100):
        states.put(f"c{number}", b"1")
        states.let_go()
        assert missing(states, ["busy"]) == []
        assert states["busy"] == b"0"
    assert missing(states, ["c0"]) == ["c0"]


@both
def test_nothing_is_forgotten_before_it_is_stored(make: Make) -> None:
    """A batch with more customers than may be kept must find what it has changed itself."""
    states = make(3)
    names = [f"c{number}" for number in range(100)]
    assert missing(states, names) == names
    for name in names:
        states[name] = b"changed"
    assert missing(states, names) == []


@both
def test_what_the_log_holds_is_never_forgotten(make: Make) -> None:
    """Its place does not have it: whoever read that would take an older state."""
    states = make(2)
    entry = states.log({"a": b"1", "b": b"1"})
    later = states.log({"a": b"2"})
    for number in range(50):
        states.put(f"c{number}", b"x")
        states.let_go()
    assert (states["a"], states["b"], states.logged) == (b"2", b"1", 2)
    assert dict(states.unlog([entry])) == {"b": b"1"}
    assert (dict(states.unlog([later])), states.logged) == ({"a": b"2"}, 0)
    states.remove(["a", "nobody"])
    assert missing(states, ["a"]) == ["a"]


@both
@bounded(100)
@given(
    capacity=st.integers(0, 12),
    batches=st.lists(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=4), max_size=40),
)
def test_states_are_the_latest_or_missing_and_stay_few(
    make: Make, capacity: int, batches: list[list[tuple[int, bool]]]
) -> None:
    """An older state would bring back what events have changed since; memory without bound ends the worker."""
    states = make(capacity)
    stored: dict[str, bytes] = {}
    for number, batch in enumerate(batches):
        customers = {f"c{customer}": changes for customer, changes in batch}
        absent = missing(states, list(customers))
        assert all(states[customer] == stored[customer] for customer in customers.keys() - set(absent))
        for customer in absent:
            if customer in stored:
                states.put(customer, stored[customer])
        for customer in [customer for customer, changes in customers.items() if changes]:
            states[customer] = stored[customer] = b"%d" % number
        states.take_changed()
        states.let_go()
        assert len(states) <= max(1, capacity) + 4


@pytest.mark.parametrize("seed", range(30))
def test_both_kinds_do_the_same(seed: int) -> None:
    """Customers come, change, leave the log and memory, and are removed, in any order; many share places."""
    rng = random.Random(seed)
    native, plain = customer_states(1 << 20), PlainStates(1 << 20)
    entries: list[tuple[Any, Any]] = []
    for step in range(400):
        names = [f"{rng.choice(('', 'x', 'long' * 50))}{rng.randrange(3_000)}" for _ in range(rng.randrange(1, 20))]
        assert native.find(events(names)) == plain.find(events(names))
        for name in names:
            if rng.random() < 0.7:
                native[name] = plain[name] = b"%d" % step
        changed, other = native.take_changed(), plain.take_changed()
        assert dict(changed) == other
        entries.append((native.log(changed), plain.log(other)))
        if rng.random() < 0.2:
            gone = [entries.pop(0) for _ in range(rng.randrange(len(entries)))]
            written = native.unlog([one for one, _ in gone])
            assert sorted(written.items()) == sorted(plain.unlog([two for _, two in gone]).items())
            left = [name for name in written if rng.random() < 0.5]
            native.remove(left)
            plain.remove(left)
        native.let_go()
        plain.let_go()
        assert (len(native), native.logged) == (len(plain), plain.logged)
    assert dict(native) == dict(plain)
    for round_ in range(3):
        few, names = customer_states(rng.randrange(1, 300)), [f"{round_}{n}" for n in range(2_000)]
        for name in names:
            few.put(name, name.encode())
            few.let_go()
        assert all(few.get(name) in (None, name.encode()) for name in names)
