"""Entries of the redo log: what goes in comes out, and they join without a gap or are seen not to."""

from __future__ import annotations

import numpy as np

from kpis.counting.cells import EMPTY, Cells
from streams.redo import Chain, cells_of, entry_of, mark_of, newest_mark, newest_states, states_of

HEADS = (None, b"one", b"two", b"three", b"four")
NONE: dict[str, bytes] = {}


def an_entry(n: int, *, states: dict[str, bytes] | None = None, cells: Cells = EMPTY) -> bytes:
    """Return the entry of the commit that stores the n-th head."""
    head = HEADS[n]
    assert head is not None
    return entry_of(HEADS[n - 1], head, cells, states or NONE)


def test_an_entry_holds_cells_and_states() -> None:
    """Whoever takes over has nothing else to go by."""
    cells = Cells(np.array([0, 7, 2**62], np.int64), np.array([-(2**63), 0, 2**63 - 1], np.int64))
    states = {"é\n": b"\x00\xff", "": b"", "x" * 300: b"y" * 70_000}
    entry = an_entry(1, states=states, cells=cells)
    assert [numbers.tolist() for numbers in cells_of(entry)] == [numbers.tolist() for numbers in cells]
    assert states_of(entry) == states
    empty = an_entry(2)
    assert ([len(numbers) for numbers in cells_of(empty)], states_of(empty)) == ([0, 0], {})


def test_the_newest_entry_that_holds_a_state_has_it() -> None:
    """A customer changes again before the first change is written to its place."""
    entries = [an_entry(1, states={"a": b"1", "b": b"1"}), an_entry(2, states={"a": b"2"}), an_entry(3)]
    assert newest_states(entries) == {"a": b"2", "b": b"1"}
    assert newest_states([]) == {}


def test_a_chain_finds_all_entries_between_two_heads_and_no_others() -> None:
    """A reader that misses one shows numbers of no instant."""
    cells = [Cells(np.array([n], np.int64), np.array([n], np.int64)) for n in range(5)]
    entries = [an_entry(n, cells=cells[n]) for n in range(1, 5)]
    chain = Chain(since=mark_of(b"one"), until=mark_of(b"three"))
    seen = [chain.complete]
    for some in (entries[2:], entries[:3]):  # one of them comes twice
        chain.take(some)
        seen.append(chain.complete)
    assert seen == [False, False, True]
    assert [part.keys.tolist() for part in chain.cells()] == [[2], [3]]


def test_a_chain_with_a_gap_is_not_complete() -> None:
    """Entries that are written go; whoever needs them begins anew."""
    chain = Chain(since=mark_of(None), until=mark_of(b"four"))
    chain.take([an_entry(1), an_entry(2), an_entry(4)])
    assert not chain.complete
    assert Chain(since=mark_of(b"one"), until=mark_of(b"one")).complete


def test_the_newest_mark_is_that_of_the_head_after_the_last_entry() -> None:
    """A look begins there, without asking for the head."""
    assert newest_mark([an_entry(1), an_entry(2)]) == mark_of(b"two")
    assert newest_mark([]) is None
