"""`tenure history` into a real Prometheus, which then answers for last year as `tenure kpi --at` does."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.catalogue.counts import FACTS_WITHOUT_EFFECT
from schemas.catalogue.ratios import RATIOS, has_windows
from schemas.documents.document import plain
from schemas.instants import milliseconds
from services.installation import TENURE
from services.prometheus import Prometheus
from services.redis import Redis
from streams.embedded.log import Log
from streams.embedded.transport import CLUSTERS, Cluster
from streams.redis.tables import RedisTables, connect
from streams.settings.settings import Settings
from streams.top_values import elect_top_values
from tenure.files.replay import feed, until_applied
from tenure.files.tables import FileRecord
from tenure.reports.kpi import read_report
from tenure.stored.mark import claim_tables
from tenure.worker.composition import build_worker
from tests.integration.test_metrics import recent_events
from tests.reports import counts_in, segments_in

PARTITIONS = 4
NEW_YORK = ZoneInfo("America/New_York")
BY = ("plan", "country")
Samples = dict[tuple[str, str, str, str], float]


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that was not started yet."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    server = Prometheus(folder)
    yield server
    server.process.kill()


async def fill(settings: Settings, records: list[bytes]) -> None:
    """Have a worker count records into Redis, by way of the embedded log."""
    log, tables = Log(PARTITIONS), RedisTables(await connect(settings.redis_url.get_secret_value()), prefix="tenure")
    CLUSTERS["history"] = Cluster(log, now_ms=lambda: 0)
    await claim_tables(settings, tables, partitions=PARTITIONS)
    latest_ms = milliseconds(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
    worker = build_worker(
        settings, broker="embedded://history", tables=tables, partitions=PARTITIONS, latest_ms=latest_ms
    )
    await worker.app.start()
    try:
        await feed(log, worker, [FileRecord(n, value) for n, value in enumerate(records, 1)], settings)
        await until_applied(worker, log)
        await elect_top_values(worker.stream, limit=settings.segment_values_shown)
    finally:
        await worker.app.stop()
        del CLUSTERS["history"]
        await tables.close()


def test_prometheus_answers_for_last_year_as_the_report_does(redis_server: Redis, prometheus: Prometheus) -> None:
    """On its first day a dashboard shows the year that the events tell of, and no other one."""
    settings = Settings(redis_url=redis_server.url, business_time_zone=NEW_YORK.key)
    asyncio.run(fill(settings, recent_events()))
    file = prometheus.data.parent / "history.om"
    with file.open("w", encoding="utf-8") as out:
        command = [TENURE, "history", "--job", "shop", "--instance", "here:1", *(w for d in BY for w in ("--by", d))]
        environment = {"TENURE_REDIS_URL": redis_server.url, "TENURE_BUSINESS_TIME_ZONE": NEW_YORK.key}
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    prometheus.load(file)
    prometheus.start()
    today = dt.datetime.now(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
    instants = [milliseconds(today - dt.timedelta(days=days)) for days in (2, 31, 100, 250, 325)]
    reports = plain(asyncio.run(read_report(settings, at_ms=instants, by=BY)))
    for at_ms, report in zip(instants, reports, strict=True):
        found = prometheus.query('{__name__=~"tenure_.*",__name__!="tenure_surveys"}', at_seconds=at_ms / 1000)
        assert {(labels["job"], labels["instance"]) for labels, _ in found} == {("shop", "here:1")}
        # A value that a report leaves out because nothing is counted there is a zero in Prometheus.
        counts = samples_of(found)
        assert counts == {**dict.fromkeys(counts, 0.0), **all_counts_in(report)}
        recorded = samples_of(prometheus.query('{__name__=~"segment:.*:ratio"}', at_seconds=at_ms / 1000))
        assert recorded == ratios_in(report)
        sums = samples_of(prometheus.query('{__name__=~"segment:.*:sum"}', at_seconds=at_ms / 1000))
        assert sums == {(f"segment:{name}:sum", *rest): value for (name, *rest), value in counts.items()}
    assert prometheus.query("tenure_customers_active", at_seconds=instants[0] / 1000 - 43_200) == []


def samples_of(found: list[tuple[dict[str, str], float]]) -> Samples:
    """Return samples by metric, window, dimension and value; facts without effect by kind instead of value."""
    found_by: Samples = {}
    for labels, value in found:
        of = labels.get("kind", labels.get("value", ""))
        found_by[labels["__name__"], labels.get("window", ""), labels["dimension"], of] = value
    return found_by


def all_counts_in(report: dict[str, Any]) -> Samples:
    """Return the counts of a report as samples."""
    found: Samples = counts_in(report, BY)
    for window, numbers in report["windows"].items():
        for kind, amount in numbers[FACTS_WITHOUT_EFFECT.name].items():
            found[FACTS_WITHOUT_EFFECT.metric, window, "all", kind] = amount
    return found


def ratios_in(report: dict[str, Any]) -> Samples:
    """Return the ratios of a report as samples, those that there are."""
    found: dict[tuple[str, str, str, str], float | None] = {}
    for dimension, value, numbers, windows in segments_in(report, BY):
        for ratio in RATIOS:
            name = f"segment:{ratio.name}:ratio"
            if ratio.kind == "stock":
                found[name, "", dimension, value] = numbers["totals"][ratio.name]
                continue
            for window in windows:
                ratios: Any = numbers["windows"][window]["ratios"]
                for step in ratio.path:
                    ratios = ratios[step]
                found[name, window if has_windows(ratio) else "", dimension, value] = ratios
    return {key: value for key, value in found.items() if value is not None}
