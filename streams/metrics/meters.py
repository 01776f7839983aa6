"""The worker's own metrics: what `schemas.instruments` declares, made and kept up to date.

Flows are counted as commits happen; what is a state (lag, ownership, caches) is looked at by each scrape.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from kpis.customer.facts import STATE_VERSION
from kpis.names import NAMED
from schemas import instruments
from schemas.dimensions import describing_members
from schemas.events import EVENT_TYPES
from schemas.feeds import OTHER, TYPES, UNKNOWN_TYPE, FeedKey
from schemas.instruments import Instrument
from schemas.refusals import Reason
from schemas.version import installed_version
from streams.errors import Halt, TablesUnavailable, TenureError, Unavailable
from streams.metrics.memory import memory_bytes, memory_limit_bytes
from streams.partition.result import BatchResult, FeedCounts

if TYPE_CHECKING:
    from kpis.arrays import Ints
    from kpis.counting.rolling import Snapshot
    from streams.batching.consumer import BatchConsumer
    from streams.partition.partition import Partition
    from streams.records import TP
    from streams.targets import TargetChange

disable_created_metrics()  # type: ignore[no-untyped-call]  # *_created gauges double the counters and say nothing here

FROM_SOURCES: Final = "sources"
"""What stands in place of a version where nothing is installed."""
ELSEWHERE: Final = instruments.WITH_THE_COUNTS + instruments.OF_THE_POPULATION + instruments.OF_THE_GATEWAY
"""Instruments that are no family of these."""
_FEED_FAMILIES: Final = (instruments.FEED_EVENTS, instruments.FEED_DEAD_LETTERS, instruments.FEED_MENDED)
_MAKERS: Final[Mapping[str, Callable[..., Any]]] = {"counter": Counter, "gauge": Gauge}


def family_of(declared: Instrument, registry: CollectorRegistry) -> Any:
    """Return the family of an instrument, made in a registry."""
    if declared.type == "histogram":
        return Histogram(declared.name, declared.help, declared.labels, buckets=declared.buckets, registry=registry)
    return _MAKERS[declared.type](declared.name, declared.help, declared.labels, registry=registry)


class Meters:
    """All families of the worker's own metrics, in a registry of their own.

    Args:
        dimensions: The further dimensions of the settings: members that may be mended.
    """

    def __init__(self, dimensions: Sequence[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._families: dict[str, Any] = {
            declared.name: family_of(declared, self.registry)
            for declared in instruments.INSTRUMENTS
            if declared not in ELSEWHERE
        }
        for reason in Reason:
            self[instruments.DEAD_LETTERS].labels(reason.value)
        for event_type in EVENT_TYPES:  # from 0 on: a rise from nothing to one would be no rise to Prometheus
            self[instruments.EVENTS_APPLIED].labels(event_type.TYPE)
        for kind in (instruments.CORRECTION, instruments.CONTRADICTION):
            self[instruments.EVENTS_CONFLICTING].labels(kind)
        for member in describing_members(dimensions):
            self[instruments.EVENTS_MENDED].labels(member)
        for label in (*instruments.AGES_MS, instruments.OLDER):
            self[instruments.RECORDS_BY_AGE].labels(label)
        self.on_feeds([FeedKey(kind, OTHER) for kind in (*TYPES, UNKNOWN_TYPE)], FeedCounts())
        self[instruments.STARTED].set(time.time())
        self[instruments.MEMORY_LIMIT].set(memory_limit_bytes())
        build = self[instruments.BUILD_INFO]
        build.labels(installed_version() or FROM_SOURCES, platform.python_version(), str(STATE_VERSION)).set(1)
        self[instruments.REDIS_UP].set(1)

    def __getitem__(self, declared: Instrument) -> Any:
        return self._families[declared.name]

    def exposition(self) -> bytes:
        """Return all families in Prometheus' text format."""
        return generate_latest(self.registry)

    # -- flows

    def on_committed(self, result: BatchResult) -> None:
        """Count what the commit of one batch has applied."""
        for kind, count in result.types.items():
            self[instruments.EVENTS_APPLIED].labels(kind).inc(count)
        for declared, count in (
            (instruments.EVENTS_DUPLICATE, result.duplicates),
            (instruments.EVENTS_TEST, result.tests),
            (instruments.EVENTS_FORGOTTEN, result.forgotten),
            (instruments.EVENTS_LATE, result.late),
            (instruments.CACHE_HITS, result.cache_hits),
            (instruments.CACHE_MISSES, result.cache_misses),
        ):
            if count:
                self[declared].inc(count)
        if result.conflicts:
            conflicting = self[instruments.EVENTS_CONFLICTING]
            conflicting.labels(instruments.CORRECTION).inc(result.corrections)
            conflicting.labels(instruments.CONTRADICTION).inc(result.conflicts - result.corrections)
        for member, count in result.mended.items():
            self[instruments.EVENTS_MENDED].labels(member).inc(count)
        for reason, count in result.dead_letters.items():
            self[instruments.DEAD_LETTERS].labels(reason).inc(count)
        for topic, count in result.forwarded.items():
            self[instruments.RECORDS_FORWARDED].labels(topic).inc(count)
        self._count_ages(result.arrived_ms)
        self[instruments.BATCH_RECORDS].observe(result.records)
        self[instruments.COMMIT_SECONDS].observe(result.commit_seconds)
        self[instruments.FOLD_SECONDS].observe(result.fold_seconds)

    def on_feeds(self, known: Iterable[FeedKey], counts: FeedCounts) -> None:
        """Count what came of each feed, under the names that hold; a known feed begins at 0."""
        families = [self[declared] for declared in _FEED_FAMILIES]
        for feed in known:
            for family in families:
                family.labels(*feed)
        for family, found in zip(families, (counts.applied, counts.dead_letters, counts.mended), strict=True):
            for feed, count in found.items():
                family.labels(*feed).inc(count)

    def _count_ages(self, arrived_ms: Ints) -> None:
        ages_ms = time.time_ns() // 1_000_000 - arrived_ms
        places = np.searchsorted(np.array([*instruments.AGES_MS.values()]), ages_ms)
        counts = np.bincount(places, minlength=len(instruments.AGES_MS) + 1).tolist()
        for label, count in zip((*instruments.AGES_MS, instruments.OLDER), counts, strict=True):
            self[instruments.RECORDS_BY_AGE].labels(label).inc(count)

    def on_committed_between(self, seconds: float) -> None:
        """Note how long a commit between two batches took."""
        self[instruments.COMMIT_SECONDS].observe(seconds)

    def on_conflict(self) -> None:
        """Count a commit that was refused."""
        self[instruments.COMMIT_CONFLICTS].inc()

    def on_recount(self) -> None:
        """Count a partition whose tables are counted anew."""
        self[instruments.PARTITION_RECOUNTS].inc()

    def on_forgotten(self) -> None:
        """Count a customer who was forgotten."""
        self[instruments.CUSTOMERS_FORGOTTEN].inc()

    def on_assigned(self) -> None:
        """Count an assignment."""
        self[instruments.REBALANCES].inc()

    def on_waiting(self, error: TenureError) -> None:
        """Note that a service does not answer."""
        if isinstance(error, TablesUnavailable):
            self[instruments.REDIS_UP].set(int(error.cause == "refused"))
            self[instruments.COMMIT_RETRIES].inc()

    def on_answer(self) -> None:
        """Note that the tables answered."""
        self[instruments.REDIS_UP].set(1)

    # -- states, looked at before each exposition

    def look_at_partitions(
        self,
        partitions: Mapping[int, Partition],
        halted: Mapping[int, Exception],
        *,
        expected: int,
        of_customers: int,
    ) -> None:
        """Set the gauges of partitions.

        Args:
            partitions: Those that are ours.
            halted: Those that are stopped, and why.
            expected: How many each topic has (count).
            of_customers: How many of them customers are spread over (count).
        """
        owned, recovering = self[instruments.PARTITION_OWNED], self[instruments.PARTITION_RECOVERING]
        stopped, mark = self[instruments.PARTITION_HALTED], self[instruments.WATERMARK]
        oldest, refused = self[instruments.OLDEST_UNAPPLIED], self[instruments.PARTITION_REFUSED]
        forgetting = self[instruments.FORGET_REQUESTS]
        for family in (owned, recovering, stopped, mark, oldest, refused, forgetting):
            family.clear()
        now_ms = time.time_ns() // 1_000_000
        for number, partition in partitions.items():
            label = str(number)
            owned.labels(label).set(1)
            recovering.labels(label).set(int(partition.recovering))
            mark.labels(label).set(partition.head.watermark_ms / 1000)
            waiting_ms = partition.oldest_waiting_ms
            oldest.labels(label).set(0 if waiting_ms is None else max(0, now_ms - waiting_ms) / 1000)
            forgetting.labels(label).set(partition.forget_requests)
            if partition.refused is not None:
                refused.labels(label, partition.refused.topic).set(1)
        for number, fault in halted.items():
            cause = fault.cause if isinstance(fault, Halt) else type(fault).__name__.lower()
            stopped.labels(str(number), cause).set(1)
        self[instruments.PARTITIONS_EXPECTED].set(expected)
        self[instruments.PARTITIONS_OF_CUSTOMERS].set(of_customers)
        self[instruments.MEMORY].set(memory_bytes())
        self[instruments.CACHED_CUSTOMERS].set(sum(partition.cached_states for partition in partitions.values()))
        self[instruments.CELLS].set(sum(partition.cell_count for partition in partitions.values()))
        self._look_at_segments(partitions)

    def _look_at_segments(self, partitions: Mapping[int, Partition]) -> None:
        sizes: dict[str, int] = {}
        over: dict[str, int] = {}
        for partition in partitions.values():
            names = partition.names
            for dimension, size in zip(names.dimensions, names.sizes(), strict=True):
                sizes[dimension] = max(sizes.get(dimension, 0), size)
            for name in (*names.dimensions, *NAMED):
                over[name] = over.get(name, 0) + names.over_limit.get(name, 0)
        for family, values in (
            (self[instruments.SEGMENT_VALUES], sizes),
            (self[instruments.SEGMENT_VALUES_OVER_LIMIT], over),
        ):
            family.clear()
            for name, value in values.items():
                family.labels(name).set(value)

    def look_at_redis(self, *, unsafe: bool) -> None:
        """Say whether Redis may lose what it was told to keep."""
        self[instruments.REDIS_UNSAFE].set(int(unsafe))

    def look_at_kafka(self, *, heartbeat_age_seconds: float, session_timeout_seconds: float) -> None:
        """Say whether Kafka has answered within the session time-out."""
        self[instruments.KAFKA_UP].set(int(heartbeat_age_seconds <= session_timeout_seconds))

    def look_at_waiting(self, waits: Iterable[Unavailable], *, instance_id_is_taken: bool) -> None:
        """Say what the worker waits for."""
        waiting = self[instruments.WAITING]
        waiting.clear()
        for wait in waits:
            waiting.labels(wait.service.partition(" ")[0].lower(), wait.cause).set(1)
        self[instruments.INSTANCE_ID_TAKEN].set(int(instance_id_is_taken))

    def look_at_lag(
        self, partitions: Mapping[int, Partition], consumer: BatchConsumer, topics: tuple[str, ...]
    ) -> None:
        """Set the gauges of lag."""
        records, seconds = self[instruments.LAG_RECORDS], self[instruments.LAG_SECONDS]
        records.clear()
        seconds.clear()
        now_ms = time.time_ns() // 1_000_000
        for number, partition in partitions.items():
            for topic in topics:
                waiting = partition.lag(topic, consumer)
                records.labels(topic, str(number)).set(waiting)
                applied_ms = partition.last_record_ms.get(topic)
                age = max(0, now_ms - applied_ms) / 1000 if waiting and applied_ms is not None else 0
                seconds.labels(topic, str(number)).set(age)

    def look_at_adapter_lag(self, lag: Mapping[TP, int], waiting_since_ms: Mapping[TP, int]) -> None:
        """Set the gauges of what waits to be translated, by topic and partition.

        Args:
            lag: How many records wait (count).
            waiting_since_ms: Timestamp of the record since which they wait, where one is known (ms since 1970).
        """
        records, seconds = self[instruments.ADAPTER_LAG], self[instruments.ADAPTER_LAG_SECONDS]
        records.clear()
        seconds.clear()
        now_ms = time.time_ns() // 1_000_000
        for tp, waiting in lag.items():
            records.labels(tp.topic, str(tp.partition)).set(waiting)
            age = max(0, now_ms - waiting_since_ms.get(tp, now_ms)) / 1000 if waiting else 0
            seconds.labels(tp.topic, str(tp.partition)).set(age)

    def look_at_counted(self, partitions: Iterable[int]) -> None:
        """Say whose customers are in the counts that this exposition shows."""
        counted = self[instruments.PARTITION_COUNTED]
        counted.clear()
        for number in partitions:
            counted.labels(str(number)).set(1)

    def look_at_withholding(self, *, withheld: bool) -> None:
        """Say whether KPIs are withheld."""
        self[instruments.KPIS_WITHHELD].set(int(withheld))

    def look_at_targets(self, targets: Iterable[TargetChange]) -> None:
        """Set the gauges of the targets that hold; none of those that do no more."""
        values, reviews = self[instruments.TARGET], self[instruments.TARGET_REVIEW]
        of_segments = self[instruments.SEGMENT_TARGET]
        for family in (values, reviews, of_segments):
            family.clear()
        for target in targets:
            if target.segment:
                of_segments.labels(*target.place).set(target.value)
                continue
            values.labels(target.kpi, target.window).set(target.value)
            reviews.labels(target.kpi, target.window, target.owner).set(target.review_at_ms / 1000)

    def look_at_losses(self, losses: Mapping[str, int]) -> None:
        """Set the gauges of accepted losses: how many touch each window; none where it is not ours to say."""
        family = self[instruments.LOSSES]
        family.clear()
        for window, count in losses.items():
            family.labels(window).set(count)

    def look_at_retention(self, topics: Mapping[str, bool]) -> None:
        """Say of each input topic whether Kafka deletes its events one day."""
        for topic, finite in topics.items():
            self[instruments.RETENTION_FINITE].labels(topic).set(int(finite))

    def look_at_counts(self, snapshot: Snapshot, *, bucket_ms: int, seconds: float) -> None:
        """Set the gauges of the rolling counts."""
        self[instruments.IDENTITIES_VIOLATED].set(len(snapshot.violations))
        self[instruments.KPIS_AS_OF].set(snapshot.boundary * bucket_ms / 1000)
        self[instruments.EXPOSITION_SECONDS].set(seconds)
