"""The end of a replay: every record of the log is committed, whoever owns its partition at the moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from streams.embedded.log import Log
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.errors import CommitTorn
from streams.settings.settings import Settings
from streams.tables import decode_head
from tenure.files.replay import feed, records_left, until_applied
from tenure.files.tables import FileRecord
from tenure.worker.composition import Worker, build_worker

PARTITIONS = 4
EVENTS = 40


@pytest.fixture
async def stream() -> AsyncIterator[tuple[Worker, Log, MemoryTables]]:
    """Yield a started worker on a log of its own that has nothing in it yet."""
    log, tables = Log(PARTITIONS), MemoryTables()
    CLUSTERS["lost"] = Cluster(log, now_ms=lambda: 0)
    worker = build_worker(Settings(), broker="embedded://lost", tables=tables, partitions=PARTITIONS, latest_ms=1 << 42)
    await worker.app.start()
    yield worker, log, tables
    await worker.app.stop()
    del CLUSTERS["lost"]


def signups() -> list[FileRecord]:
    """Return as many signups as customers, on all partitions."""
    event = {"type": "signup", "time": "2026-01-05T09:00:00Z", "plan": "pro", "mrr_minor": 4900}
    return [
        FileRecord(n, json.dumps({**event, "id": f"s{n}", "customer_id": f"c{n}"}).encode())
        for n in range(1, EVENTS + 1)
    ]


async def applied(tables: MemoryTables) -> int:
    """Return how many events the tables have."""
    heads = [await tables.read_head(number) for number in range(PARTITIONS)]
    return sum(decode_head(head).applied for head in heads if head is not None)


async def until_owned(worker: Worker, partitions: int) -> None:
    """Return once the worker owns so many partitions, and has applied what is theirs."""
    while len(worker.stream.partitions) != partitions or worker.lag_records():
        await asyncio.sleep(0)


async def test_end_is_not_reached_while_somebody_else_owns_partitions_that_nobody_reads(
    stream: tuple[Worker, Log, MemoryTables],
) -> None:
    """A worker that was silent too long loses its partitions, and "no lag" then meant "no events in this file"."""
    worker, log, tables = stream
    group = log.group(Settings().group)
    await until_owned(worker, PARTITIONS)
    (member,) = group.members.values()
    group.join("silent", member.topics, lambda: None, 0.0, timeout_seconds=1e9)
    await until_owned(worker, PARTITIONS // 2)
    await feed(log, worker, signups(), Settings())
    await until_owned(worker, PARTITIONS // 2)
    left = await records_left(worker, log)
    assert 0 < left == EVENTS - await applied(tables)

    ending = asyncio.create_task(until_applied(worker, log))
    await worker.stream.on_revoked(frozenset(worker.stream.partitions))
    assert (worker.lag_records(), await records_left(worker, log)) == (0, left)
    group.leave("silent", 0.0)
    await ending
    assert await applied(tables) == EVENTS


async def test_end_of_a_log_with_a_partition_that_cannot_go_on_is_its_fault(
    stream: tuple[Worker, Log, MemoryTables],
) -> None:
    """It has no lag, for nobody owns it; waiting for it would take for ever."""
    worker, log, _ = stream
    await until_owned(worker, PARTITIONS)
    await worker.stream.on_revoked(frozenset({1}))
    worker.stream.on_halt(CommitTorn(1))
    await feed(log, worker, signups(), Settings())
    with pytest.raises(CommitTorn):
        await until_applied(worker, log)
