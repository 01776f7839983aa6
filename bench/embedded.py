"""A stream of a benchmark's own, in this process: the embedded log, and a Redis that is empty and ends with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from schemas.decoding import rules
from streams.embedded.log import Log
from streams.embedded.redis import EmbeddedRedis
from streams.embedded.transport import CLUSTERS, Cluster
from streams.redis.tables import RedisTables, connect
from streams.settings.settings import Settings
from tenure.files.reader import FileRecord
from tenure.files.replay import feed, until_applied
from tenure.worker.composition import Worker, build_worker

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class EmbeddedStream:
    """The two sides of a worker.

    Attributes:
        prefix: Of its keys; also the name of its log.
        partitions: How many (count).
        url: Of its Redis.
        client: Connected to it.
        tables: On it.
        log: What workers read.
    """

    prefix: str
    partitions: int
    url: str
    client: Any
    tables: RedisTables
    log: Log

    @asynccontextmanager
    async def worker(self, settings: Settings) -> AsyncIterator[Worker]:
        """A worker that runs as long as the block."""
        worker = build_worker(
            settings,
            broker=f"embedded://{self.prefix}",
            tables=self.tables,
            partitions=self.partitions,
            latest_ms=rules.LATEST_MS,
        )
        await worker.app.start()
        try:
            yield worker
        finally:
            await worker.app.stop()

    async def apply(self, worker: Worker, records: Iterable[FileRecord], settings: Settings) -> None:
        """Feed records to a worker, and wait until it has applied them."""
        await feed(self.log, worker, records, settings)
        await until_applied(worker, self.log)


@asynccontextmanager
async def embedded_stream(prefix: str, *, partitions: int) -> AsyncIterator[EmbeddedStream]:
    """A stream without events and without a worker; its Redis ends with the block.

    Args:
        prefix: Of its keys.
        partitions: How many (count).
    """
    server = EmbeddedRedis()
    await server.start()
    try:
        client = await connect(server.url, timeout_seconds=_TIMEOUT_SECONDS)
        log = Log(partitions)
        CLUSTERS[prefix] = Cluster(log, now_ms=lambda: 0)
        tables = RedisTables(client, prefix=prefix)
        yield EmbeddedStream(prefix, partitions, server.url, client, tables, log)
        await client.aclose()
    finally:
        server.stop()
