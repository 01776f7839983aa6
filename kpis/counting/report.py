"""Tables of partitions -> the report: every count and ratio, for all customers and by segment.

The shape is `schemas.documents.report`. Partitions number their names differently, so they are joined by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import UNSET

from kpis.arrays import Flags, Ints
from kpis.counting.cells import FIELD_BITS, Cells, unpack
from kpis.counting.counts import NO_EFFECT, SURVEY, Counts, derive, edges, prefixes, shape_of, stocks
from kpis.counting.windows import Windows
from kpis.instants import instant_text
from kpis.names import PLAN, Names
from schemas.documents.report import NO_EVENTS, Events, Report, Segment, Surveys, totals_of, window_of


class Table(NamedTuple):
    """The counters of one partition."""

    names: Names
    cells: Cells


class Segments(NamedTuple):
    """Cells of one dimension, of all partitions, with values numbered alike."""

    values: list[str]
    column: Ints
    value: Ints
    bucket: Ints
    amount: Ints


def segments_of(tables: Iterable[Table], dimension: str) -> Segments:
    """Join the cells of a dimension by the names of its values."""
    number: dict[str, int] = {}
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    for names, cells in tables:
        at = names.dimensions.index(dimension)
        low, high = np.searchsorted(cells.keys >> FIELD_BITS, [at << 16, (at + 1) << 16])
        where = unpack(cells.keys[low:high])
        local = [number.setdefault(name, len(number)) for name in names.values(dimension)]
        value = np.array(local, np.int64)[where.value] if len(where.value) else where.value
        parts.append((where.column, value, where.bucket, cells.amounts[low:high]))
    joined = [np.concatenate([part[k] for part in parts]) if parts else np.empty(0, np.int64) for k in range(4)]
    return Segments(list(number), *joined)


def report(
    tables: Sequence[Table],
    windows: Windows,
    at: Sequence[int],
    *,
    by: Sequence[str] = (),
    events: Events = NO_EVENTS,
    names: Sequence[str] = (),
) -> list[Report]:
    """Return one object for each boundary, in the order given.

    Args:
        tables: Counters of all partitions.
        windows: The windows.
        at: Boundaries.
        by: Dimensions whose segments are wanted.
        events: Counts of events over the whole log, passed through.
        names: The windows that are wanted; those of `windows.names` where there are none.
    """
    return report_of_segments(
        lambda dimension: segments_of(tables, dimension), windows, at, by=by, events=events, names=names
    )


def report_of_segments(
    segments: Callable[[str], Segments],
    windows: Windows,
    at: Sequence[int],
    *,
    by: Sequence[str] = (),
    events: Events = NO_EVENTS,
    names: Sequence[str] = (),
    is_whole: bool = True,
) -> list[Report]:
    """Return what `report` does, of cells by the values of a dimension.

    Args:
        segments: Returns the cells of a dimension, of all partitions.
        windows: See `report`, as all that follow.
        at: See there.
        by: See there.
        events: See there.
        names: See there.
        is_whole: Whether they are of all customers: facts without effect are counted for all alone.
    """
    names = names or windows.names
    everyone = _by_boundary(segments(PLAN), windows, at, names, total=True, is_whole=is_whole)
    split = {dimension: _by_boundary(segments(dimension), windows, at, names) for dimension in by}
    out: list[Report] = []
    for place, boundary in enumerate(at):
        everything = everyone[place].get("") or _empty(windows, names)
        out.append(
            Report(
                as_of=instant_text(boundary * windows.bucket_ms),
                totals=everything.totals,
                windows=everything.windows,
                segments={dimension: found[place] for dimension, found in split.items()} if by else UNSET,
                events=events,
            )
        )
    return out


def _by_boundary(
    segments: Segments,
    windows: Windows,
    at: Sequence[int],
    names: Sequence[str],
    *,
    total: bool = False,
    is_whole: bool = False,
) -> list[dict[str, Segment]]:
    """Return, for each boundary, what `report` holds for each value; with `total` all values as one, named ''."""
    wanted = sorted({x for boundary in at for x in edges(windows, boundary, names)})
    values = [""] if total else segments.values
    value = np.zeros_like(segments.value) if total else segments.value
    prefix = prefixes(
        wanted, segments.column, value, segments.bucket, segments.amount, shape=shape_of(windows, max(1, len(values)))
    )
    out = []
    for boundary in at:
        stock = stocks(prefix, boundary)
        counts = {name: derive(prefix, windows, boundary, name) for name in names}
        there = _non_zero([stock, *counts.values()])
        there |= total
        out.append(
            {name: entry_of(stock, counts, n, is_segment=not is_whole) for n, name in enumerate(values) if there[n]}
        )
    return out


def _non_zero(found: Iterable[Counts]) -> Flags:
    """Return which values have any count that is not zero; facts without effect belong to no value."""
    flags = [array != 0 for counts in found for name, array in counts.items() if not name.startswith(NO_EFFECT)]
    there: Flags = np.logical_or.reduce(flags)
    return there


def _empty(windows: Windows, names: Sequence[str]) -> Segment:
    prefix = dict.fromkeys(edges(windows, 1 << 20, names), np.zeros(shape_of(windows, 1), np.int64))
    counts = {name: derive(prefix, windows, 1 << 20, name) for name in names}
    return entry_of(stocks(prefix, 1 << 20), counts, 0, is_segment=False)


def entry_of(stock: Counts, counts: Mapping[str, Counts], value: int, *, is_segment: bool) -> Segment:
    """Return totals and windows of one value; of segments without the facts without effect."""
    totals = {name: int(array[value]) for name, array in stock.items()}
    windows = {}
    for window, found in counts.items():
        plain: dict[str, int] = {}
        surveys: Surveys = {}
        without_effect: dict[str, int] = {}
        for name, array in found.items():
            part, _, rest = name.partition("/")
            if part == SURVEY and rest:
                kind, way, status = rest.split("/")
                surveys.setdefault(kind, {}).setdefault(way, {})[status] = int(array[value])
            elif part == NO_EFFECT:
                without_effect[rest] = int(array[value])
            else:
                plain[name] = int(array[value])
        windows[window] = window_of(plain, surveys, totals, UNSET if is_segment else without_effect)
    return Segment(totals=totals_of(totals), windows=windows)
