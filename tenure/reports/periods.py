"""Months and years with their revisions: the tables of a stream -> what `kpi --period` and `periods` print.

What late events changed of a period that is over is stored as differences (`kpis.fold.restatements`). What a count was
before and after each of them is found by going back from its value now.
The shape: `schemas.documents.periods` and docs/periods.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple, TypedDict

from kpis.counting.periods import Period, counts_in, period_of, running_periods, watched_until
from kpis.counting.report import Table, report
from kpis.counting.windows import YEAR, Windows
from kpis.fold.restatements import Restatement, decode, offsets_of
from kpis.instants import end_of_bucket_ms, instant_text
from schemas.catalogue.windows import MONTH
from schemas.documents import periods as documents
from schemas.documents.periods import (
    ListedPeriod,
    PeriodBaseline,
    PeriodChange,
    PeriodList,
    PeriodReport,
    PeriodTotals,
)
from streams.clock import Clock, WallClock
from streams.errors import UsageError
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from streams.tables import Head, Restated, Tables
from tenure.operations.losses import with_losses
from tenure.stored.marks import read_marks, with_marks
from tenure.stored.opening import counted_tables
from tenure.stored.reading import events_of, read_tables

MONTHS_LISTED: Final = 13
YEARS_LISTED: Final = 3
LOAD_PAUSE_MS: Final = 3_600_000
"""Records of a first load follow each other within so long (ms)."""


class RestatementRow(NamedTuple):
    """One restatement with what it made of the period's counts."""

    revision: int
    partition: int
    restatement: Restatement
    #: before and after it, by count
    values: dict[str, tuple[int, int]]


class Revisions(NamedTuple):
    """The history of a period since it was over."""

    #: restatements there ever were (count)
    revision: int
    #: at its end and now, of the counts that differ
    moved: dict[str, tuple[int, int]]
    #: latest first; those whose values can still be told
    rows: list[RestatementRow]


async def read_periods(
    settings: Settings, names: Sequence[str], *, by: Sequence[str] = (), clock: Clock | None = None
) -> list[PeriodReport]:
    """Return the report of periods of a running stream, in their order, each with its revision and restatements.

    Raises:
        UsageError: A period does not exist or has not begun; or there is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    now_ms = (clock or WallClock()).now_ms()
    periods = checked_periods(names, settings, now_ms=now_ms)
    async with counted_tables(settings) as (tables, mark, losses):
        found = await reports_of(settings, tables, periods, partitions=mark.partitions, by=by, now_ms=now_ms)
        marks = await read_marks(settings, tables, mark.partitions)
    windows = windows_of(settings)
    ends = [_boundary(period, windows, now_ms) * windows.bucket_ms for period in periods]
    return [
        with_marks(with_losses(entry, losses, settings, at_ms=end), marks, at_ms=end)
        for entry, end in zip(found, ends, strict=True)
    ]


async def reports_of(
    settings: Settings,
    tables: Tables,
    periods: Sequence[Period],
    *,
    partitions: int,
    now_ms: int,
    by: Sequence[str] = (),
) -> list[PeriodReport]:
    """Return the report of periods of tables, in their order."""
    found = await _read(settings, tables, partitions, [period.name for period in periods])
    return [_report(found, period, by=by, now_ms=now_ms) for period in periods]


async def read_list(settings: Settings, *, limit: int, clock: Clock | None = None) -> PeriodList:
    """Return the latest periods of a running stream with their revisions, and the latest restatements of any.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        limit: Restatements at most (count).
        clock: What time it is.

    Raises:
        UsageError: There is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    now_ms = (clock or WallClock()).now_ms()
    async with counted_tables(settings) as (tables, mark, losses):
        found = await list_of(settings, tables, partitions=mark.partitions, now_ms=now_ms, limit=limit)
    return with_losses(found, losses, settings, at_ms=end_of_bucket_ms(now_ms, settings.bucket_minutes))


async def list_of(settings: Settings, tables: Tables, *, partitions: int, now_ms: int, limit: int) -> PeriodList:
    """Return the latest periods of tables, and the latest restatements."""
    restated = [await tables.restated(partition) for partition in range(partitions)]
    wanted = list(dict.fromkeys(name for found in restated for name in found))
    return _listed(await _read(settings, tables, partitions, wanted), now_ms=now_ms, limit=limit)


class _Found(NamedTuple):
    """A stream's tables, each partition as of one instant."""

    windows: Windows
    tables: list[Table]
    heads: list[Head]
    #: the dimensions that settings add
    dimensions: Sequence[str]
    #: by period, of each partition
    restated: list[dict[str, Restated]]


async def _read(settings: Settings, tables: Tables, partitions: int, periods: Sequence[str]) -> _Found:
    found = _Found(windows_of(settings), [], [], settings.dimensions, [])
    async for partition, table, head in read_tables(settings, tables, partitions):
        found.tables.append(table)
        found.heads.append(head)
        restated = await tables.restated(partition, periods)
        found.restated.append({name: _as_of(restated[name], head.commits) for name in periods if name in restated})
    return found


def _as_of(known: Restated, commits: int) -> Restated:
    """Return restatements without those of commits after the one that the cells are of."""
    entries = [(entry, decode(entry)) for entry in known.entries]
    sums = dict(known.changes)
    for _, later in entries:
        if later.commit > commits:
            for name, change in later.changes.items():
                sums[name] = sums.get(name, 0) - change
    kept = [entry for entry, read in entries if read.commit <= commits]
    return Restated(known.revision - len(entries) + len(kept), sums, kept)


def checked_periods(names: Sequence[str], settings: Settings, *, now_ms: int) -> list[Period]:
    """Return the periods of `--period`, each once.

    Raises:
        UsageError: One does not exist, or has not begun.
    """
    windows = windows_of(settings)
    out: list[Period] = []
    for name in dict.fromkeys(names):
        period = period_of(name, windows)
        if period is None:
            raise UsageError(
                f"--period {name}: not a month or a year from 2000 to 2099; write for example 2026-10 or 2026"
            )
        if period.start * windows.bucket_ms > now_ms:
            raise UsageError(f"--period {name}: it has not begun yet")
        out.append(period)
    return out


def _boundary(period: Period, windows: Windows, now_ms: int) -> int:
    """Return the boundary that a period is shown as of: its end, or that of the running bucket."""
    return min(period.end, end_of_bucket_ms(now_ms, windows.bucket_ms // 60_000) // windows.bucket_ms)


def _report(found: _Found, period: Period, *, by: Sequence[str], now_ms: int) -> PeriodReport:
    windows = found.windows
    at = [_boundary(period, windows, now_ms)]
    entry = report(
        found.tables, windows, at, by=by, events=events_of(found.heads, found.dimensions), names=[period.window]
    )[0]
    values = counts_in(entry, period.window)
    revisions = revisions_of(values, [known.get(period.name) for known in found.restated])
    return PeriodReport(
        as_of=entry.as_of,
        **_own(period, revisions, windows, now_ms, values),
        totals=entry.totals,
        windows=entry.windows,
        segments=entry.segments,
        events=entry.events,
        restatements=[restatement_of(each, period, windows) for each in revisions.rows],
    )


class _Own(TypedDict):
    """The members that describe a period itself."""

    period: str
    starts_at: str
    ends_at: str
    closed: bool
    revision: int
    restated: dict[str, PeriodChange]
    baseline: PeriodBaseline | None
    watched_until: str


def _own(period: Period, revisions: Revisions, windows: Windows, now_ms: int, values: Mapping[str, int]) -> _Own:
    loaded = loaded_first(values, revisions)
    return _Own(
        period=period.name,
        starts_at=_text(period.start, windows),
        ends_at=_text(period.end, windows),
        closed=period.end * windows.bucket_ms <= now_ms,
        revision=revisions.revision,
        restated={name: PeriodChange(at_end=then, now=now) for name, (then, now) in revisions.moved.items()},
        baseline=None
        if loaded is None
        else PeriodBaseline(restatements=loaded.restatements, until=instant_text(loaded.until_ms)),
        watched_until=_text(watched_until(period, windows), windows),
    )


def _text(boundary: int, windows: Windows) -> str:
    return instant_text(boundary * windows.bucket_ms)


def revisions_of(values: Mapping[str, int], by_partition: Sequence[Restated | None]) -> Revisions:
    """Go back from the counts of a period to what they were before each restatement.

    Args:
        values: Counts as of the period's end, as they are now.
        by_partition: What each partition has written down; None is nothing.
    """
    totals: dict[str, int] = {}
    revision = 0
    order: list[tuple[int, int, int, Restatement]] = []
    #: where a partition has forgotten its first ones: nothing before the earliest that it has kept can be told
    tellable = (-1, -1, -1)
    for partition, known in enumerate(by_partition):
        if known is None:
            continue
        revision += known.revision
        for name, change in known.changes.items():
            totals[name] = totals.get(name, 0) + change
        entries = [decode(entry) for entry in known.entries]
        reached = accumulate((entry.arrived_at_ms for entry in entries), max)
        lane = [(at_ms, partition, n, entry) for n, (at_ms, entry) in enumerate(zip(reached, entries, strict=True))]
        order += lane
        if lane and known.revision > len(lane):
            tellable = max(tellable, lane[0][:3])
    now, rows = dict(values), list[RestatementRow]()
    for number, (at_ms, partition, n, entry) in enumerate(sorted(order, key=lambda each: each[:3], reverse=True)):
        if (at_ms, partition, n) < tellable:
            break
        changed = {name: (now.get(name, 0) - change, now.get(name, 0)) for name, change in entry.changes.items()}
        now.update((name, before) for name, (before, _) in changed.items())
        rows.append(RestatementRow(revision - number, partition, entry, changed))
    moved = {name: (values.get(name, 0) - change, values.get(name, 0)) for name, change in totals.items() if change}
    return Revisions(revision, moved, rows)


class FirstLoad(NamedTuple):
    """The first load of a period: how many restatements it was, and when the last of them arrived (ms since 1970)."""

    restatements: int
    until_ms: int


def loaded_first(values: Mapping[str, int], revisions: Revisions) -> FirstLoad | None:
    """Return what was loaded first of a period that was empty when it ended; None where a number had been told.

    A load is a bulk, with all that follows it without a pause of LOAD_PAUSE_MS.

    Args:
        values: Counts as of the period's end, as they are now.
        revisions: Of the period.
    """
    rows = revisions.rows[::-1]
    told = any(then for then, _ in revisions.moved.values())
    if told or any(value for name, value in values.items() if name not in revisions.moved):
        return None
    if not rows or rows[0].restatement.events == 1:
        return None
    count, until_ms = revisions.revision - len(rows), rows[0].restatement.arrived_at_ms
    for row in rows:
        if row.restatement.arrived_at_ms - until_ms > LOAD_PAUSE_MS:
            break
        count, until_ms = count + 1, max(until_ms, row.restatement.arrived_at_ms)
    return FirstLoad(count, until_ms)


def restatement_of(row: RestatementRow, period: Period, windows: Windows) -> documents.RestatementEntry:
    """Return a restatement as `--json` prints it."""
    entry = row.restatement
    alone = entry.events == 1
    offsets = [
        documents.Offsets(topic=place.topic, partition=place.partition, first=first, last=last)
        for place, first, last in offsets_of(entry, row.partition)
    ]
    event = documents.LateEvent(id=entry.event_id, source=entry.event_source or None, type=entry.event_type)
    return documents.RestatementEntry(
        period=period.name,
        revision=row.revision,
        kind="event" if alone else "bulk",
        events=entry.events,
        event=event if alone else None,
        offsets=offsets,
        occurred_at=instant_text(entry.occurred_at_ms),
        arrived_at=instant_text(entry.arrived_at_ms),
        late_seconds=(entry.arrived_at_ms - entry.occurred_at_ms) / 1000,
        after_end_seconds=(entry.arrived_at_ms - period.end * windows.bucket_ms) / 1000,
        counts={name: documents.Changed(old=old, new=new) for name, (old, new) in row.values.items()},
    )


def _listed(found: _Found, *, now_ms: int, limit: int) -> PeriodList:
    """Return what `tenure periods --json` prints."""
    windows = found.windows
    restated = {name for known in found.restated for name in known}
    periods = {period.name: period for period in _latest(windows, now_ms)}
    for name in restated - periods.keys():
        period = period_of(name, windows)
        if period is not None:
            periods[name] = period
    rows: list[ListedPeriod] = []
    latest_rows: list[tuple[int, Period, RestatementRow]] = []
    for window in (MONTH, YEAR):
        mine = sorted((period for period in periods.values() if period.window == window), reverse=True)
        at = [_boundary(period, windows, now_ms) for period in mine]
        for period, entry in zip(mine, report(found.tables, windows, at, names=[window]), strict=True):
            values = counts_in(entry, window)
            revisions = revisions_of(values, [known.get(period.name) for known in found.restated])
            if not any(values.values()) and not revisions.revision:
                continue
            loaded = loaded_first(values, revisions)
            told = revisions.rows[: revisions.revision - (0 if loaded is None else loaded.restatements)]
            latest = told[0].restatement.arrived_at_ms if told else None
            rows.append(
                ListedPeriod(
                    **_own(period, revisions, windows, now_ms, values),
                    restated_at=None if latest is None else instant_text(latest),
                    totals=PeriodTotals(customers_active=values["customers_active"], mrr=values["mrr"]),
                )
            )
            latest_rows += [(each.restatement.arrived_at_ms, period, each) for each in told[:limit]]
    latest_rows.sort(key=lambda each: (each[0], each[1], each[2].revision), reverse=True)
    restatements = [restatement_of(each, period, windows) for _, period, each in latest_rows[:limit]]
    return PeriodList(periods=rows, restatements=restatements)


def _latest(windows: Windows, now_ms: int) -> list[Period]:
    """Return the latest months and years, the running ones among them."""
    boundary = end_of_bucket_ms(now_ms, windows.bucket_ms // 60_000) // windows.bucket_ms
    month, year = running_periods(boundary, windows)
    out: list[Period] = []
    for _ in range(MONTHS_LISTED):
        out.append(month)
        month, _ = running_periods(month.start, windows)
    for _ in range(YEARS_LISTED):
        out.append(year)
        _, year = running_periods(year.start, windows)
    return out
