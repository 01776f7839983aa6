"""The past of a running stream: every count as of many instants, out of its tables.

The counts are those that workers would have exported then, had they known all that is known now;
`tenure.reports.openmetrics` writes them for Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from kpis.counting.counts import derive, edges, prefixes, shape_of, stocks
from kpis.counting.report import Segments, Table, segments_of
from kpis.counting.rolling import ALL, Block
from kpis.counting.windows import Windows
from kpis.instants import instant_of, instant_text
from kpis.names import OTHER, PLAN
from schemas.instants import DAY_MS, milliseconds
from streams.errors import UsageError
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.stored.opening import counted_tables
from tenure.stored.reading import read_tables

YOUNGEST_HOURS: Final = 3
"""Prometheus keeps what is younger in its head block, which blocks beside it must not overlap (hours)."""
_AT_ONCE: Final = 32


class Past(NamedTuple):
    """Counts as of several instants.

    Attributes:
        at_ms: The instants, ascending (ms since 1970 UTC).
        blocks: By dimension, `all` first: one block for each instant.
    """

    at_ms: list[int]
    blocks: dict[str, list[Block]]


def midnights(from_ms: int | None, to_ms: int | None, *, time_zone: str, now_ms: int) -> list[int]:
    """Return the local midnights of a stretch of time, both ends included (ms since 1970 UTC).

    Args:
        from_ms: Its begin; None is a year before its end.
        to_ms: Its end; None is as late as history may end.
        time_zone: The business time zone (IANA name).
        now_ms: The time of day.

    Raises:
        UsageError: It ends too late for Prometheus or before it begins, or holds no midnight.
    """
    latest_ms = now_ms - YOUNGEST_HOURS * 3_600_000
    if to_ms is not None and to_ms > latest_ms:
        raise UsageError(
            f"--to {instant_text(to_ms)}: history ends at least {YOUNGEST_HOURS} h ago, by {instant_text(latest_ms)}; "
            "what is younger, Prometheus holds itself"
        )
    end_ms = latest_ms if to_ms is None else to_ms
    begin_ms = end_ms - 366 * DAY_MS if from_ms is None else from_ms
    if begin_ms > end_ms:
        begin, end = instant_text(begin_ms), instant_text(end_ms)
        if to_ms is None:
            raise UsageError(f"--from {begin}: history ends at least {YOUNGEST_HOURS} h ago, by {end}; begin earlier")
        raise UsageError(f"--from {begin} and --to {end}: --from must be before --to; swap them, or correct one")
    zone = ZoneInfo(time_zone)
    day, found = instant_of(begin_ms).astimezone(zone).date(), []
    while (at_ms := milliseconds(datetime.combine(day, time(), zone))) <= end_ms:
        found.append(at_ms)
        day += timedelta(days=1)
    found = [at_ms for at_ms in found if at_ms >= begin_ms]
    if not found:
        stretch = f"from {instant_text(begin_ms)} to {instant_text(end_ms)} in {time_zone}"
        raise UsageError(f"--from and --to: there is no midnight {stretch}; put them further apart")
    return found


async def read_past(settings: Settings, *, at_ms: Sequence[int], by: Sequence[str]) -> Past:
    """Return the past of the stream of the settings, from its Redis.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        at_ms: Instants, each the boundary of a bucket, ascending (ms since 1970 UTC).
        by: Dimensions whose segments are wanted, as far as they are exported by name.

    Raises:
        UsageError: There is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    async with counted_tables(settings) as (tables, mark, _):
        return await past_of(settings, tables, partitions=mark.partitions, at_ms=at_ms, by=by)


async def past_of(
    settings: Settings, tables: Tables, *, partitions: int, at_ms: Sequence[int], by: Sequence[str]
) -> Past:
    """Return the past out of tables; without the instants before the first of their events."""
    found = [part.table async for part in read_tables(settings, tables, partitions)]
    noted = await tables.note("shown", None)
    shown: Mapping[str, Sequence[str]] = msgspec.json.decode(noted) if noted else {}
    names_of_windows = [f"{days}d" for days in settings.segment_windows_days]
    return past_in(
        found,
        windows_of(settings),
        at_ms=at_ms,
        shown={name: shown.get(name, ()) for name in by},
        segment_windows=names_of_windows,
    )


def past_in(
    tables: Sequence[Table],
    windows: Windows,
    *,
    at_ms: Sequence[int],
    shown: Mapping[str, Sequence[str]],
    segment_windows: Sequence[str],
) -> Past:
    """Return the past of cells; without the instants before the first of them.

    Args:
        tables: The cells of all partitions.
        windows: The windows.
        at_ms: Instants, each the boundary of a bucket, ascending (ms since 1970 UTC).
        shown: By dimension that is wanted: the values that are shown by name; the others are one, `other`.
        segment_windows: The windows that segments have.
    """
    everyone = _as_one(segments_of(tables, PLAN))
    first_ms = int(everyone.bucket.min()) * windows.bucket_ms if len(everyone.bucket) else at_ms[-1]
    instants = [instant for instant in at_ms if instant > first_ms]
    boundaries = [instant // windows.bucket_ms for instant in instants]
    blocks = {ALL: list(_blocks(everyone, windows, boundaries, windows.names))}
    for dimension, values in shown.items():
        segments = _folded(segments_of(tables, dimension), values)
        blocks[dimension] = list(_blocks(segments, windows, boundaries, segment_windows))
    return Past(instants, blocks)


def _as_one(segments: Segments) -> Segments:
    return segments._replace(values=[""], value=np.zeros_like(segments.value))


def _folded(segments: Segments, shown: Sequence[str]) -> Segments:
    """Return segments with all values that are not shown as one, `other`, as workers export them."""
    values = [*shown, OTHER]
    place = {name: number for number, name in enumerate(shown)}
    local = np.array([place.get(name, len(shown)) for name in segments.values], np.int64)
    return segments._replace(values=values, value=local[segments.value] if len(local) else segments.value)


def _blocks(segments: Segments, windows: Windows, at: Sequence[int], names: Sequence[str]) -> Iterator[Block]:
    """Yield the counts of one dimension as of each boundary; some boundaries at once, for their sums are large."""
    shape = shape_of(windows, len(segments.values))
    for first in range(0, len(at), _AT_ONCE):
        some = at[first : first + _AT_ONCE]
        wanted = sorted({x for boundary in some for x in edges(windows, boundary, names)})
        sums = prefixes(wanted, segments.column, segments.value, segments.bucket, segments.amount, shape=shape)
        for boundary in some:
            counts = {name: derive(sums, windows, boundary, name) for name in names}
            starts = {name: stocks(sums, windows.start(name, boundary)) for name in names}
            yield Block(segments.values, stocks(sums, boundary), counts, starts)
