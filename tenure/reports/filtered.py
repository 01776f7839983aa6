"""Reports of the customers for whom a filter holds: the pass over all customers that they are counted from.

Only the way to the states; what is made of them is `kpis.population.combined`. The language: docs/filters.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from kpis.counting.report import report_of_segments
from kpis.filters import Filter, FilterError
from kpis.names import Names
from kpis.population.combined import Combinations, CombinedCells, CombiningCollector, filtered, together
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.documents.report import Report
from streams.errors import UsageError
from streams.partition.state import read_head
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from streams.tables import Stored, Tables
from tenure.reports.passes import Passes
from tenure.reports.scan_thread import ScanThread
from tenure.stored.reading import events_of, stored_heads


class CombinedScans:
    """The cells by combination of the last pass over all customers, joined."""

    def __init__(self, thread: ScanThread | None = None) -> None:
        """Begin with nothing read; passes go on in a thread, if there is one, when whoever asked is given up."""
        self._passes = Passes(_collecting, CombiningCollector.cells, thread=thread)
        self._joined: tuple[Mapping[int, CombinedCells], Combinations] | None = None

    async def read(self, settings: Settings, tables: Tables, partitions: int) -> Combinations:
        """Return the cells of all partitions by combination; errors are those of `scan_all`."""
        cells, joined = await self._passes.read(settings, tables, partitions), self._joined
        if joined is None or joined[0] is not cells:
            joined = cells, together(list(cells.values()), (*BUILT_IN_DIMENSIONS, *settings.dimensions))
            self._joined = joined
        return joined[1]


def _collecting(settings: Settings) -> Callable[[Names], CombiningCollector]:
    windows = windows_of(settings)
    return lambda names: CombiningCollector(names, windows, settings.what_counts)


async def filtered_report_of(
    settings: Settings,
    tables: Tables,
    where: Filter,
    *,
    partitions: int,
    at_ms: Sequence[int],
    by: Sequence[str] = (),
    scans: CombinedScans | None = None,
) -> list[Report]:
    """Return the report of tables, of the customers for whom a filter holds.

    Args:
        settings: What numbers mean.
        tables: Where they are stored.
        where: The filter; one on `plan` uses for each count the plan that its segment by plan uses.
        partitions: How many there are (count).
        at_ms: Instants, each the boundary of a bucket (ms since 1970).
        by: Dimensions whose segments are wanted.
        scans: Earlier passes over the same tables, which need not be made again.

    Raises:
        UsageError: No customer ever had a value that the filter names.
        TenureError: As `scan_all`.
    """
    cells = await (scans or CombinedScans()).read(settings, tables, partitions)
    check_values(where, lambda dimension: set(cells.values[dimension]))
    stored = await stored_heads(tables, partitions)
    heads = [read_head(partition, Stored(head, {})) for partition, head in stored.items()]
    windows = windows_of(settings)
    found = report_of_segments(
        lambda dimension: filtered(cells, where, dimension),
        windows,
        [instant // windows.bucket_ms for instant in at_ms],
        by=by,
        events=events_of(heads, settings.dimensions),
        is_whole=False,
    )
    return [replace(report, where=where.text) for report in found]


def values_of(names: Iterable[Names]) -> Callable[[str], set[str]]:
    """Return what tells the values that a dimension has had in any of some partitions."""
    known = list(names)
    return lambda dimension: {value for part in known for value in part.values(dimension)}


def check_values(where: Filter, known: Callable[[str], set[str]]) -> None:
    """Raise UsageError where a filter names a value that no customer ever had; `known` returns those of a dimension."""
    try:
        where.check_values(known)
    except FilterError as error:
        raise UsageError(f"--where: {error}") from error
