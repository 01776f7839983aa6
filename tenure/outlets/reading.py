"""Reading of relations: the tables of a running stream, or of a file that is replayed, as rows.

What the rows are made of is pure: `kpis.population.records` and `kpis.counting.cell_names`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from itertools import islice
from typing import Final, NamedTuple

from kpis.counting.cell_names import cell_rows
from kpis.counting.rolling import ALL
from kpis.customer.state import decode
from kpis.population.records import RecordsScope, records_of
from schemas.catalogue.counts import COUNTS
from schemas.catalogue.ratios import STOCK_RATIOS, WINDOW_RATIOS
from schemas.documents.report import Report, Segment
from schemas.relations import CELLS_RELATION, COUNTS_RELATION, RATIOS_RELATION, Column, Relation, RelationRow
from streams.settings.meaning import dimensions_of, windows_of
from streams.settings.settings import Settings
from tenure.reports.customers import Source
from tenure.stored.customers import scan_all
from tenure.stored.reading import read_tables, report_of

_AT_ONCE: Final = 65_536
"""So many rows of counters are held beside their table (count)."""


class RelationSlice(NamedTuple):
    """Some rows of a relation."""

    relation: str
    rows: list[RelationRow]


def columns_of_relation(relation: Relation, settings: Settings) -> tuple[Column, ...]:
    """Return the columns of a relation under some settings."""
    return relation.columns_with(dimensions_of(settings)[1:])


async def rows_of_customers(source: Source, relations: Collection[str]) -> AsyncIterator[RelationSlice]:
    """Yield the rows of relations of customers, slice by slice, in no order; one pass over all states.

    Args:
        source: Of the customers, and as of when.
        relations: Their names.

    Raises:
        TenureError: As `scan_all`.
    """
    settings = source.settings
    scope = RecordsScope(source.at_ms, settings.bucket_minutes * 60_000, settings.what_counts)
    async for part in scan_all(settings, source.tables, range(source.partitions)):
        found: dict[str, list[RelationRow]] = {name: [] for name in relations}
        for customer_id, state in part.states:
            of_one = records_of(customer_id, decode(state), part.partition, part.names, scope, relations)
            for name, rows in of_one.rows.items():
                found[name].extend(rows)
        for name, rows in found.items():
            yield RelationSlice(name, rows)


async def rows_of_counters(source: Source, relations: Collection[str]) -> AsyncIterator[RelationSlice]:
    """Yield the rows of relations of counters as of the source's instant; as `rows_of_customers`."""
    settings = source.settings
    if CELLS_RELATION.name in relations:
        windows = windows_of(settings)
        until = source.at_ms // windows.bucket_ms
        async for part in read_tables(settings, source.tables, source.partitions):
            rows = cell_rows(part.partition, part.table.names, part.table.cells, windows, until)
            while some := list(islice(rows, _AT_ONCE)):
                yield RelationSlice(CELLS_RELATION.name, some)
    if {COUNTS_RELATION.name, RATIOS_RELATION.name} & set(relations):
        (report,) = await report_of(
            settings,
            source.tables,
            partitions=source.partitions,
            at_ms=[source.at_ms],
            by=dimensions_of(settings),
        )
        if COUNTS_RELATION.name in relations:
            yield RelationSlice(COUNTS_RELATION.name, list(count_rows(report)))
        if RATIOS_RELATION.name in relations:
            yield RelationSlice(RATIOS_RELATION.name, list(ratio_rows(report)))


def _entries(report: Report) -> Iterator[tuple[str, str, Segment]]:
    yield ALL, "", Segment(totals=report.totals, windows=report.windows)
    segments = report.segments if isinstance(report.segments, dict) else {}
    for dimension, values in segments.items():
        for value, entry in values.items():
            yield dimension, value, entry


def count_rows(report: Report) -> Iterator[RelationRow]:
    """Yield every count of a report as rows of the relation `counts`."""
    stocks = [count.name for count in COUNTS if count.kind == "stock"]
    others = [count.name for count in COUNTS if count.kind == "window"]
    for dimension, value, entry in _entries(report):
        for name in stocks:
            yield (name, "", dimension, value, entry.totals.count(name))
        for window, counts in entry.windows.items():
            for name in others:
                yield (name, window, dimension, value, counts.count(name))


def ratio_rows(report: Report) -> Iterator[RelationRow]:
    """Yield every ratio of a report as rows of the relation `ratios`."""
    for dimension, value, entry in _entries(report):
        for ratio in STOCK_RATIOS:
            yield (ratio.name, "", dimension, value, entry.totals.at(ratio.path))
        for window, counts in entry.windows.items():
            for ratio in WINDOW_RATIOS:
                yield (ratio.name, window, dimension, value, counts.ratios.at(ratio.path))
