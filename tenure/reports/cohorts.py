"""The cohorts of a stream or a file as documents: what `tenure cohorts --json` and `--csv` print.

The rich table of the same is `tenure.reports.cohorts_text`. What the numbers mean: docs/cohorts-and-lifetime.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from msgspec import UNSET
from msgspec.structs import replace

from kpis.instants import instant_text
from kpis.population.cohorts import Cohort, cohorts, share, whole
from kpis.population.episodes import Stretches
from kpis.population.local_time import local_time
from schemas.documents.cohorts import CohortPeriod, CohortReport, CohortRow, CohortTable
from streams.readable import spreadsheet_cell
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, stretches_of, where_text

_MONEY: Final = ("mrr_start", "mrr_net", "mrr_gross")
CSV_COLUMNS: Final = ("dimension", "value", "cohort", "size", "period", "matured", "active", "share", *_MONEY)


async def read_cohorts(settings: Settings, scope: Scope, *, period: str) -> CohortReport:
    """Return the cohorts of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose cohorts.
        period: `kpis.population.cohorts.MONTH` or WEEK.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scan`.
    """
    async with open_source(settings, scope) as source:
        stretches = await stretches_of(source)
    report = cohort_report(
        stretches,
        at_ms=source.at_ms,
        period=period,
        by=scope.by,
        time_zone=settings.business_time_zone,
        currency=settings.default_currency,
    )
    return lacking(replace(report, where=where_text(scope)), source)


def cohort_report(
    stretches: Sequence[Stretches], *, at_ms: int, period: str, by: Sequence[str], time_zone: str, currency: str
) -> CohortReport:
    """Return the cohorts of all customers, and of each value of some dimensions, by name."""
    clock = local_time(time_zone)
    everyone = cohorts(stretches, at_ms=at_ms, clock=clock, period=period)
    split = {name: cohorts(stretches, at_ms=at_ms, clock=clock, period=period, dimension=name) for name in by}
    segments = {name: {value: _table(tables[value]) for value in sorted(tables)} for name, tables in split.items()}
    return CohortReport(
        as_of=instant_text(at_ms),
        period=period,
        time_zone=time_zone,
        currency=currency,
        all=_table(everyone.get("", [])),
        segments=segments if by else UNSET,
    )


def _table(found: Sequence[Cohort]) -> CohortTable:
    together = whole(found)
    return CohortTable(
        size=together.size,
        mrr_start=together.mrr_start[0],
        periods=_periods(together),
        cohorts=[
            CohortRow(cohort=cohort.name, size=cohort.size, mrr_start=cohort.mrr_start[0], periods=_periods(cohort))
            for cohort in found
        ],
    )


def _periods(cohort: Cohort) -> list[CohortPeriod]:
    columns = (cohort.matured, cohort.active, cohort.mrr_start[1:], cohort.mrr_net, cohort.mrr_gross)
    return [
        CohortPeriod(
            period=k,
            matured=matured,
            active=active,
            share=share(active, matured),
            mrr_start=start,
            mrr_net=net,
            mrr_gross=gross,
        )
        for k, (matured, active, start, net, gross) in enumerate(zip(*columns, strict=True), 1)
    ]


def write_csv(report: CohortReport, output: TextIO) -> None:
    """Write a report as CSV, one line for each cohort and period; period 0 has size and MRR alone.

    Names are cells that no spreadsheet takes for a formula: see `streams.readable.spreadsheet_cell`.
    """
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for dimension, value, table in tables_of(report):
        for cohort in table.cohorts:
            start = (dimension, spreadsheet_cell(value), cohort.cohort, cohort.size)
            writer.writerow((*start, 0, "", "", "", cohort.mrr_start, "", ""))
            writer.writerows(
                (*start, k.period, k.matured, k.active, k.share, k.mrr_start, k.mrr_net, k.mrr_gross)
                for k in cohort.periods
            )


def tables_of(report: CohortReport) -> Iterator[tuple[str, str, CohortTable]]:
    """Yield (dimension, value, table): first that of all customers, whose dimension and value are empty."""
    yield "", "", report.all
    segments = {} if report.segments is UNSET else report.segments
    for dimension, values in segments.items():
        for value, table in values.items():
            yield dimension, value, table
