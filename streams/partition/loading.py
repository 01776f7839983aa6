"""Loading what is stored of a partition, to write to it.

Where only half of a commit is there, all of it is counted anew; what a command holds still is waited for.
"""

from __future__ import annotations

import contextlib
from typing import Protocol

import structlog

from streams.backoff import Backoff
from streams.errors import CommitTorn, Conflict
from streams.holding import HoldWatch
from streams.tables import Stored, Tables

log = structlog.get_logger(__name__)


class LogBeginning(Protocol):
    """The consumer, as far as it knows whether records were lost: `streams.batching.consumer`."""

    async def has_beginning(self, partition: int) -> bool:
        """Return whether the log still has all records of a partition."""


async def load_whole(tables: Tables, partition: int, consumer: LogBeginning, holds: HoldWatch | None = None) -> Stored:
    """Return what is stored of a partition with its redo log, after removing it where half of a commit is in it.

    Args:
        tables: Of the stream.
        partition: Its number.
        consumer: Says whether the log still has all records of the partition.
        holds: Knows for how long partitions were held; None: a hold is as one that has just begun.

    Raises:
        TablesHeld: A command holds the partition.
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
            stored = stored._replace(redo=found.entries)
        except CommitTorn:
            if not await consumer.has_beginning(partition):
                raise
        else:
            await (holds or HoldWatch(tables)).look(partition, stored.head)
            return stored
        log.error("partition_counted_anew", partition=partition, reason="Redis has carried out half of a commit")
        with contextlib.suppress(Conflict):  # somebody else has cleared it, or is about to: look again
            await tables.clear(partition)
            continue
        await backoff.pause()
