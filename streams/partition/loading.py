"""Loading what is stored of a partition; where only half of a commit is there, all of it is counted anew."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from streams.backoff import Pausing
from streams.errors import CommitTorn, Conflict
from streams.tables import Stored, Tables

if TYPE_CHECKING:
    from streams.partition.context import Listener


async def load_whole(tables: Tables, partition: int, listener: Listener) -> Stored:
    """Return what is stored of a partition, after removing it where half of a commit is in it.

    Args:
        tables: Of the stream.
        partition: Its number.
        listener: Says whether the log still has all records of the partition, and hears that it is counted anew.

    Raises:
        CommitTorn: Half of a commit is there, and it cannot be counted anew: the log has lost records, or the partition
            is another worker's by now.
        TablesUnavailable: The tables do not answer.
    """
    pausing = Pausing()
    while True:
        try:
            return await tables.load(partition)
        except CommitTorn:
            if not await listener.log_is_whole(partition):
                raise
        listener.on_recount(partition)
        with contextlib.suppress(Conflict):  # somebody else has cleared it, or is about to: look again
            await tables.clear(partition)
            continue
        await pausing.pause()
