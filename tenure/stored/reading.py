"""Reading numbers back: the tables of a stream, partition by partition, and the report that is made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from kpis.counting.cells import groups_of
from kpis.counting.report import Table, report
from schemas.dimensions import describing_members
from schemas.documents.report import Events, Report
from schemas.refusals import Reason
from streams.errors import Overtaken
from streams.partition.state import read_head
from streams.settings.meaning import names_of, windows_of
from streams.settings.settings import Settings
from streams.tables import Head, Stored, Tables

_TRIES: Final = 3
"""A partition that is written faster than it can be read is begun anew so often (count)."""


async def stored_heads(tables: Tables, partitions: int) -> dict[int, bytes | None]:
    """Return the heads of partitions as they are stored, one after another; None where nothing is."""
    return {partition: await tables.read_head(partition) for partition in range(partitions)}


async def report_of(
    settings: Settings, tables: Tables, *, partitions: int, at_ms: Sequence[int], by: Sequence[str] = ()
) -> list[Report]:
    """Return the report of tables, partition by partition as of one instant each."""
    windows = windows_of(settings)
    found = [part async for part in read_tables(settings, tables, partitions)]
    boundaries = [instant // windows.bucket_ms for instant in at_ms]
    events = events_of([part.head for part in found], settings.dimensions)
    return report([part.table for part in found], windows, boundaries, by=by, events=events)


class Part(NamedTuple):
    """One partition as of one instant."""

    partition: int
    table: Table
    head: Head


async def read_tables(settings: Settings, tables: Tables, partitions: int) -> AsyncIterator[Part]:
    """Yield the names, the cells and the head of each partition, in order.

    Args:
        settings: What numbers mean.
        tables: Where they are stored.
        partitions: How many there are (count).

    Raises:
        StateUnreadable: Another version has stored a partition.
        TablesUnavailable: The store does not answer.
    """
    for partition in range(partitions):
        stored, table = await _snapshot_of(settings, tables, partition)
        yield Part(partition, table, read_head(partition, stored))


async def _snapshot_of(settings: Settings, tables: Tables, partition: int) -> tuple[Stored, Table]:
    """Return what is stored of a partition, and its names and cells, as of one instant."""
    for tries_left in range(_TRIES - 1, -1, -1):
        before = await tables.load(partition)
        names = names_of(settings)  # new ones: names keep their places, but for a partition that is counted anew
        names.restore(before.names)
        try:
            stored, cells = await tables.snapshot(partition, groups_of(names), before)
        except Overtaken:
            if not tries_left:
                raise
        else:
            names.restore(stored.names)  # what it knows already changes nothing
            return stored, Table(names, cells)
    raise AssertionError("it is tried at least once")


def events_of(heads: Sequence[Head], dimensions: Sequence[str]) -> Events:
    """Return the counts of events over the whole log; `dimensions` are those that settings add.

    A record that lay on the wrong partition counts where it was sent to, and once: what was sent again after a crash
    is more that came than was sent, over all partitions.
    """
    away_facts, away_instants = sum(head.away_facts for head in heads), sum(head.away_instants for head in heads)
    again_facts, again_instants = max(0, -away_facts), max(0, -away_instants)
    # Copies of those whom the sender knew to be forgotten, and counted itself: sent before, and counted anew since.
    copies = sum(head.forgotten_copies for head in heads)
    again_forgotten = max(0, copies - max(0, away_facts) - max(0, away_instants))
    return Events(
        applied=sum(head.applied for head in heads) - again_instants,
        duplicate=sum(head.duplicates for head in heads) - again_facts,
        conflict=sum(head.conflicts for head in heads),
        test=sum(head.tests for head in heads),
        mended={member: sum(head.mended.get(member, 0) for head in heads) for member in describing_members(dimensions)},
        forgotten=sum(head.forgotten for head in heads) - again_forgotten,
        dead_letters={reason.value: sum(head.dead_letters.get(reason.value, 0) for head in heads) for reason in Reason},
    )
