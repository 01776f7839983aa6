"""Calendar periods: months and years of the business time zone, each as of its own end, and what moves them.

A period is a window like any other, read at its end: its counts come from the same cells. What a late event changes
of periods that are over is therefore the same arithmetic over the cells that the event changed, because every count is
a sum over cells. Pure: which periods are over is for the caller to say.
Definitions: docs/periods.md.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import UNSET

from kpis.arrays import Ints
from kpis.counting.cells import (
    FIELD_BITS,
    STEP_ROWS,
    summed_in_steps,
    unpack,
)
from kpis.counting.counts import NO_EFFECT, SURVEY, derive, edges, prefixes, shape_of, stocks
from kpis.counting.windows import FIRST_YEAR, YEAR, Windows
from schemas.catalogue.windows import MONTH
from schemas.documents.report import Report

#: How long changes of a period are written down after its end: counts of months and of years.
MONTHS_WATCHED: Final = 36
YEARS_WATCHED: Final = 10
#: parts times periods that are looked at together: a limit on memory
_AT_ONCE: Final = 400
_NAME: Final = re.compile(r"(\d{4})(?:-(\d\d))?")
_NO_DIMENSIONS: Final[Ints] = np.empty((0, 0), np.int64)
_FIRST_COUNTED: Final = 2000
_LAST_COUNTED: Final = 2099


class Period(NamedTuple):
    """A month or a year, from the boundary at which it starts to the one at which it ends.

    Attributes:
        name: "2026-10", or "2026".
        window: MONTH or YEAR: the window that it is, as of its end.
        start: Its first bucket.
        end: The first bucket after it.
    """

    name: str
    window: str
    start: int
    end: int


def period_of(name: str, windows: Windows) -> Period | None:
    """Return the period of a name, "2026-10" or "2026"; None where there is none, or it is not counted."""
    found = _NAME.fullmatch(name)
    if found is None or not _FIRST_COUNTED <= int(found[1]) <= _LAST_COUNTED:
        return None
    if found[2] is None:
        return _year(int(found[1]) - FIRST_YEAR, windows)
    if not 1 <= int(found[2]) <= 12:
        return None
    return _month(12 * (int(found[1]) - FIRST_YEAR) + int(found[2]) - 1, windows)


def _month(place: int, windows: Windows) -> Period:
    name = f"{FIRST_YEAR + place // 12}-{place % 12 + 1:02}"
    return Period(name, MONTH, int(windows.month_starts[place]), int(windows.month_starts[place + 1]))


def _year(place: int, windows: Windows) -> Period:
    return Period(str(FIRST_YEAR + place), YEAR, int(windows.year_starts[place]), int(windows.year_starts[place + 1]))


def running_periods(boundary: int, windows: Windows) -> tuple[Period, Period]:
    """Return the month and the year that hold the bucket before a boundary."""
    month = int(np.searchsorted(windows.month_starts, boundary - 1, "right")) - 1
    year = int(np.searchsorted(windows.year_starts, boundary - 1, "right")) - 1
    return _month(month, windows), _year(year, windows)


def watched_periods(after: int, until: int, windows: Windows) -> list[Period]:
    """Return the periods that are over at one boundary and end after another, and whose changes are written down.

    Args:
        after: They end after this boundary.
        until: They are over at this one, the months for less than MONTHS_WATCHED months, the years likewise.
        windows: The calendar.

    Returns:
        Months, then years, the earliest first.
    """
    out: list[Period] = []
    for starts, watched, made in (
        (windows.month_starts, MONTHS_WATCHED, _month),
        (windows.year_starts, YEARS_WATCHED, _year),
    ):
        running = int(np.searchsorted(starts, until, "right")) - 1
        first = max(0, running - watched, int(np.searchsorted(starts, after, "right")) - 1)
        out += [made(place, windows) for place in range(first, running)]
    return out


def watched_until(period: Period, windows: Windows) -> int:
    """Return the boundary until which changes of a period are written down."""
    starts, watched = (
        (windows.month_starts, MONTHS_WATCHED) if period.window == MONTH else (windows.year_starts, YEARS_WATCHED)
    )
    return int(starts[min(len(starts) - 1, int(np.searchsorted(starts, period.end)) + watched)])


def changes(
    parts: Sequence[Ints], windows: Windows, until: Iterable[int], *, step_rows: int = STEP_ROWS
) -> Generator[None, None, dict[Period, list[dict[str, int]]]]:
    """Return what rows change of the counts of periods, for all customers; in steps.

    Args:
        parts: Rows, one line each, each part by itself.
        windows: The windows.
        until: Boundaries; of each the periods that are over by then, and watched, are looked at.
        step_rows: Rows of a step (count).

    Returns:
        For each period that any of them may change, for each part the counts that are not zero, by name; surveys by
        kind, way and status are `survey/<kind>/<way>/<status>`.
    """
    keys, amount = yield from summed_in_steps(lambda: _tables_by_part(parts, step_rows), _NO_DIMENSIONS, windows)
    if not len(keys):
        return {}
    _, _, column, bucket = unpack(keys)
    number = keys >> FIELD_BITS
    after = int(bucket.min())
    periods = list(dict.fromkeys(period for x in until for period in watched_periods(after, x, windows)))
    out: dict[Period, list[dict[str, int]]] = {period: [] for period in periods}
    size = max(1, _AT_ONCE // max(1, len(periods)))
    for start in range(0, len(parts), size) if periods else ():
        mine = (number >= start) & (number < start + size)
        few = _Lines(column[mine], number[mine] - start, bucket[mine], amount[mine], min(size, len(parts) - start))
        for period, found in zip(periods, _changes(few, periods, windows), strict=True):
            out[period] += found
        yield
    return out


def _tables_by_part(parts: Sequence[Ints], step_rows: int) -> Iterator[Ints]:
    """Return the rows with the number of their part in the place of the plan, so many at a time."""
    pieces: list[Ints] = []
    numbers: list[int] = []
    count = 0
    for number, part in enumerate(parts):
        for start in range(0, len(part), step_rows):
            piece = part[start : start + step_rows]
            if count + len(piece) > step_rows:
                yield _numbered(pieces, numbers)
                pieces, numbers, count = [], [], 0
            pieces.append(piece)
            numbers.append(number)
            count += len(piece)
    if pieces:
        yield _numbered(pieces, numbers)


def _numbered(pieces: Sequence[Ints], numbers: Sequence[int]) -> Ints:
    table = np.concatenate(pieces)
    table[:, 1] = np.repeat(numbers, [len(piece) for piece in pieces])
    return table


class _Lines(NamedTuple):
    """Cells of some parts, as `prefixes` takes them."""

    column: Ints
    number: Ints
    bucket: Ints
    amount: Ints
    #: how many parts there are
    parts: int


def _changes(lines: _Lines, periods: Sequence[Period], windows: Windows) -> list[list[dict[str, int]]]:
    """Return what `changes` does, by period; parts and periods stand side by side, as values do elsewhere."""
    lanes = [edges(windows, period.end, [period.window]) for period in periods]
    at = sorted({x for lane in lanes for x in lane})
    prefix = prefixes(at, *lines[:4], shape=shape_of(windows, lines.parts))
    out: list[list[dict[str, int]]] = [[{} for _ in range(lines.parts)] for _ in periods]
    # Periods of one length have their edges at the same distances; with others two edges can be one, or change places.
    groups: dict[tuple[str, int], list[int]] = {}
    for n, period in enumerate(periods):
        groups.setdefault((period.window, period.end - period.start), []).append(n)
    for (window, _), alike in groups.items():
        # The first one stands for all: the prefix sums of the others lie beside its own, edge by edge.
        first = alike[0]
        beside = {x: np.concatenate([prefix[lanes[n][k]] for n in alike], axis=1) for k, x in enumerate(lanes[first])}
        counts = stocks(beside, periods[first].end) | derive(beside, windows, periods[first].end, window)
        for name, amounts in counts.items():
            for place in amounts.nonzero()[0].tolist():
                out[alike[place // lines.parts]][place % lines.parts][name] = int(amounts[place])
    return out


def counts_in(entry: Report, window: str) -> dict[str, int]:
    """Return the counts of one window and the stocks out of an object of a report, by the names of `changes`."""
    found = entry.windows[window]
    surveys = {
        f"{SURVEY}/{kind}/{way}/{status}": value
        for kind, ways in found.surveys.items()
        for way, statuses in ways.items()
        for status, value in statuses.items()
    }
    by_kind = {} if found.facts_without_effect is UNSET else found.facts_without_effect
    without_effect = {f"{NO_EFFECT}/{kind}": value for kind, value in by_kind.items()}
    return entry.totals.counts() | found.counts() | surveys | without_effect
