"""What leaves the redo log is written to its place, and what stays is not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from kpis.counting.cells import EMPTY, Cells
from kpis.counting.spans import SPAN_BITS
from streams.partition.unwritten import RedoLimits, Unwritten
from streams.redo import entry_of
from streams.tables import NOTHING_WRITTEN


def cells(*keys: int) -> Cells:
    """Return cells of these keys."""
    return Cells(np.array(keys, np.int64), np.ones(len(keys), np.int64))


def test_short_log_grows_and_nothing_is_written() -> None:
    """That is what makes a commit cheap."""
    log = Unwritten((), RedoLimits(10_000, 10))
    for n in range(9):
        cut = log.cut({"a": b"%d" % n}, cells(n), everything=False)
        assert (cut.kept, cut.states, cut.spans.tolist()) == (None, {}, [])
    assert log.states == {"a": b"8"}
    assert log.any
    assert NOTHING_WRITTEN.kept is None


def test_of_a_long_log_the_older_half_goes() -> None:
    """One entry at a time would write the same spans at each commit."""
    log = Unwritten((), RedoLimits(100_000, 4))
    for n in range(4):
        log.cut({"hot": b"%d" % n, f"c{n}": b"x"}, cells(n << SPAN_BITS), everything=False)
    cut = log.cut({"c1": b"new"}, cells(9 << SPAN_BITS), everything=False)
    assert cut.kept == 1
    # The last of the three that go holds nothing newer of these; `hot` and `c3` are in the one that stays.
    assert cut.states == {"c0": b"x", "c2": b"x"}
    assert cut.spans.tolist() == [0, 1, 2]
    assert log.states == {"hot": b"3", "c3": b"x", "c1": b"new"}


def test_log_is_bounded_by_its_bytes_too() -> None:
    """States may be large, and every reader reads the log."""
    log = Unwritten((), RedoLimits(2_000, 1_000))
    for n in range(3):
        assert log.cut({f"c{n}": b"x" * 500}, EMPTY, everything=False).kept is None
    cut = log.cut({"c3": b"x" * 500}, EMPTY, everything=False)
    assert (cut.kept, sorted(cut.states)) == (0, ["c0", "c1", "c2"])
    assert log.is_too_large({"c": b"x" * 500})
    assert not log.is_too_large({"c": b"x" * 400})


def test_everything_goes_when_it_is_asked_for() -> None:
    """A customer who is forgotten may be in any entry."""
    log = Unwritten((), RedoLimits(100_000, 1_000))
    log.cut({"a": b"1"}, cells(5), everything=False)
    cut = log.cut({}, EMPTY, everything=True)
    assert (cut.kept, cut.states, cut.spans.tolist()) == (0, {"a": b"1"}, [0])
    assert (log.states, log.any) == ({}, False)
    assert log.cut({}, EMPTY, everything=True).states == {}


def test_successor_takes_the_log_over_as_it_is_stored() -> None:
    """What the writer before has not written is the next one's to write."""
    stored = [
        entry_of(None, b"one", cells(5, 300), {"a": b"1", "b": b"1"}),
        entry_of(b"one", b"two", cells(5), {"a": b"2"}),
    ]
    log = Unwritten(stored, RedoLimits(100_000, 1_000))
    assert (log.states, log.any) == ({"a": b"2", "b": b"1"}, True)
    cut = log.cut({"b": b"3"}, EMPTY, everything=True)
    assert (cut.kept, cut.states, cut.spans.tolist()) == (0, {"a": b"2"}, [0, 1])


@pytest.mark.parametrize("seed", range(20))
def test_state_and_cell_is_in_the_log_or_was_written_with_its_newest_value(seed: int) -> None:
    """Whatever is in neither is lost."""
    rng = random.Random(seed)
    log = Unwritten((), RedoLimits(rng.choice((500, 3_000)), rng.choice((2, 5, 20))))
    entries: list[tuple[dict[str, bytes], set[int]]] = []
    truth: dict[str, bytes] = {}
    places: dict[str, bytes] = {}
    for n in range(200):
        states = {f"c{rng.randrange(12)}": b"%d" % n for _ in range(rng.randrange(4))}
        spans = {rng.randrange(5) for _ in range(rng.randrange(3))}
        changed = cells(*sorted(span << SPAN_BITS for span in spans))
        cut = log.cut(states, changed, everything=rng.random() < 0.05)
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
        assert log.states == newest
