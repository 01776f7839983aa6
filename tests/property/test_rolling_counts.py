"""The rolling counts that a worker exports are the report's, at every boundary, and what is damaged is noticed.

Definitions: docs/kpis.md, sections Counts and Identities.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kpis.counting.cells import Cells
from kpis.counting.counts import NO_EFFECT
from kpis.counting.report import report
from kpis.counting.rolling import ALL, Block, RollingCounts, Snapshot
from kpis.names import OTHER
from schemas.documents.document import plain
from schemas.documents.report import STOCKS
from schemas.instants import milliseconds
from tests.property.cases import Case, bounded, cases
from tests.property.folding import Folded
from tests.property.rolling import counts_as_of

SEGMENT_WINDOWS = ("7d", "30d")
STOCK_NAMES = [count.name for count in STOCKS]


class Worker:
    """Owns all partitions of a fold, as a stream does, and tells its rolling counts of changes."""

    def __init__(self, folded: Folded) -> None:
        """Own all partitions, with nothing counted yet."""
        self.folded = folded
        self.live = RollingCounts(
            folded.windows, dimensions=folded.names[0].dimensions, segment_windows=list(SEGMENT_WINDOWS)
        )
        for number in range(len(folded.names)):
            self.take(number)

    def take(self, number: int) -> None:
        """Count a partition in, as after a recovery."""
        self.live.take(number, self.folded.names[number], lambda: [self.folded.cells[number]])

    def feed(self, records: list[bytes]) -> None:
        """Fold a batch and tell of it."""
        for number, cells in enumerate(self.folded.batch(records)):
            self.live.change(number, cells)

    def snapshot(self, boundary: int) -> Snapshot:
        """Return all counts as of a boundary."""
        return asyncio.run(counts_as_of(self.live, boundary))


def _boundaries(folded: Folded, moments: list[int], random: Random) -> list[int]:
    """Return boundaries in order: those asked for, those next to them, and some in between."""
    found = [moment // folded.windows.bucket_ms for moment in moments]
    found += [boundary + random.choice((-1, 1, 24, 168)) for boundary in found]
    return sorted(random.sample(found, min(5, len(found))))


def _numbers(block: Block, value: str) -> dict[str, Any]:
    """Return the counts of a value: the stocks under '', the windows under their names.

    Facts without effect are those of all customers, as in reports.
    """
    left_out = "survey/" if value == "" else ("survey/", NO_EFFECT)
    place = block.values.index(value)
    out = {"": {name: int(counts[place]) for name, counts in block.stock.items()}}
    for window, counts in block.windows.items():
        out[window] = {name: int(amounts[place]) for name, amounts in counts.items() if not name.startswith(left_out)}
    return out


def _expected(entry: dict[str, Any], windows: tuple[str, ...]) -> dict[str, Any]:
    """Return the same counts of a report's entry."""
    out = {"": {name: entry["totals"][name] for name in STOCK_NAMES}}
    for window in windows:
        counts = entry["windows"][window]
        out[window] = {name: n for name, n in counts.items() if isinstance(n, int)}
        out[window] |= {f"{NO_EFFECT}/{kind}": n for kind, n in counts.get(NO_EFFECT, {}).items()}
    return out


def _added(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sum of counts."""
    out: dict[str, Any] = {}
    for entry in entries:
        for window, counts in entry.items():
            into = out.setdefault(window, {})
            for name, n in counts.items():
                into[name] = into.get(name, 0) + n
    return out


def _same(ours: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether counts are equal, where absent is zero."""
    names = {(window, name) for counts in (ours, expected) for window in counts for name in counts[window]}
    return all(ours.get(w, {}).get(n, 0) == expected.get(w, {}).get(n, 0) for w, n in names)


def _check(worker: Worker, boundary: int, shown: dict[str, list[str]]) -> None:
    """Compare a snapshot with the report of the same cells."""
    folded = worker.folded
    snapshot = worker.snapshot(boundary)
    dimensions = folded.names[0].dimensions
    (entry,) = plain(report(folded.tables(), folded.windows, [boundary], by=dimensions))
    assert snapshot.violations == []
    assert _same(_numbers(snapshot.blocks[ALL], ""), _expected(entry, folded.windows.names))
    for dimension in dimensions:
        block = snapshot.blocks[dimension]
        values = {name: _expected(found, SEGMENT_WINDOWS) for name, found in entry["segments"][dimension].items()}
        assert block.values == [*shown.get(dimension, []), OTHER]
        for value in block.values[:-1]:
            assert _same(_numbers(block, value), values.pop(value, {})), (dimension, value)
        assert _same(_numbers(block, OTHER), _added(list(values.values()))), (dimension, OTHER)


@bounded(15)
@given(cases("first slice", "everything", "lifecycles"))
def test_rolling_counts_are_the_reports_at_every_boundary(case: Case) -> None:
    """Counts move with events and with time; what is exported may never lag behind or run ahead of either."""
    log, random = case.log(), case.random("pieces")
    worker = Worker(Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts))
    shown: dict[str, list[str]] = {}
    left = list(log.records)
    for boundary in _boundaries(worker.folded, [milliseconds(moment) for moment in log.at], random):
        for _ in range(random.randint(0, 2)):
            size = random.randint(0, len(left))
            worker.feed(left[:size])
            del left[:size]
            if random.random() < 0.5:
                worker.snapshot(boundary)
        if random.random() < 0.3:
            shown = {"plan": ["basic", "pro"], "country": random.sample(["DE", "US", "none"], 2), "channel": []}
            worker.live.show(shown)
        if random.random() < 0.3:
            worker.live.drop(0)
            worker.take(0)
        _check(worker, boundary, shown)


def test_a_partition_that_is_dropped_is_counted_no_more() -> None:
    """Another worker counts it now; counted by both, every sum over workers would be wrong."""
    case = Case("first slice", seed=8, events=60, partitions=2)
    log = case.log()
    worker = Worker(Folded(log.options, partitions=2))
    worker.feed(list(log.records))
    boundary = milliseconds(log.at[0]) // worker.folded.windows.bucket_ms
    both = worker.snapshot(boundary)
    worker.live.drop(1)
    rest = worker.snapshot(boundary)
    (entry,) = plain(report(worker.folded.tables()[:1], worker.folded.windows, [boundary]))
    assert rest.partitions == {0}
    assert _same(_numbers(rest.blocks[ALL], ""), _expected(entry, worker.folded.windows.names))
    assert _numbers(rest.blocks[ALL], "") != _numbers(both.blocks[ALL], "")


@bounded(50)
@given(
    case=cases("everything"),
    place=st.integers(0, 10**6),
    change=st.sampled_from([-1, 1, 1000]),
    restart=st.booleans(),
)
def test_a_cell_that_was_changed_is_reported_as_a_violation(case: Case, place: int, change: int, restart: bool) -> None:
    """Damage that shows in any number must be said: a wrong number that nobody doubts is the worst of all."""
    log = case.log()
    worker = Worker(Folded(log.options))
    worker.feed(list(log.records))
    boundary = milliseconds(log.at[0]) // worker.folded.windows.bucket_ms
    before = worker.snapshot(boundary)
    keys, amounts = worker.folded.cells[0]
    if not len(keys):
        return
    damaged_at = place % len(keys)
    amounts[damaged_at] += change
    if restart:
        worker.take(0)
    else:
        worker.live.change(0, Cells(keys[[damaged_at]], np.array([change])))
    after = worker.snapshot(boundary)
    damaged = any(
        _numbers(before.blocks[name], value)[window] != _numbers(block, value)[window]
        for name, block in after.blocks.items()
        for value in block.values
        for window in ("", *SEGMENT_WINDOWS)
    )
    assert bool(after.violations) or not damaged
