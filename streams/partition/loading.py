"""Loading what is stored of a partition; where only half of a commit is there, all of it is counted anew."""

from __future__ import annotations

import contextlib
from typing import Protocol

import structlog

from streams.backoff import Backoff
from streams.errors import CommitTorn, Conflict
from streams.tables import Stored, Tables

log = structlog.get_logger(__name__)


class LogBeginning(Protocol):
    """The consumer, as far as it knows whether records were lost: `streams.batching.consumer`."""

    async def has_beginning(self, partition: int) -> bool:
        """Return whether the log still has all records of a partition."""


async def load_whole(tables: Tables, partition: int, consumer: LogBeginning) -> Stored:
    """Return what is stored of a partition with its redo log, after removing it where half of a commit is in it.

    Args:
        tables: Of the stream.
        partition: Its number.
        consumer: Says whether the log still has all records of the partition.

    Raises:
        CommitTorn: Half of a commit is there, and it cannot be counted anew: the log has lost records, or the partition
            is another worker's by now.
        TablesUnavailable: The tables do not answer.
    """
    backoff = Backoff()
    while True:
        try:
            stored = await tables.load(partition)
            while (found := await tables.read_redo(partition)).head != stored.head:  # committed in between
                stored = await tables.load(partition)
            return stored._replace(redo=found.entries)
        except CommitTorn:
            if not await consumer.has_beginning(partition):
                raise
        log.error("partition_counted_anew", partition=partition, reason="Redis has carried out half of a commit")
        with contextlib.suppress(Conflict):  # somebody else has cleared it, or is about to: look again
            await tables.clear(partition)
            continue
        await backoff.pause()
