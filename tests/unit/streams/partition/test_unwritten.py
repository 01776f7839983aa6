"""What leaves the redo log is written to its place, and what stays is not."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from kpis.counting.cells import EMPTY, Cells
from kpis.counting.spans import SPAN_BITS
from streams.partition.states import customer_states
from streams.partition.unwritten import Cut, RedoLimits, Unwritten
from streams.redo import entry_of
from streams.tables import NOTHING_WRITTEN


class Log(Unwritten):
    """A log with states of its own."""

    def __init__(self, entries: Sequence[bytes], limits: RedoLimits) -> None:
        """Begin with what is stored."""
        self.customers = customer_states(100)
        super().__init__(entries, limits, self.customers)


def put(log: Log, states: dict[str, bytes], changed: Cells, *, everything: bool = False) -> Cut:
    """Cut the log for a commit of states, which are in memory by then."""
    for customer, state in states.items():
        log.customers[customer] = state
    return log.cut(log.customers.take_changed(), changed, everything=everything)


def cells(*keys: int) -> Cells:
    """Return cells of these keys."""
    return Cells(np.array(keys, np.int64), np.ones(len(keys), np.int64))


def test_short_log_grows_and_nothing_is_written() -> None:
    """That is what makes a commit cheap."""
    log = Log((), RedoLimits(10_000, 10))
    for n in range(9):
        cut = put(log, {"a": b"%d" % n}, cells(n))
        assert (cut.kept, dict(cut.states), cut.spans.tolist()) == (None, {}, [])
    assert (log.customers["a"], log.customers.logged, log.any) == (b"8", 1, True)
    assert NOTHING_WRITTEN.kept is None


def test_of_a_long_log_the_older_half_goes() -> None:
    """One entry at a time would write the same spans at each commit."""
    log = Log((), RedoLimits(100_000, 4))
    for n in range(4):
        put(log, {"hot": b"%d" % n, f"c{n}": b"x"}, cells(n << SPAN_BITS))
    cut = put(log, {"c1": b"new"}, cells(9 << SPAN_BITS))
    assert cut.kept == 1
    # The last of the three that go holds nothing newer of these; `hot` and `c3` are in the one that stays.
    assert dict(cut.states) == {"c0": b"x", "c2": b"x"}
    assert cut.spans.tolist() == [0, 1, 2]
    assert log.customers.logged == 3


def test_log_is_bounded_by_its_bytes_too() -> None:
    """States may be large, and every reader reads the log."""
    log = Log((), RedoLimits(2_000, 1_000))
    for n in range(3):
        assert put(log, {f"c{n}": b"x" * 500}, EMPTY).kept is None
    cut = put(log, {"c3": b"x" * 500}, EMPTY)
    assert (cut.kept, sorted(cut.states)) == (0, ["c0", "c1", "c2"])
    assert log.is_too_large({"c": b"x" * 500})
    assert not log.is_too_large({"c": b"x" * 400})


def test_everything_goes_when_it_is_asked_for() -> None:
    """A customer who is forgotten may be in any entry."""
    log = Log((), RedoLimits(100_000, 1_000))
    put(log, {"a": b"1"}, cells(5))
    cut = put(log, {}, EMPTY, everything=True)
    assert (cut.kept, dict(cut.states), cut.spans.tolist()) == (0, {"a": b"1"}, [0])
    assert (log.has_states, log.any) == (False, False)
    assert not put(log, {}, EMPTY, everything=True).states


def test_successor_takes_the_log_over_as_it_is_stored() -> None:
    """What the writer before has not written is the next one's to write."""
    stored = [
        entry_of(None, b"one", cells(5, 300), {"a": b"1", "b": b"1"}),
        entry_of(b"one", b"two", cells(5), {"a": b"2"}),
    ]
    log = Log(stored, RedoLimits(100_000, 1_000))
    assert (dict(log.customers), log.has_states, log.any) == ({"a": b"2", "b": b"1"}, True, True)
    cut = put(log, {"b": b"3"}, EMPTY, everything=True)
    assert (cut.kept, dict(cut.states), cut.spans.tolist()) == (0, {"a": b"2"}, [0, 1])


@pytest.mark.parametrize("seed", range(20))
def test_state_and_cell_is_in_the_log_or_was_written_with_its_newest_value(seed: int) -> None:
    """Whatever is in neither is lost."""
    rng = random.Random(seed)
    log = Log((), RedoLimits(rng.choice((500, 3_000)), rng.choice((2, 5, 20))))
    entries: list[tuple[dict[str, bytes], set[int]]] = []
    truth: dict[str, bytes] = {}
    places: dict[str, bytes] = {}
    for n in range(200):
        states = {f"c{rng.randrange(12)}": b"%d" % n for _ in range(rng.randrange(4))}
        spans = {rng.randrange(5) for _ in range(rng.randrange(3))}
        changed = cells(*sorted(span << SPAN_BITS for span in spans))
        cut = put(log, states, changed, everything=rng.random() < 0.05)
        entries.append((states, spans))
        truth |= states
        if cut.kept is not None:
            gone, entries = entries[: len(entries) - cut.kept - 1], entries[len(entries) - cut.kept - 1 :]
            assert set(cut.spans.tolist()) == set().union(*(spans for _, spans in gone))
            places |= cut.states
        else:
            assert not cut.states
        newest = {name: state for states, _ in entries for name, state in states.items()}
        assert places | newest == truth
        assert log.customers.logged == len(newest)
        assert all(log.customers[name] == state for name, state in newest.items())
