"""The sources that feeds are counted under by name: one list for all workers, so that feeds add up over them.

Each worker keeps how much each of its partitions has had of each feed, and notes it; the owner of partition 0 adds the
notes up and notes the largest sources; all workers count those by name and the rest as `other`. What comes waits until
the next agreement, a second or so, and is then counted under the names that hold: a counter never falls.
Order decides nothing, by size and then by name. Past `SOURCES_KEPT` sources a partition forgets its smallest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from schemas.feeds import OTHER, FeedKey
from streams.partition.result import BatchResult, FeedCounts
from streams.tables import Tables

SOURCES_SHOWN: Final = 20
"""Sources that are counted by name (count)."""
SOURCES_KEPT: Final = 500
"""Sources of a partition whose sizes are kept; beyond twice as many the smaller half is forgotten (count)."""
FEEDS_WAITING: Final = 20 * SOURCES_KEPT
"""Of more feeds that wait those are counted as `other` at once that no partition keeps the size of (count)."""
HELD_SECONDS: Final = 30.0
"""What a feed has had waits so long after it got its name: two scrapes."""
_SHOWN: Final = "feeds:shown"

Sizes = dict[str, dict[str, int]]
"""Records by source and type."""
_decode = msgspec.json.Decoder(Sizes).decode


class Feeds:
    """The feeds of a worker: what came of each, by partition, and under which names it counts."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._sizes: dict[int, Sizes] = {}
        self._noted: dict[int, Sizes] = {}
        self._changed: set[int] = set()
        #: what came since `taken` was last asked, and what it left
        self.waiting = FeedCounts()
        self._most_waiting = FEEDS_WAITING
        self._named_at: dict[FeedKey, float] = {}
        self._shown: Sizes = {}

    @property
    def shown(self) -> list[FeedKey]:
        """The feeds that are counted by name, or were when last agreed on."""
        return [FeedKey(kind, source) for source, kinds in sorted(self._shown.items()) for kind in sorted(kinds)]

    def on_committed(self, number: int, result: BatchResult) -> None:
        """Note what a batch of a partition had of each feed."""
        feeds = result.feeds
        if not (feeds.applied or feeds.dead_letters):
            return
        sizes = self._sizes.setdefault(number, {})
        for counts in (feeds.applied, feeds.dead_letters):
            for (kind, source), count in counts.items():
                kinds = sizes.setdefault(source, {})
                kinds[kind] = kinds.get(kind, 0) + count
        if len(sizes) > 2 * SOURCES_KEPT:
            self._sizes[number] = _largest(sizes, SOURCES_KEPT)
        for waiting, counts in zip(_parts(self.waiting), _parts(feeds), strict=True):
            waiting.update(counts)
            if len(waiting) > self._most_waiting:
                self._fold_small(waiting)
        self._changed.add(number)

    def _fold_small(self, waiting: Counter[FeedKey]) -> None:
        """Count as `other` what waits of sources that no partition keeps: none of them is about to get a name."""
        kept = {OTHER, *self._shown, *(source for sizes in self._sizes.values() for source in sizes)}
        for feed in [feed for feed in waiting if feed.source not in kept]:
            waiting[FeedKey(feed.type, OTHER)] += waiting.pop(feed)
        self._most_waiting = max(FEEDS_WAITING, 2 * len(waiting))  # those that are kept are not looked at each time

    def taken(self, now_seconds: float) -> FeedCounts:
        """Return what came since this was last asked, under the names that hold.

        What has had its name for a short time waits on: Prometheus must see its counter at 0 before it sees it rise.
        """
        old = now_seconds - HELD_SECONDS
        young = {feed for feed in self.shown if self._named_at.setdefault(feed, now_seconds) > old}
        parts: list[Counter[FeedKey]] = []
        for waiting in _parts(self.waiting):
            ready: Counter[FeedKey] = Counter()
            for feed in [feed for feed in waiting if feed not in young]:
                ready[feed if feed.source in self._shown else FeedKey(feed.type, OTHER)] += waiting.pop(feed)
            parts.append(ready)
        return FeedCounts(*parts)

    async def agree(self, tables: Tables, owned: Iterable[int], *, partitions: int) -> None:
        """Note the sizes of this worker's partitions, decide where that is ours, and take over what was decided.

        Args:
            tables: Of the stream.
            owned: This worker's partitions.
            partitions: How many there are (count).

        Raises:
            TablesUnavailable: The notes cannot be read or written; the names hold as they are.
        """
        mine = set(owned)
        for number in self._noted.keys() - mine:
            # Somebody else goes on from what was noted.
            del self._noted[number]
            self._sizes.pop(number, None)
        for number in mine - self._noted.keys():
            found = await tables.note(f"feeds:{number}", None)
            self._noted[number] = _decode(found) if found else {}
            self._sizes[number] = _sum([self._noted[number], self._sizes.get(number, {})])
        self._changed &= mine
        for number in sorted(self._changed):
            self._changed.discard(number)  # what comes while it is noted is noted next time
            self._noted[number] = self._sizes[number]
            try:
                await tables.note(f"feeds:{number}", msgspec.json.encode(self._sizes[number]))
            except BaseException:
                self._changed.add(number)
                raise
        if 0 in mine:
            notes = [await tables.note(f"feeds:{number}", None) for number in range(partitions)]
            decided = _largest(_sum([_decode(note) for note in notes if note]), SOURCES_SHOWN)
            if decided.keys() != self._shown.keys() or _kinds(decided) != _kinds(self._shown):
                await tables.note(_SHOWN, msgspec.json.encode(decided))
        found = await tables.note(_SHOWN, None)
        self._shown = _decode(found) if found else {}


def _parts(counts: FeedCounts) -> tuple[Counter[FeedKey], ...]:
    return counts.applied, counts.dead_letters, counts.mended


def _kinds(sizes: Sizes) -> dict[str, set[str]]:
    return {source: set(kinds) for source, kinds in sizes.items()}


def _sum(parts: Iterable[Sizes]) -> Sizes:
    total: dict[str, Counter[str]] = {}
    for sizes in parts:
        for source, kinds in sizes.items():
            total.setdefault(source, Counter()).update(kinds)
    return {source: dict(kinds) for source, kinds in total.items()}


def _largest(sizes: Sizes, limit: int) -> Sizes:
    """Return the sources with most records; equals by name, and `other` never: it is what the rest counts as."""
    ranked = sorted((-sum(kinds.values()), source) for source, kinds in sizes.items() if source != OTHER)
    return {source: sizes[source] for _, source in ranked[:limit]}
