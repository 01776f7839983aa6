"""Reading numbers back: the tables of a stream -> the report that `kpi` and `replay` print."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import numpy as np
import structlog
from msgspec import UNSET
from msgspec.structs import replace

from kpis.counting.cells import FIELD_BITS, Cells, groups_of
from kpis.counting.report import Table, report
from schemas.documents.report import Events, Report
from schemas.refusals import Reason
from streams.clock import Clock, WallClock
from streams.errors import Overtaken, TablesUnavailable, UsageError
from streams.partition.added import partitions_in_use
from streams.partition.context import names_of, windows_of
from streams.partition.losses import LossStore
from streams.partition.state import read_head
from streams.redis.errors import refusal_of
from streams.redis.tables import RedisTables, connect
from streams.settings.settings import Settings
from streams.tables import Head, Stored, StreamMark, Tables
from tenure.operations.losses import Listed, listed, loss_document, losses_as_of
from tenure.reports.instants import end_of_bucket_ms
from tenure.worker.composition import check_mark

log = structlog.get_logger(__name__)
_TRIES: Final = 3
"""A partition that is written faster than it can be read is begun anew so often (count)."""


async def read_report(
    settings: Settings, *, at_ms: Sequence[int], by: Sequence[str] = (), clock: Clock | None = None
) -> list[Report]:
    """Return the report of a running stream, from its Redis.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        at_ms: Instants, each the boundary of a bucket (ms since 1970); none means the end of the running bucket.
        by: Dimensions whose segments are wanted.
        clock: What time it is, where no instant is given.

    Returns:
        One object for each instant, as `report_of`; where any loss was ever accepted, with those that it goes without;
        and with the losses that halted partitions wait for, where there are any.

    Raises:
        UsageError: There is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    async with running_tables(settings) as (tables, mark):
        now_ms = (clock or WallClock()).now_ms()
        instants = list(at_ms) or [end_of_bucket_ms(now_ms, settings.bucket_minutes)]
        found = await report_of(settings, tables, partitions=mark.partitions, at_ms=instants, by=by)
        losses = await _losses_told(tables, mark)
        waiting = [loss_document(loss) for loss in losses.waiting] or UNSET
        return [
            replace(
                entry,
                losses=losses_as_of(losses.accepted, windows_of(settings), instant) if losses.accepted else UNSET,
                waiting=waiting,
            )
            for entry, instant in zip(found, instants, strict=True)
        ]


@asynccontextmanager
async def running_tables(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark]]:
    """Open the tables of a running stream, and close them in the end.

    The mark is given with all partitions that have something stored, those too that topics got later.

    Raises:
        UsageError: There is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    async with tables_of(settings) as (tables, mark):
        if mark is None:
            raise UsageError(
                f"no stream has written to {settings.redis_address} under the prefix {settings.redis_prefix!r} yet; "
                "start `tenure worker` with the same settings, or set TENURE_REDIS_URL and TENURE_REDIS_PREFIX to its"
            )
        yield tables, mark._replace(partitions=await partitions_in_use(tables, mark))


@asynccontextmanager
async def counted_tables(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark]]:
    """Open the tables of a running stream to count with them, as `running_tables`; say what halted partitions lack."""
    async with running_tables(settings) as (tables, mark):
        await _losses_told(tables, mark)
        yield tables, mark


async def _losses_told(tables: Tables, mark: StreamMark) -> Listed:
    """Return the losses of a stream; those that nobody gave up make numbers lacking, and are told in the log."""
    losses = await listed(LossStore(tables), partitions=mark.partitions)
    if losses.waiting:
        log.error(
            "numbers_incomplete",
            halted_partitions=[loss.partition for loss in losses.waiting],
            advice="they have lost events or tables, and what they count is missing: see `tenure resume`",
        )
    return losses


@asynccontextmanager
async def tables_of(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark | None]]:
    """Open the tables of a stream that need not have begun yet: then it has no mark. Close them in the end.

    Raises:
        ConfigurationError: They belong to another stream, or were counted under other settings, or may not be read.
        TablesUnavailable: Redis does not answer.
    """
    url = settings.redis_url.get_secret_value()
    tables = RedisTables(await connect(url), prefix=settings.redis_prefix)
    try:
        mark = await tables.read_mark()
        if mark is not None:
            check_mark(settings, mark)
        yield tables, mark
    except TablesUnavailable as error:
        refusal = refusal_of(url, error) if error.cause == "refused" else None
        raise refusal or error from error
    finally:
        await tables.close()


async def report_of(
    settings: Settings, tables: Tables, *, partitions: int, at_ms: Sequence[int], by: Sequence[str] = ()
) -> list[Report]:
    """Return the report of tables, partition by partition as of one instant each."""
    windows = windows_of(settings)
    found = [part async for part in read_tables(settings, tables, partitions)]
    boundaries = [instant // windows.bucket_ms for instant in at_ms]
    events = events_of([part.head for part in found])
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
            stored, by_group = await tables.snapshot(partition, groups_of(names), before)
        except Overtaken:
            if not tries_left:
                raise
        else:
            names.restore(stored.names)  # what it knows already changes nothing
            return stored, Table(names, _cells_of(by_group))
    raise AssertionError("it is tried at least once")


def _cells_of(by_group: Mapping[int, Mapping[int, int]]) -> Cells:
    """Return amounts by group and field as cells, in the order of their keys."""
    keys = [
        np.fromiter(fields.keys(), np.int64, len(fields)) | group << FIELD_BITS for group, fields in by_group.items()
    ]
    amounts = [np.fromiter(fields.values(), np.int64, len(fields)) for fields in by_group.values()]
    joined, sums = np.concatenate(keys), np.concatenate(amounts)
    order = np.argsort(joined, kind="stable")
    return Cells(joined[order], sums[order])


def events_of(heads: Sequence[Head]) -> Events:
    """Return the counts of events over the whole log.

    A record that lay on the wrong partition counts where it was sent to, and once: what was sent again after a crash
    is more that came than was sent, over all partitions.
    """
    again_facts = max(0, -sum(head.away_facts for head in heads))
    again_instants = max(0, -sum(head.away_instants for head in heads))
    return Events(
        applied=sum(head.applied for head in heads) - again_instants,
        duplicate=sum(head.duplicates for head in heads) - again_facts,
        conflict=sum(head.conflicts for head in heads),
        test=sum(head.tests for head in heads),
        dead_letters={reason.value: sum(head.dead_letters.get(reason.value, 0) for head in heads) for reason in Reason},
    )
