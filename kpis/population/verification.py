"""The recount of one partition from its customers' facts, while the stream goes on: what its counters must come to.

The counters of a partition are the sum of its customers' contributions. States are read one after the other, for hours
if need be, and commits come between. A cell that no commit has touched from the first state to the last counter read
must equal that sum, whenever each state was read; one that a commit has touched is left to the next recount.
Nothing here is compiled code of the fold, nor one of its short cuts. Who reads, and at which pace:
`tenure.worker.verifier`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import chain
from typing import Final

import numpy as np

from kpis.arrays import Flags, Ints
from kpis.counting.cell_store import CellStore, cell_store
from kpis.counting.cells import Cells, added, cells_of, touched_by
from kpis.counting.windows import Windows
from kpis.customer.history import history_of, refresh
from kpis.customer.state import Customer, decode, encode
from kpis.customer.what_counts import WhatCounts
from kpis.fold.contribution import contribution_in_steps
from kpis.names import Names
from kpis.packing import table_of
from kpis.rows import Row

_MIX: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_NAMED_BELOW: Final = np.uint64(8)
_HIGH: Final = np.uint64(33)


class Verification:
    """A recount of some of the cells of one partition, all its customers' contributions to them.

    Args:
        windows: Those of the stream, which sum rows in Python.
        what: What counts.
        part: Which of the parts into which cells are spread is recounted, from 0.
        parts: How many there are (count): all customers are looked at for each.
    """

    def __init__(self, windows: Windows, what: WhatCounts, *, part: int = 0, parts: int = 1) -> None:
        assert not windows.native, "compiled sums would be compared with themselves"
        self._windows = windows
        self._what = what
        self._part = np.uint64(part)
        self._parts = np.uint64(parts)
        self._sums: CellStore = cell_store()
        self._touched: CellStore = cell_store()
        #: customers whose contributions are in the sums (count)
        self.customers = 0
        #: stored cells that the sums were compared with (count)
        self.cells = 0

    @property
    def touched(self) -> int:
        """Return how many cells commits have touched (count)."""
        return len(self._touched)

    def take(self, names: Names, states: Sequence[tuple[str, bytes]]) -> Generator[None, None, list[str]]:
        """Add the contributions of customers, in steps.

        Args:
            names: Of the partition; they know all numbers in the states.
            states: By customer, as they are stored.

        Returns:
            Customers whose state cannot be read, or is not the one that its facts make.
        """
        wrong: list[str] = []
        found: dict[str, list[Row]] = {}
        for customer_id, state in states:
            rows: list[Row] = []
            try:
                is_right = yield from self._contribute(state, rows)
            except Exception:  # noqa: BLE001 - whatever damaged bytes lead to is what is looked for
                is_right = False
            else:
                found[customer_id] = rows
            if not is_right:
                wrong.append(customer_id)
            self.customers += 1
            yield
        if not self._sum(names, list(found.values())):  # somebody's numbers stand for nothing: whose?
            wrong += [each for each, rows in found.items() if not self._sum(names, [rows]) and each not in wrong]
        return wrong

    def _sum(self, names: Names, found: Sequence[list[Row]]) -> bool:
        """Add rows of some customers; return whether it could be done, else nothing is added."""
        try:
            self._add(cells_of(table_of(list(chain.from_iterable(found))), names, self._windows))
        except (IndexError, OverflowError):
            return False
        return True

    def _contribute(self, state: bytes, rows: list[Row]) -> Generator[None, None, bool]:
        """Append the rows of a state; return whether its cache is what its facts make it."""
        customer: Customer = decode(state)
        history = history_of(customer, self._windows.bucket_ms, self._what)
        refresh(customer, history)
        for _, part in contribution_in_steps(customer, history, self._windows.bucket_ms, self._what, 0, None):
            rows += part
            yield
        return encode(customer) == state

    def note(self, names: Names, rows: Ints) -> None:
        """Note rows that a commit has changed.

        Args:
            names: Of the partition; they know all numbers in the rows.
            rows: One line each.
        """
        if len(rows):
            keys = touched_by(rows, names, self._windows)
            mine = keys[self._is_mine(keys)]
            self._touched.update(mine, np.ones(len(mine), np.int64))

    def subtract(self, stored: Cells) -> None:
        """Take off stored cells, each once, after all customers; what is then left is what differs."""
        mine = self._is_mine(stored.keys) & (stored.amounts != 0)
        self.cells += int(np.count_nonzero(mine))
        self._add(Cells(stored.keys[mine], -stored.amounts[mine]))

    def differences(self) -> Cells:
        """Return the cells that differ and that no commit has touched, sorted: recounted less stored amounts."""
        keys, amounts = self._sums.cells()
        differ = amounts != 0
        keys, amounts = keys[differ], amounts[differ]
        untouched = ~self._touched.look_up(keys).is_known
        return Cells(keys[untouched], amounts[untouched])

    def _add(self, cells: Cells) -> None:
        mine = self._is_mine(cells.keys)
        keys, amounts = cells.keys[mine], cells.amounts[mine]
        self._sums.update(keys, added(self._sums.look_up(keys).amounts, amounts))

    def _is_mine(self, keys: Ints) -> Flags:
        """Return which cells are of this part: those of a span are all of one."""
        if self._parts == 1:
            return np.ones(len(keys), np.bool_)
        mixed = (keys.view(np.uint64) >> _NAMED_BELOW) * _MIX >> _HIGH
        found: Flags = mixed % self._parts == self._part
        return found


def in_both(first: Cells, second: Cells) -> Cells:
    """Return the differences that two recounts have found alike: what a customer missed once makes is no such."""
    _, mine, theirs = np.intersect1d(first.keys, second.keys, assume_unique=True, return_indices=True)
    same = first.amounts[mine] == second.amounts[theirs]
    return Cells(first.keys[mine][same], first.amounts[mine][same])
