"""The rolling counts of the partitions that this worker owns, kept up to date as cells change and as time goes on.

Between two boundaries a change costs one addition per edge of a window behind it; when a boundary passes, prefix sums
are made anew. Counts are made of the sums when somebody asks. Pure; long work goes in steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Ints
from kpis.counting.cells import EMPTY, MOST_BUCKETS, Cells, merged, unpack
from kpis.counting.counts import ACTIVE_COLUMNS, Counts, derive, edges, prefixes, shape_of, stocks
from kpis.counting.daily import Daily, daily, daily_edges
from kpis.counting.invariants import disagreements, violations
from kpis.counting.windows import Windows
from kpis.names import OTHER, PLAN, Names
from kpis.native import IS_THERE

if IS_THERE:
    from kpis.native.cells import add_before

ALL = "all"
CHANGED_CELLS: Final = 1_000_000
"""So many changed cells of a partition wait for somebody who asks for counts; beyond it they are all summed anew, when
somebody does (count). A rebuild asks for none."""
_NO_PLACES: Final = np.empty(0, np.int64)


class Block(NamedTuple):
    """The counts of one dimension: one integer a value, by window."""

    values: list[str]
    stock: Counts
    windows: dict[str, Counts]
    #: the stocks as of the start of each window
    starts: dict[str, Counts]


class Snapshot(NamedTuple):
    """All counts as of one boundary, of the partitions named."""

    boundary: int
    partitions: frozenset[int]
    blocks: dict[str, Block]  # by dimension; ALL has the one value ''
    closed: dict[str, Counts]  # of all customers as of the last closed boundary, by window
    daily: Daily
    violations: list[str]


class _Owned:
    """One partition's names and cells, and what changed since they were last summed."""

    def __init__(self, names: Names, cells: Callable[[], Iterable[Cells]]) -> None:
        self.names = names
        self.cells = cells
        self.changes: list[Cells] = []
        #: cells in `changes`, one as often as it changed (count)
        self.changed = 0
        self._places: dict[str, Ints] = {}

    def note(self, change: Cells) -> None:
        """Note what a commit added."""
        self.changes.append(change)
        self.changed += len(change.keys)

    def places(self, dimension: str, shown: Mapping[str, int]) -> Ints:
        """Return by the number of each value its place among those that are shown; all others have the last one.

        Values stay and keep their numbers: those that were looked up are not looked up again until `forget_places`.
        """
        known = self._places.get(dimension, _NO_PLACES)
        names = self.names.values(dimension)
        if len(names) > len(known):
            fresh = [shown.get(name, len(shown)) for name in names[len(known) :]]
            known = self._places[dimension] = np.concatenate((known, np.array(fresh, np.int64)))
        return known

    def forget_places(self) -> None:
        """Look all values up again: others are shown."""
        self._places.clear()

    def forget_changes(self) -> None:
        """Forget what changed: all cells are about to be summed."""
        self.changes, self.changed = [], 0

    def take_changes(self) -> Cells:
        """Return what changed, commit by commit; each cell once where nothing is compiled that adds them."""
        changes = self.changes
        self.forget_changes()
        if not changes:
            return EMPTY
        keys, amounts = (np.concatenate(parts) for parts in zip(*changes, strict=True))
        return Cells(keys, amounts) if IS_THERE else merged(keys, amounts)


class _Dimension:
    """Prefix sums of one dimension at the edges of its windows; hidden values are summed as `other`."""

    def __init__(self, name: str, number: int, windows: Windows, window_names: Sequence[str]) -> None:
        self.name = name
        self.number = number
        self.windows = windows
        self.window_names = tuple(window_names)
        self.shown: list[str] = []
        self._place_of: dict[str, int] = {}
        self._edges: Ints = _NO_PLACES
        #: by column, place and edge: a cell is added to the sums of all edges behind it, which lie side by side
        self._sums: Ints = np.zeros((0, 0, 0), np.int64)
        #: the same by edge
        self.prefix: dict[int, Ints] = {}

    def begin(self, boundary: int, shown: Sequence[str]) -> None:
        """Start from nothing at a boundary."""
        self.shown = [""] if self.name == ALL else [*shown, OTHER]
        self._place_of = {value: place for place, value in enumerate(shown)}
        found = edges(self.windows, boundary, self.window_names)
        if self.name == ALL:
            closed = edges(self.windows, boundary - 1, self.window_names)
            found = sorted({*found, *closed, *daily_edges(self.windows, boundary)})
        self._edges = np.array(found, np.int64)
        self._sums = np.zeros((*shape_of(self.windows, len(self.shown)), len(found)), np.int64)
        self.prefix = {x: self._sums[:, :, k] for k, x in enumerate(found)}

    def add(self, owned: _Owned, cells: Cells) -> None:
        """Add cells of a partition."""
        places = None if self.name == ALL else owned.places(self.name, self._place_of)
        if IS_THERE:
            add_before(cells.keys, cells.amounts, self.number, places, self._edges, self._sums)
            return
        where = unpack(cells.keys)
        first = np.searchsorted(self._edges, where.bucket, "right")
        mine = np.flatnonzero((where.dimension == self.number) & (first < len(self._edges)))
        if not len(mine):
            return
        place = np.zeros(len(mine), np.int64) if places is None else places[where.value[mine]]
        changes = np.zeros_like(self._sums)
        np.add.at(changes, (where.column[mine], place, first[mine]), cells.amounts[mine])
        self._sums += np.cumsum(changes, axis=2)

    def hides_customers(self, boundary: int) -> bool:
        """Return whether values that are not shown have active customers."""
        return bool(stocks(self.prefix, boundary)["customers_active"][-1])

    def block(self, boundary: int) -> Block:
        """Return the counts as of the boundary."""
        starts = {name: stocks(self.prefix, self.windows.start(name, boundary)) for name in self.window_names}
        return Block(self.shown, stocks(self.prefix, boundary), self.counts(boundary), starts)

    def counts(self, boundary: int) -> dict[str, Counts]:
        """Return the counts of each window; of all customers also as of the boundary before the one begun at."""
        return {name: derive(self.prefix, self.windows, boundary, name) for name in self.window_names}


class RollingCounts:
    """Counts of all windows for all customers, and of some windows by segment."""

    def __init__(self, windows: Windows, *, dimensions: Sequence[str], segment_windows: Sequence[str]) -> None:
        """Own nothing yet.

        Args:
            windows: The windows.
            dimensions: the built-in ones and further ones, as `Names.dimensions` has them.
            segment_windows: Windows that segments have.
        """
        self._windows = windows
        self._owned: dict[int, _Owned] = {}
        self._boundary = -1
        self._stale = True
        self._is_summing = False
        #: what the sums come to, until something changes them
        self._snapshot: Snapshot | None = None
        self._shown: dict[str, list[str]] = {}
        self._everyone = _Dimension(ALL, 0, windows, windows.names)
        self._split = [_Dimension(name, n, windows, segment_windows) for n, name in enumerate(dimensions)]

    def take(self, number: int, names: Names, cells: Callable[[], Iterable[Cells]]) -> None:
        """Count a partition in from now on.

        Args:
            number: Of the partition.
            names: Its intern tables.
            cells: Returns all its cells, part by part, as of when it is called: again whenever a boundary passes.
        """
        self._owned[number] = _Owned(names, cells)
        self._stale = True

    def change(self, number: int, cells: Cells) -> None:
        """Note what a commit added to the cells of a partition."""
        owned = self._owned.get(number)
        if owned is None or self._stale or not len(cells.keys):
            return  # where sums are made anew, they are made of cells that have this already
        owned.note(cells)
        if owned.changed > CHANGED_CELLS:
            self._stale = True
            owned.forget_changes()

    def drop(self, number: int) -> None:
        """Count a partition no more."""
        if self._owned.pop(number, None) is not None:
            self._stale = True

    def show(self, values: Mapping[str, Iterable[str]]) -> None:
        """Say which values of each dimension are shown by name."""
        shown = {dimension: list(names) for dimension, names in values.items()}
        if shown != self._shown:
            self._shown = shown
            self._stale = True

    @property
    def changed_cells(self) -> int:
        """Return how many changes of cells wait to be added to the sums (count)."""
        return sum(owned.changed for owned in self._owned.values())

    def complete(self, partitions: Iterable[int]) -> bool:
        """Return whether all of these partitions are counted in."""
        return all(number in self._owned for number in partitions)

    def sizes(self) -> Generator[None, None, dict[int, dict[str, dict[str, int]]]]:
        """Return the active customers by partition, dimension and value, in steps; hidden values included."""
        found: dict[int, dict[str, dict[str, int]]] = {}
        for number, owned in list(self._owned.items()):
            found[number] = yield from self._sizes_of(owned)
        return found

    def _sizes_of(self, owned: _Owned) -> Generator[None, None, dict[str, dict[str, int]]]:
        names = {dimension: list(owned.names.values(dimension.name)) for dimension in self._split}
        active = {dimension: np.zeros(len(values), np.int64) for dimension, values in names.items()}
        at = self._boundary if self._boundary >= 0 else MOST_BUCKETS
        for keys, amounts in owned.cells():
            where = unpack(keys)
            counted = (where.bucket < at) & np.isin(where.column, ACTIVE_COLUMNS)
            for dimension, total in active.items():
                mine = counted & (where.dimension == dimension.number)
                column, value, bucket = where.column[mine], where.value[mine], where.bucket[mine]
                shape = shape_of(self._windows, len(total))
                sums = prefixes([at], column, value, bucket, amounts[mine], shape=shape)
                np.add(total, stocks(sums, at)["customers_active"], out=total)
            yield
        return {
            dimension.name: dict(zip(names[dimension], total.tolist(), strict=True))
            for dimension, total in active.items()
        }

    def is_summed(self, boundary: int | None = None) -> bool:
        """Return whether all partitions are summed as of a boundary, or as of any, but for changes since."""
        return not self._stale and not self._is_summing and boundary in {None, self._boundary}

    def sum_anew(self, boundary: int) -> Generator[None, None, None]:
        """Sum all partitions as of a boundary, in steps; only one at a time may be under way."""
        self._is_summing, self._snapshot = True, None
        try:
            yield from self._anew(boundary)
        except BaseException:  # also where it is closed in between: what was added so far is a part
            self._stale = True
            raise
        finally:
            self._is_summing = False

    def catch_up(self) -> None:
        """Add to the sums what has changed since; whoever asks for counts does so, but nobody may ask for long."""
        assert self.is_summed(), "sum them first"
        try:
            for owned in self._owned.values():
                self._add(owned, owned.take_changes())
        except BaseException:
            self._stale = True
            raise

    def snapshot(self) -> Snapshot:
        """Return all counts as of the boundary that they are summed for: the same object until one changes."""
        self.catch_up()
        if self._snapshot is None:
            boundary = self._boundary
            blocks = {dimension.name: dimension.block(boundary) for dimension in (self._everyone, *self._split)}
            days = daily(self._everyone.prefix, self._windows, boundary)
            closed = self._everyone.counts(boundary - 1)
            self._snapshot = Snapshot(boundary, frozenset(self._owned), blocks, closed, days, _violations(blocks))
        return self._snapshot

    def has_room(self, limit: int) -> bool:
        """Return whether `other` hides customers where fewer values are shown than may be (`limit`, a count)."""
        return any(len(each.shown) <= limit and each.hides_customers(self._boundary) for each in self._split)

    def _anew(self, boundary: int) -> Generator[None, None, None]:
        self._boundary, self._stale = boundary, False
        self._everyone.begin(boundary, ())
        for dimension in self._split:
            dimension.begin(boundary, self._shown.get(dimension.name, ()))
        for number in list(self._owned):
            owned = self._owned.get(number)
            if owned is not None:
                owned.forget_changes()  # the cells have them
                owned.forget_places()
                for part in owned.cells():
                    self._add(owned, part)
                    yield
            yield
        if self._stale:  # a partition came or went meanwhile
            yield from self._anew(boundary)

    def _add(self, owned: _Owned, cells: Cells) -> None:
        if not len(cells.keys):
            return
        self._snapshot = None
        for dimension in (self._everyone, *self._split):
            dimension.add(owned, cells)


def _violations(blocks: Mapping[str, Block]) -> list[str]:
    everyone = blocks[ALL]
    found: list[str] = []
    for name, block in blocks.items():
        if name != ALL:
            found += disagreements(everyone.stock, {name: block.stock})
        for window, counts in block.windows.items():
            found += [
                f"{name}, {window}: {text}"
                for text in violations(block.stock, block.starts[window], counts, moves_between_values=name == PLAN)
            ]
            if name != ALL:
                found += [f"{window}: {text}" for text in disagreements(everyone.windows[window], {name: counts})]
    return found
