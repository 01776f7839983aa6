"""The topic of tombstones on the embedded log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.forgetting.forgotten import TombstonePart, TombstoneRecord
from streams.records import TP

if TYPE_CHECKING:
    from streams.embedded.transport import Cluster


class EmbeddedTombstones:
    """Implements `streams.forgetting.forgotten.TombstoneLog`.

    Args:
        cluster: With the log.
        topic: The topic's name.
    """

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic

    async def read(self, first: int) -> TombstonePart:
        """See `TombstoneLog`."""
        await self._cluster.wait("fetch")
        if self._topic not in self._cluster.log.topics:
            return TombstonePart([], 0)
        partition = self._cluster.log.partition(TP(self._topic, 0))
        if first > partition.end:
            first = partition.earliest
        records, end = partition.read(max(first, partition.earliest), partition.end + 1)
        return TombstonePart([TombstoneRecord(record.offset, record.key, record.value) for record in records], end)

    async def close(self) -> None:
        """See `TombstoneLog`."""
