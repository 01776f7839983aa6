"""A limit on the memory of records that wait or are applied, over all partitions of a worker.

Records arrive faster than they are applied, and one may be a thousand times as large as the next: their number says
nothing. Not here: what is fetched and still compressed (`streams.kafka.fetcher`), and the state of the partitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Final

WAITING_BYTES: Final = 48 * 1024 * 1024
"""From here on only lanes read on that have less than an equal share of it; at twice as much none does."""


class WaitingRoom:
    """Counts bytes by lane: a topic of a partition.

    No lane is promised room: what waits is applied without what does not, only less in order. A lane that has little
    gets some even so, for a topic that is not here is waited for.
    """

    def __init__(self, limit_bytes: int = WAITING_BYTES) -> None:
        """Start empty."""
        self._limit_bytes = limit_bytes
        self._by_lane: Counter[Hashable] = Counter()
        self.held_bytes = 0
        #: somebody asked in vain, and is to hear when there is room again
        self.was_full = False

    def has_room(self, lane: Hashable) -> bool:
        """Return whether more may be read of a lane."""
        if self.held_bytes < self._limit_bytes:
            return True
        share = self._limit_bytes // (len(self._by_lane) + 1)
        return self.held_bytes < 2 * self._limit_bytes and self._by_lane.get(lane, 0) < share

    def take(self, lane: Hashable, size: int) -> None:
        """Count bytes in."""
        self._by_lane[lane] += size
        self.held_bytes += size

    def leave(self, lane: Hashable, size: int) -> None:
        """Count bytes out that were counted in."""
        self.held_bytes -= size
        self._by_lane[lane] -= size
        assert self._by_lane[lane] >= 0, "more left a lane than had come"
        if not self._by_lane[lane]:
            del self._by_lane[lane]
