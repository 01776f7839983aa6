"""The result of a batch, from the fold to the metrics: one object, to which each step adds its own facts.

Not committed yet, and dropped with what is held where it cannot be. Who fills it in: `kpis.fold.restatements`,
`streams.partition.applying` and `streams.partition.partition`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from kpis.arrays import Ints
from kpis.fold.restatements import FoldResult
from schemas.feeds import FeedKey
from schemas.refusals import Refusal
from streams.partition.forwarding import Forward
from streams.records import Record


@dataclass(slots=True)
class FeedCounts:
    """Records by their feeds (counts)."""

    applied: Counter[FeedKey] = field(default_factory=Counter)
    dead_letters: Counter[FeedKey] = field(default_factory=Counter)
    #: events of which members were mended
    mended: Counter[FeedKey] = field(default_factory=Counter)


@dataclass(slots=True)
class BatchResult(FoldResult):
    """The result of a batch of one partition: changes, records to send, and counts."""

    #: that were decoded (count)
    records: int = 0
    #: events by type, duplicates included
    types: Counter[str] = field(default_factory=Counter)
    #: the same and more, by feed
    feeds: FeedCounts = field(default_factory=FeedCounts)
    #: when Kafka got each of the records (ms since 1970)
    arrived_ms: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    tests: int = 0
    #: events of forgotten customers that count nowhere, and how many of these came from other partitions
    forgotten: int = 0
    forgotten_copies: int = 0
    #: events of which a member was mended, by member; where they lay first, also if they belong elsewhere
    mended: Counter[str] = field(default_factory=Counter)
    #: the latest time of an event; of a scheduled fact the time at which it was announced (ms since 1970)
    latest_ms: int = 0
    #: what becomes a dead letter
    refused: list[tuple[Record, Refusal]] = field(default_factory=list)
    #: what is to be sent to other partitions
    forwards: list[Forward] = field(default_factory=list)
    #: records that came from other partitions: with an identity, and without (counts)
    copied_facts: int = 0
    copied_instants: int = 0
    #: customers whose state was in memory, and those whose state had to be read (counts)
    cache_hits: int = 0
    cache_misses: int = 0
    fold_seconds: float = 0.0
    commit_seconds: float = 0.0

    @property
    def dead_letters(self) -> Counter[str]:
        """Refused records, by reason (counts)."""
        return Counter(refusal.reason.value for _, refusal in self.refused)

    @property
    def forwarded(self) -> Counter[str]:
        """Records sent to the partition of their customer, by the topic they lay on (counts)."""
        return Counter(forward.record.topic for forward in self.forwards)

    @property
    def away_facts(self) -> int:
        """Records with an identity sent to other partitions, less those that came from others (see `Head`)."""
        return sum(forward.has_identity for forward in self.forwards) - self.copied_facts

    @property
    def away_instants(self) -> int:
        """The same of records without an identity."""
        return sum(not forward.has_identity for forward in self.forwards) - self.copied_instants

    def refuse(self, stuck: Iterable[Forward], refused: Sequence[tuple[Record, Refusal]]) -> None:
        """Have records refused that were to be forwarded, and could not be."""
        gone = set(map(id, stuck))
        self.forwards = [forward for forward in self.forwards if id(forward) not in gone]
        self.refused += refused
