"""Replaying a file: the agents of the live stream on the embedded log and tables in memory."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from schemas.decoding import rules
from schemas.documents.translation import FileTranslation
from schemas.refusals import HEADER_DETAIL, HEADER_REASON, Reason
from streams.embedded.log import Log
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.partition.context import decoder_of
from streams.records import TP, Record
from streams.settings.settings import Settings
from streams.tables import decode_head
from streams.tasks import to_its_end
from tenure.files.findings import REFUSED, Example, Findings
from tenure.files.inspection import Inspection
from tenure.files.notation import Notation
from tenure.files.reader import EventFile
from tenure.files.routing import Router
from tenure.files.tables import FileRecord
from tenure.worker.composition import Worker, build_worker

_CLUSTER: Final = "replay"
_PARTITIONS: Final = 4
_AHEAD: Final = 50_000
_OF_EVENTS: Final = Notation()


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
    #: with all records of the file; the timestamp of each is its number there, long before all events
    log: Log
    #: what a number in the file counts: lines, rows or elements
    place: str
    #: empty where nobody wants them
    findings: Findings
    #: what became of the records of another system; UNSET where the file holds events
    translation: FileTranslation | UnsetType = UNSET


async def replayed(
    path: str, settings: Settings, notation: Notation = _OF_EVENTS, *, with_findings: bool = False
) -> Replayed:
    """Run a file of events through the agents, into tables of its own.

    Args:
        path: NDJSON, CSV or Parquet; "-" is standard input.
        settings: What numbers mean.
        notation: How the file's values are written.
        with_findings: Find out what is refused and mended; each record is decoded once more for it.

    Raises:
        InputError: The file cannot be read.
    """
    events = EventFile(path, notation)
    inspection = Inspection(events, decoder_of(settings, latest_ms=rules.LATEST_MS)) if with_findings else None
    log = Log(_PARTITIONS)
    tables = MemoryTables()
    CLUSTERS[_CLUSTER] = Cluster(log, now_ms=lambda: 0)
    worker = build_worker(
        settings, broker=f"embedded://{_CLUSTER}", tables=tables, partitions=_PARTITIONS, latest_ms=rules.LATEST_MS
    )
    await worker.app.start()
    try:
        await feed(log, worker, _records(events, inspection), settings)
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
        events.place,
        Findings() if inspection is None else _all_findings(inspection, log, settings),
        UNSET if events.translator is None else events.translator.document(),
    )


def _records(events: EventFile, inspection: Inspection | None) -> Iterator[FileRecord]:
    for record in events.records():
        if inspection is not None:
            inspection.take(record)
        yield record
    if inspection is not None:
        inspection.finish()


def _all_findings(inspection: Inspection, log: Log, settings: Settings) -> Findings:
    """Return what the inspection found, and the refusals that only customers' states can tell, out of dead letters."""
    for number in range(_PARTITIONS):
        letters, _ = log.read(TP(settings.dead_letter_topic, number), 0, sys.maxsize)
        for letter in letters:
            reason = dict(letter.headers)[HEADER_REASON].decode()
            if reason == Reason.TOO_MANY_FACTS:
                inspection.findings.add(REFUSED, reason, partial(_told, letter))
    return inspection.findings


def _told(letter: Record) -> Example:
    customer = (letter.key or b"").decode("utf-8", "replace")
    return Example(f"customer {customer}: {dict(letter.headers)[HEADER_DETAIL].decode()}")


async def feed(log: Log, worker: Worker, records: Iterable[FileRecord], settings: Settings) -> None:
    """Append records to the log as a producer would, by customer; waits while the worker is far behind."""
    router = Router(settings)
    for chunk in _chunks(records, 5_000):
        for record in chunk:
            route = router.route_of(record)
            log.append(route.topic, route.key, record.value, timestamp_ms=record.number, headers=route.headers)
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


def _chunks(records: Iterable[FileRecord], size: int) -> Iterator[list[FileRecord]]:
    iterator = iter(records)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
