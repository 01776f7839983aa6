"""Panels about the workers, and the board of what goes on inside of them."""

from typing import Final

from grafana_foundation_sdk.models import units

from monitoring.alerts import thresholds
from monitoring.dashboards import freshness, queries, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, FAIR, GOOD, NONE, Placed, lines, shown_as
from monitoring.dashboards.queries import Query, own
from monitoring.dashboards.wording import COUNT, PERCENT, SECONDS, About, of_metric
from schemas import instruments as known
from schemas.instruments import Instrument

UID: Final = "tenure-workers"
_SEEN: Final = "6h"
QUANTILES: Final = {"0.5": "half", "0.95": "95 %", "0.99": "99 %"}


def board() -> Board:
    """Return the board."""
    return Board(
        UID,
        "Workers",
        "Do the workers keep up, and what limits them?",
        [variables.source(), variables.job()],
        [
            Section("", freshness.first_line()),
            Section("Batches and commits", [commits(), folds(), batches(), conflicts()]),
            Section("Memory and work", [memory(), cache(), cells(), segment_values(), exposition(), rebalances()]),
        ],
        since="now-6h",
        refresh="30s",
        of_the_stream=True,
    )


def commits() -> Placed:
    """Return how long commits take."""
    about = of_metric("Duration of a commit", known.COMMIT_SECONDS, "Slow: Redis, or the way to it.", SECONDS)
    return lines(about, *_quantiles(known.COMMIT_SECONDS), size=(12, 8), lowest=0)


def folds() -> Placed:
    """Return how long folding a batch takes."""
    about = of_metric("Duration of decoding and folding a batch", known.FOLD_SECONDS, "The worker's own work.", SECONDS)
    return lines(about, *_quantiles(known.FOLD_SECONDS), size=(12, 8), lowest=0)


def batches() -> Placed:
    """Return how large commits are."""
    about = of_metric("Records in a commit", known.BATCH_RECORDS, "Large ones work off a backlog.", COUNT)
    return lines(about, *_quantiles(known.BATCH_RECORDS), size=(12, 8), lowest=0)


def conflicts() -> Placed:
    """Return commits that were refused or repeated."""
    about = of_metric(
        "Commits refused or repeated",
        known.COMMIT_CONFLICTS,
        f"`{known.COMMIT_RETRIES.name}`: {known.COMMIT_RETRIES.help}",
        units.OpsPerSecond,
        runbooks=("TenureCommitConflicts", "TenurePartitionRecounted", "TenureRedisUnreachable"),
    )
    asked = [
        Query(f"sum(rate({own(metric)}[$__rate_interval]))", name, colour=colour)
        for name, metric, colour in (
            ("refused", known.COMMIT_CONFLICTS, BAD),
            ("repeated", known.COMMIT_RETRIES, FAIR),
        )
    ]
    return lines(about, *asked, size=(12, 8), lowest=0)


def workers() -> Placed:
    """Return the workers, one a row, and those that are missing."""
    parts = (known.REDIS_UP, known.KAFKA_UP, known.REDIS_UNSAFE, known.KPIS_WITHHELD)
    listed = "\n".join(f"- `{metric.name}`: {metric.help}" for metric in (known.PARTITION_OWNED, *parts))
    runbooks = (
        "TenureWorkerAbsent",
        "TenureRedisUnreachable",
        "TenureRefused",
        "TenureInstanceIdTaken",
        "TenureRedisUnsafe",
        "TenureKafkaUnreachable",
        "TenurePartitionHalted",
        "TenureRecordsRefused",
        "TenureForgettingWaits",
    )
    about = About(
        "Workers",
        f"Each worker that answers Prometheus, or did within {_SEEN} and does no more.\n\n{listed}",
        COUNT,
        runbooks,
    )
    here = own(known.BUILD_INFO)
    asked = [
        Query(f"max by (instance) ({here}) or 0 * max by (instance) (max_over_time({here}[{_SEEN}]))"),
        Query(f"1000 * max by (instance) (max_over_time(timestamp({here})[{_SEEN}:15s]))"),
        Query(f"sum by (instance) ({own(known.PARTITION_OWNED)})"),
        Query(f"sum by (instance) ({own(known.PARTITION_RECOVERING)})"),
        *(Query(f"max by (instance) ({own(metric)})") for metric in parts),
        Query(f"max by (instance, version) ({here})"),
    ]
    names = ("state", "last answer", "partitions", "loading", "Redis", "Kafka", "data safe", "numbers")
    columns = [
        Column("worker", width=160),
        Column("state", mappings=shown_as({"1": ("works", GOOD), "0": ("MISSING", BAD)})),
        Column("last answer", "dateTimeFromNow", width=150),
        Column("loading", COUNT, [(None, NONE), (1.0, FAIR)]),
        Column("Redis", mappings=shown_as({"1": ("answers", NONE), "0": ("away", BAD)})),
        Column("Kafka", mappings=shown_as({"1": ("answers", NONE), "0": ("away", BAD)})),
        Column("data safe", mappings=shown_as({"0": ("yes", NONE), "1": ("no", BAD)})),
        Column("numbers", mappings=shown_as({"0": ("shown", NONE), "1": ("withheld", BAD)})),
    ]
    renamed = {"instance": "worker"}
    renamed |= {f"Value #{chr(ord('A') + place)}": name for place, name in enumerate(names)}
    renamed |= {"version": "version"}
    return rows(about, Arranged(renamed, columns, sort_by="worker", descending=False), *asked, size=(24, 6))


def memory() -> Placed:
    """Return how much of its memory each worker occupies."""
    about = of_metric(
        "Memory",
        known.MEMORY,
        f"Of what it may occupy; there is a warning from {thresholds.MEMORY_SHARE:.0%} on.\n\n"
        f"`{known.MEMORY.name}` / `{known.MEMORY_LIMIT.name}`",
        PERCENT,
        runbooks=("TenureMemoryNearLimit",),
    )
    asked = f"max by (instance) ({own(known.MEMORY)}) / max by (instance) ({own(known.MEMORY_LIMIT)})"
    marks = [(thresholds.MEMORY_SHARE, BAD)]
    return lines(about, Query(asked, "{{instance}}"), size=(12, 8), marks=marks, lowest=0)


def cache() -> Placed:
    """Return how often states are in memory."""
    about = of_metric(
        "Customers' states found in memory",
        known.CACHE_HITS,
        f"The rest is read from Redis.\n\n`hits` / `(hits + misses)`; `{known.CACHE_MISSES.name}`:"
        f" {known.CACHE_MISSES.help}",
        PERCENT,
    )
    hits, misses = (f"rate({own(metric)}[$__rate_interval])" for metric in (known.CACHE_HITS, known.CACHE_MISSES))
    asked = f"sum by (instance) ({hits}) / (sum by (instance) ({hits} + {misses}) > 0)"
    return lines(about, Query(asked, "{{instance}}"), size=(12, 8), lowest=0, highest=1)


def cells() -> Placed:
    """Return what workers hold in memory."""
    about = of_metric(
        "Held in memory",
        known.CELLS,
        f"`{known.CACHED_CUSTOMERS.name}`: {known.CACHED_CUSTOMERS.help}",
        COUNT,
    )
    asked = [
        Query(f"sum by (instance) ({own(known.CELLS)})", "cells, {{instance}}"),
        Query(f"sum by (instance) ({own(known.CACHED_CUSTOMERS)})", "customers, {{instance}}"),
    ]
    return lines(about, *asked, size=(12, 8), lowest=0)


def segment_values() -> Placed:
    """Return how many values dimensions have."""
    over = known.SEGMENT_VALUES_OVER_LIMIT
    about = of_metric(
        "Values of dimensions",
        known.SEGMENT_VALUES,
        f"`{over.name}`: {over.help}",
        COUNT,
        runbooks=("SegmentValuesOverLimit",),
    )
    asked = [
        Query(f"max by (dimension) ({own(known.SEGMENT_VALUES)})", "{{dimension}}"),
        Query(f"max by (dimension) ({own(over)}) > 0", "{{dimension}}, over the limit", colour=BAD),
    ]
    return lines(about, *asked, size=(12, 8), lowest=0)


def exposition() -> Placed:
    """Return what making the numbers takes."""
    about = of_metric(
        "What making the numbers takes",
        known.EXPOSITION_SECONDS,
        f"`{known.SCAN_CPU.name}`: {known.SCAN_CPU.help}",
        SECONDS,
    )
    asked = [
        Query(f"max by (instance) ({own(known.EXPOSITION_SECONDS)})", "making the KPIs, {{instance}}"),
        Query(f"max by (instance) ({own(known.SCAN_CPU)})", "look at all customers, {{instance}}"),
    ]
    return lines(about, *asked, size=(12, 8), lowest=0)


def rebalances() -> Placed:
    """Return how often partitions moved."""
    meaning = "Each one withholds KPIs for a moment; an estimate from counters."
    about = of_metric("Rebalances of the last hour", known.REBALANCES, meaning, COUNT)
    asked = f"round(sum by (instance) (increase({own(known.REBALANCES)}[1h])))"
    return lines(about, Query(asked, "{{instance}}"), size=(12, 8), lowest=0)


def _quantiles(histogram: Instrument) -> list[Query]:
    asked = f"sum by (le) (rate({histogram.name}_bucket{{{queries.JOB}}}[$__rate_interval]))"
    return [Query(f"histogram_quantile({share}, {asked})", f"{name} are faster") for share, name in QUANTILES.items()]
