"""Replaying a file: the agents of the live stream on the embedded log and tables in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from schemas.decoding import rules
from streams.embedded.log import Log
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.settings.settings import Settings
from streams.tables import decode_head
from streams.tasks import to_its_end
from tenure.files.reader import EventFile
from tenure.files.routing import Router
from tenure.worker.composition import Worker, build_worker

_CLUSTER: Final = "replay"
_PARTITIONS: Final = 4
_AHEAD: Final = 50_000


class Replayed(NamedTuple):
    """The outcome of a replay: what a file left in the tables.

    `last_ms` is the latest event time (ms since 1970), 0 where no event counts.
    """

    tables: MemoryTables
    partitions: int
    last_ms: int
    #: records that were refused, and events that were marked as tests (counts)
    dead_letters: int
    tests: int
    #: with all records of the file
    log: Log


async def replayed(path: str, settings: Settings, *, file_format: str | None = None) -> Replayed:
    """Run a file of events through the agents, into tables of its own.

    Args:
        path: NDJSON, CSV or Parquet; "-" is standard input.
        settings: What numbers mean.
        file_format: ndjson, csv or parquet; None decides by the name.

    Raises:
        InputError: The file cannot be read.
    """
    events = EventFile(path, file_format)
    log = Log(_PARTITIONS)
    tables = MemoryTables()
    CLUSTERS[_CLUSTER] = Cluster(log, now_ms=lambda: 0)
    worker = build_worker(
        settings, broker=f"embedded://{_CLUSTER}", tables=tables, partitions=_PARTITIONS, latest_ms=rules.LATEST_MS
    )
    await worker.app.start()
    try:
        await feed(log, worker, (record.value for record in events.records()), settings)
        await until_applied(worker)
    finally:
        await to_its_end(worker.app.stop)
        del CLUSTERS[_CLUSTER]
    heads = [decode_head(head) for n in range(_PARTITIONS) if (head := (await tables.load(n)).head) is not None]
    return Replayed(
        tables,
        _PARTITIONS,
        max((head.watermark_ms for head in heads), default=0),
        sum(sum(head.dead_letters.values()) for head in heads),
        sum(head.tests for head in heads),
        log,
    )


async def feed(log: Log, worker: Worker, values: Iterable[bytes], settings: Settings) -> None:
    """Append values to the log as a producer would, by customer; waits while the worker is far behind."""
    router = Router(settings)
    for chunk in _chunks(values, 5_000):
        for value in chunk:
            route = router.route(value)
            log.append(route.topic, route.key, value, timestamp_ms=0, headers=route.headers)
        await asyncio.sleep(0)
        while worker.lag_records() > _AHEAD:
            await _step(worker)


async def until_applied(worker: Worker) -> None:
    """Return once everything in the log is committed; forwarded records included."""
    while worker.lag_records() or not worker.stream.partitions:
        await _step(worker)


async def _step(worker: Worker) -> None:
    """Give way, and raise what stopped the worker."""
    await asyncio.sleep(0.002)
    for partition in worker.stream.partitions.values():
        if partition.fault is not None:
            raise partition.fault
    if worker.app.crash_reason is not None:
        raise worker.app.crash_reason


def _chunks(values: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    iterator = iter(values)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
