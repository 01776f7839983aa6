"""A scrape shows all that is committed, no more, and counters of the same instant; it never waits for long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from prometheus_client.parser import text_string_to_metric_families

from schemas.catalogue.counts import COUNTS
from schemas.decoding import rules
from schemas.documents.document import plain
from schemas.instants import milliseconds
from streams.clock import ManualClock
from streams.embedded.log import Log as EmbeddedLog
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.metrics.server import MetricsServer
from streams.records import TP
from streams.settings.settings import Settings
from tenure.stored.reading import report_of
from tenure.worker import exporter as exporting
from tenure.worker.composition import build_worker
from tenure.worker.exporter import Exporter
from tests.property.cases import Case as NastyLog
from tests.property.cases import bounded, cases
from tests.recount.short_events import signup
from tests.reports import counts_in
from tests.settings import settings_of

PARTITIONS = 2
HOUR_MS = 3_600_000
NOW_MS = milliseconds(datetime(2026, 2, 1, tzinfo=UTC))
#: by metric, window, dimension and value
Gauges = dict[tuple[str, str, str, str], int]


class Scraped:
    """A worker on the embedded log, what it shows, and what its tables hold at the same instant."""

    def __init__(self, settings: Settings, log: EmbeddedLog, clock: ManualClock) -> None:
        self.settings, self.log, self.clock, self.tables = settings, log, clock, MemoryTables()
        self.worker = build_worker(
            settings, broker="embedded://scraped", tables=self.tables, partitions=PARTITIONS, latest_ms=rules.LATEST_MS
        )
        self.exporter = Exporter(self.worker, settings, clock, MetricsServer(self._nothing, lambda: None))

    async def _nothing(self) -> bytes:
        return b""

    def produce(self, values: list[bytes]) -> None:
        """Append records; some lie on another partition than their customer's."""
        for value in values:
            self.log.append(self.settings.topics["events"], None, value, timestamp_ms=0)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until the worker has come so far."""
        async with asyncio.timeout(60):
            while not true():
                await asyncio.sleep(0.001)

    def is_applied(self) -> bool:
        """Return whether everything is counted."""
        partitions = self.worker.stream.partitions.values()
        owned = len(partitions) == PARTITIONS and not any(partition.recovering for partition in partitions)
        return owned and not self.worker.lag_records()

    async def scrape(self) -> Mapping[str, list[Any]]:
        """Return the samples of /metrics by name."""
        text = (await self.exporter.exposition()).decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        found: dict[str, list[Any]] = {}
        for family in families.values():
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample)
        return found

    async def reported(self) -> Gauges:
        """Return what `tenure kpi` would say of the tables, as of the end of the running bucket."""
        bucket_ms = self.settings.bucket_minutes * 60_000
        at_ms = (self.clock.now_ms() // bucket_ms + 1) * bucket_ms
        by = self.worker.context.new_names().dimensions
        (report,) = plain(await report_of(self.settings, self.tables, partitions=PARTITIONS, at_ms=[at_ms], by=by))
        return counts_in(report, by)

    def handled(self) -> int:
        """Return how many events were applied, duplicates included (count)."""
        heads = [partition.head for partition in self.worker.stream.partitions.values()]
        return sum(head.applied + head.duplicates for head in heads)


@asynccontextmanager
async def scraped(settings: Settings, *, now_ms: int) -> AsyncIterator[Scraped]:
    """A worker that runs; its exporter does only what a test asks of it."""
    log, clock = EmbeddedLog(PARTITIONS), ManualClock(now_ms)
    CLUSTERS["scraped"] = Cluster(log, now_ms=clock.now_ms)
    for topic in settings.input_topics:
        log.create_topic(topic)
    found = Scraped(settings, log, clock)
    await found.worker.app.start()
    try:
        await found.until(found.is_applied)
        yield found
    finally:
        await found.exporter.stop()
        await found.worker.app.stop()
        await found.worker.stream.close()
        del CLUSTERS["scraped"]


def gauges_of(samples: Mapping[str, list[Any]]) -> Gauges:
    """Return the counts of a scrape; values that are not shown are one, `other`."""
    metrics = {count.metric for count in COUNTS}
    return {
        (name, sample.labels.get("window", ""), sample.labels["dimension"], sample.labels["value"]): int(sample.value)
        for name, found in samples.items()
        if name in metrics
        for sample in found
    }


def added_up(reported: Gauges, shown: Gauges) -> Gauges:
    """Return the numbers of a report in the cells of a scrape: values that it does not show, as `other`."""
    sums = dict.fromkeys(shown, 0)
    for (metric, window, dimension, value), amount in reported.items():
        key = (metric, window, dimension, value)
        sums[key if key in shown else (metric, window, dimension, "other")] += amount
    return sums


def total(samples: Mapping[str, list[Any]], name: str) -> int:
    """Return the sum of the samples of a name."""
    return sum(int(sample.value) for sample in samples.get(name, []))


@bounded(8)
@given(cases("everything", "lifecycles", most_events=120))
def test_every_scrape_shows_what_is_committed(case: NastyLog) -> None:
    """Whoever looks between two scrapes at the tables must never find another number than at the scrape."""
    asyncio.run(_scrape_again_and_again(case))


async def _scrape_again_and_again(case: NastyLog) -> None:
    log, random = case.log(), case.random("scrapes")
    left = list(log.records)
    start_ms = min(map(milliseconds, log.at)) - 2 * HOUR_MS
    async with scraped(settings_of(log.options, group="scraped", batch_max_records=20), now_ms=start_ms) as worker:
        for _ in range(6):
            size = random.randint(0, len(left))
            worker.produce(left[:size])
            del left[:size]
            for _ in range(random.choice((0, 3, 30, 300))):
                await asyncio.sleep(0)  # a scrape may come in the middle of a commit
            worker.clock.advance_ms(random.choice((0, 1, HOUR_MS, 26 * HOUR_MS, 400 * HOUR_MS)))
            if random.random() < 0.3:
                worker.worker.live.show(_some_values(random))
            await _check(worker)
        worker.produce(left)
        await worker.until(worker.is_applied)
        await _check(worker)


def _some_values(random: Random) -> dict[str, list[str]]:
    return {"plan": ["basic", "pro"], "country": random.sample(["DE", "US", "none"], 2), "channel": []}


async def _check(worker: Scraped) -> None:
    """Compare a scrape with the tables; neither gives others a turn, so that both are of one instant."""
    samples = await worker.scrape()
    shown, reported = gauges_of(samples), await worker.reported()
    assert shown == added_up(reported, shown)
    assert total(samples, "tenure_identities_violated") == 0
    counters = total(samples, "tenure_events_applied_total")
    assert counters == worker.handled()
    assert total(samples, "tenure_partition_counted") == PARTITIONS


async def test_counts_are_made_once_where_nothing_has_changed() -> None:
    """Two scrapers that come in the same instant cost as much as one."""
    async with scraped(Settings(group="scraped"), now_ms=NOW_MS) as worker:
        first, second = await asyncio.gather(worker.exporter.snapshot(), worker.exporter.snapshot())
        assert first is second
        worker.produce([json.dumps(signup("c1", "2026-01-01", mrr_minor=1900)).encode()])
        await worker.until(lambda: worker.handled() == 1 and worker.is_applied())
        assert await worker.exporter.snapshot() is not first


async def test_a_scrape_does_not_wait_for_sums_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus gives up after ten seconds; what was shown last says as of when it is."""
    async with scraped(Settings(group="scraped"), now_ms=NOW_MS) as worker:
        before = total(await worker.scrape(), "tenure_kpis_as_of_timestamp_seconds")
        live, patience, stopped = worker.worker.live, exporting._PATIENCE_SECONDS, True

        def slow(boundary: int) -> Generator[None, None, None]:
            while stopped:
                yield
            yield from type(live).sum_anew(live, boundary)

        monkeypatch.setattr(live, "sum_anew", slow)
        monkeypatch.setattr(exporting, "_PATIENCE_SECONDS", 0.0)
        worker.clock.advance_ms(HOUR_MS)
        assert total(await worker.scrape(), "tenure_kpis_as_of_timestamp_seconds") == before
        stopped = False
        monkeypatch.setattr(exporting, "_PATIENCE_SECONDS", patience)
        # The scrape before did not wait, and yet the sums that it had begun are those of this one.
        monkeypatch.delattr(live, "sum_anew")
        assert total(await worker.scrape(), "tenure_kpis_as_of_timestamp_seconds") == before + HOUR_MS // 1000


async def test_a_clock_that_runs_fast_holds_up_no_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's goes through hours faster than their sums are made."""
    async with scraped(Settings(group="scraped"), now_ms=NOW_MS) as worker:
        live = worker.worker.live

        def slow(boundary: int) -> Generator[None, None, None]:
            worker.clock.advance_ms(HOUR_MS)
            return type(live).sum_anew(live, boundary)

        monkeypatch.setattr(live, "sum_anew", slow)
        as_of_seconds = total(await worker.scrape(), "tenure_kpis_as_of_timestamp_seconds")
        assert NOW_MS < 1000 * as_of_seconds <= worker.clock.now_ms()


async def test_a_fault_withholds_counts_until_they_can_be_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of before would look like those of now."""
    async with scraped(Settings(group="scraped"), now_ms=NOW_MS) as worker:
        assert total(await worker.scrape(), "tenure_partition_counted") == PARTITIONS
        with monkeypatch.context() as broken:
            broken.setattr(worker.worker.live, "snapshot", lambda: 1 / 0)
            samples = await worker.scrape()
        assert "tenure_customers_active" not in samples
        assert total(samples, "tenure_partition_counted") == 0
        assert "tenure_customers_active" in await worker.scrape()


async def test_a_scrape_waits_for_what_it_has_made_the_worker_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between two fetches makes a worker cheap, and no number late."""
    async with scraped(Settings(group="scraped"), now_ms=NOW_MS) as worker:
        topic, consumer = worker.settings.topics["events"], worker.worker.app.batch_consumer

        async def hurry() -> dict[TP, int]:
            for customer in (f"c{n}" for n in range(50)):
                value = json.dumps(signup(customer, "2026-01-01", mrr_minor=1900)).encode()
                worker.log.append(topic, customer.encode(), value, timestamp_ms=NOW_MS)
            return {TP(topic, number): worker.log.partition(TP(topic, number)).end for number in range(PARTITIONS)}

        monkeypatch.setattr(exporting, "_HURRY_SECONDS", 30.0)
        monkeypatch.setattr(consumer, "hurry", hurry)
        assert total(await worker.scrape(), "tenure_events_applied_total") == 50


async def test_a_scrape_waits_no_longer_for_what_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Redis is away, the worker's own metrics say so; they must be read."""
    async with scraped(Settings(group="scraped"), now_ms=NOW_MS) as worker:

        async def hurry() -> dict[TP, int]:
            return {TP(worker.settings.topics["events"], 0): 1}

        monkeypatch.setattr(exporting, "_HURRY_SECONDS", 0.0)
        monkeypatch.setattr(worker.worker.app.batch_consumer, "hurry", hurry)
        assert total(await worker.scrape(), "tenure_partition_counted") == PARTITIONS
