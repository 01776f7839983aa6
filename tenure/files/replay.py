"""Replaying a file: the agents of the live stream on the embedded log and tables in memory."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from schemas.decoding import rules
from schemas.documents.ignored import IgnoredMembers
from schemas.documents.translation import FileTranslation
from schemas.refusals import HEADER_DETAIL, HEADER_REASON, Reason
from streams.embedded.log import Log
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.records import TP, Record
from streams.routing import Router
from streams.settings.meaning import decoder_of
from streams.settings.settings import Settings
from streams.tables import decode_head, positions_of
from streams.tasks import to_its_end
from tenure.files.findings import REFUSED, Example, Findings
from tenure.files.inspection import Inspection
from tenure.files.notation import Notation
from tenure.files.reader import EventFile
from tenure.files.tables import FileRecord
from tenure.worker.composition import Worker, build_worker

_CLUSTER: Final = "replay"
_PARTITIONS: Final = 4
_AHEAD: Final = 50_000
_SESSION_SECONDS: Final = 1_800
"""Nobody else reads the log: a worker that was busy for minutes need not give its partitions away."""
_OF_EVENTS: Final = Notation()


class Replayed(NamedTuple):
    """The outcome of a replay: what a file left in the tables.

    `last_ms` is the latest event time (ms since 1970), 0 where no event counts.
    """

    tables: MemoryTables
    partitions: int
    last_ms: int
    #: records that were refused, by reason, and events that were marked as tests (counts)
    refused: Counter[str]
    tests: int
    #: with all records of the file; the timestamp of each is its number there, long before all events
    log: Log
    #: what a number in the file counts: lines, rows or elements
    place: str
    #: empty where nobody wants them, like the members that no event type has
    findings: Findings
    ignored: IgnoredMembers | UnsetType = UNSET
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
        settings.model_copy(update={"session_timeout_seconds": _SESSION_SECONDS}),
        broker=f"embedded://{_CLUSTER}",
        tables=tables,
        partitions=_PARTITIONS,
        latest_ms=rules.LATEST_MS,
    )
    await worker.app.start()
    try:
        await feed(log, worker, _records(events, inspection), settings)
        await until_applied(worker, log)
    finally:
        await to_its_end(worker.app.stop)
        del CLUSTERS[_CLUSTER]
    heads = [decode_head(head) for n in range(_PARTITIONS) if (head := (await tables.load(n)).head) is not None]
    return Replayed(
        tables,
        _PARTITIONS,
        max((head.watermark_ms for head in heads), default=0),
        Counter(reason for head in heads for reason in Counter(head.dead_letters).elements()),
        sum(head.tests for head in heads),
        log,
        events.place,
        Findings() if inspection is None else _all_findings(inspection, log, settings),
        UNSET if inspection is None else inspection.ignored.document(),
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
            route = router.route(record.value, record.headers)
            log.append(route.topic, route.key, record.value, timestamp_ms=record.number, headers=route.headers)
        await asyncio.sleep(0)
        while await records_left(worker, log) > _AHEAD:
            await _step(worker)


async def until_applied(worker: Worker, log: Log) -> None:
    """Return once everything in the log is committed; forwarded records included.

    Args:
        worker: Reads the log; it may lose partitions and regain them meanwhile.
        log: Embedded.

    Raises:
        Exception: What stopped the worker, or halted a partition of it.
    """
    while await records_left(worker, log):
        await _step(worker)


async def records_left(worker: Worker, log: Log) -> int:
    """Return how many records of the input topics are not committed, whoever owns their partitions now (count)."""
    topics, tables = worker.context.topics, worker.context.tables
    numbers = range(max(log.partitions(topic) for topic in topics))
    heads = [positions_of(await tables.read_head(number)) for number in numbers]
    # The ends are read last: what a commit has forwarded lies before them.
    return sum(
        max(0, log.partition(TP(topic, number)).end - heads[number].get(topic, 0))
        for topic in topics
        for number in range(log.partitions(topic))
    )


async def _step(worker: Worker) -> None:
    """Give way, and raise what stopped the worker."""
    await asyncio.sleep(0.002)
    faults = [partition.fault for partition in worker.stream.partitions.values()]
    for fault in (*faults, *worker.stream.halted.values(), worker.app.crash_reason):
        if fault is not None:
            raise fault


def _chunks(records: Iterable[FileRecord], size: int) -> Iterator[list[FileRecord]]:
    iterator = iter(records)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
