"""The report of KPIs: of a running stream, for `kpi`, and of a file, for `replay`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from kpis.filters import Filter
from kpis.instants import end_of_bucket_ms
from schemas.decoding import rules
from schemas.documents.report import Report
from streams.clock import Clock, WallClock
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.files.findings import Findings
from tenure.files.notation import Notation
from tenure.operations.losses import with_losses
from tenure.stored.marks import read_marks, with_marks
from tenure.stored.opening import counted_tables
from tenure.stored.reading import report_of

if TYPE_CHECKING:
    from tenure.reports.filtered import CombinedScans


async def read_report(
    settings: Settings,
    *,
    at_ms: Sequence[int],
    by: Sequence[str] = (),
    clock: Clock | None = None,
    where: Filter | None = None,
    scans: CombinedScans | None = None,
) -> list[Report]:
    """Return the report of a running stream, from its Redis.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        at_ms: Instants, each the boundary of a bucket (ms since 1970); none means the end of the running bucket.
        by: Dimensions whose segments are wanted.
        clock: What time it is, where no instant is given.
        where: Only customers for whom it holds; then all are looked at, one by one.
        scans: Earlier looks at all customers of this stream, which a filter need not repeat.

    Returns:
        One object for each instant, as `report_of`; where any loss was ever accepted, with those that it goes without;
        and with the losses that halted partitions wait for, where there are any.

    Raises:
        UsageError: There is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    async with counted_tables(settings) as (tables, mark, losses):
        now_ms = (clock or WallClock()).now_ms()
        instants = list(at_ms) or [end_of_bucket_ms(now_ms, settings.bucket_minutes)]
        found = await _report_of(settings, tables, where, scans, partitions=mark.partitions, at_ms=instants, by=by)
        marks = await read_marks(settings, tables, mark.partitions)
        return [
            with_marks(with_losses(entry, losses, settings, at_ms=instant), marks, at_ms=instant)
            for entry, instant in zip(found, instants, strict=True)
        ]


class ReplayedReport(NamedTuple):
    """The report of a file: one object for each instant, and what was found about its events."""

    reports: list[Report]
    findings: Findings


async def replay(
    path: str,
    settings: Settings,
    notation: Notation,
    *,
    at_ms: Sequence[int],
    by: Sequence[str] = (),
    where: Filter | None = None,
) -> ReplayedReport:
    """Return the report of a file of events.

    Args:
        path: NDJSON, CSV or Parquet; "-" is standard input.
        settings: What numbers mean.
        notation: How the file's values are written.
        at_ms: Instants, each the boundary of a bucket (ms since 1970); none means the end of the last event's bucket,
            and of the first bucket that there is where no event counts: its dead letters are in the report.
        by: Dimensions whose segments are wanted.
        where: Only customers for whom it holds.

    Raises:
        InputError: The file cannot be read.
        UsageError: No customer ever had a value that the filter names.
    """
    # Only a file is replayed, by a worker's own parts: what a running stream counted is read without them.
    from tenure.files.replay import replayed  # noqa: PLC0415
    from tenure.reports.without_effect import note_without_effect  # noqa: PLC0415

    found = await replayed(path, settings, notation, with_findings=True)
    instants = list(at_ms) or [end_of_bucket_ms(max(found.last_ms, rules.EARLIEST_MS), settings.bucket_minutes)]
    counted = await _report_of(settings, found.tables, where, None, partitions=found.partitions, at_ms=instants, by=by)
    marks = await read_marks(settings, found.tables, found.partitions)
    reports = [
        with_marks(replace(entry, events=replace(entry.events, ignored=found.ignored)), marks, at_ms=instant)
        for entry, instant in zip(counted, instants, strict=True)
    ]
    await note_without_effect(found, settings, found.findings)
    return ReplayedReport([replace(report, translation=found.translation) for report in reports], found.findings)


async def _report_of(
    settings: Settings,
    tables: Tables,
    where: Filter | None,
    scans: CombinedScans | None,
    *,
    partitions: int,
    at_ms: Sequence[int],
    by: Sequence[str],
) -> list[Report]:
    """Return the report of tables: by their cells, or with a filter by their customers."""
    if where is None:
        return await report_of(settings, tables, partitions=partitions, at_ms=at_ms, by=by)
    from tenure.reports.filtered import filtered_report_of  # noqa: PLC0415 - it folds customers, and is slow to load

    return await filtered_report_of(settings, tables, where, partitions=partitions, at_ms=at_ms, by=by, scans=scans)
