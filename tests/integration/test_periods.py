"""`tenure kpi --period` and `tenure periods` on a real Redis: exact as of their end, every late event on record."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import subprocess
from collections.abc import Sequence
from random import Random
from typing import Any

from kpis.counting.periods import counts_in
from schemas.documents.document import read
from schemas.documents.report import Report
from schemas.instants import milliseconds
from services.installation import TENURE
from services.redis import Redis
from streams.embedded.log import Log
from streams.embedded.transport import CLUSTERS, Cluster
from streams.redis.tables import RedisTables, connect
from streams.routing import Router
from streams.settings.settings import Settings
from tenure.files.replay import until_applied
from tenure.stored.mark import claim_tables
from tenure.worker.composition import build_worker
from tests.logs.logs import generate
from tests.logs.shapes import Shape
from tests.property.cases import differences
from tests.recount.options import Options
from tests.recount.report import period_bounds, recount_period

PARTITIONS = 3
BERLIN = "Europe/Berlin"
DAY_MS = 86_400_000
Arrivals = Sequence[tuple[int, bytes]]


def arrivals_of(records: Sequence[bytes], random: Random) -> Arrivals:
    """Return records with the instants at which they reach the log: many on time, some late by days or months."""
    arrived = []
    for record in records:
        sent = dt.datetime.fromisoformat(json.loads(record)["time"])
        delay_ms = random.choice((0, 0, 0, 1_000, 3 * DAY_MS, 40 * DAY_MS))
        arrived.append((milliseconds(sent) + delay_ms, record))
    return sorted(arrived)


async def fill(settings: Settings, arrivals: Arrivals) -> None:
    """Have a worker count records into Redis, by way of the embedded log."""
    log, router = Log(PARTITIONS), Router(settings)
    tables = RedisTables(await connect(settings.redis_url.get_secret_value()), prefix="tenure")
    CLUSTERS["periods"] = Cluster(log, now_ms=lambda: 0)
    await claim_tables(settings, tables, partitions=PARTITIONS)
    worker = build_worker(settings, broker="embedded://periods", tables=tables, partitions=PARTITIONS)
    await worker.app.start()
    try:
        for at_ms, value in arrivals:
            route = router.route(value)
            log.append(route.topic, route.key, value, timestamp_ms=at_ms, headers=route.headers)
        await until_applied(worker, log)
    finally:
        await worker.app.stop()
        del CLUSTERS["periods"]
        await tables.close()


def tenure(redis: Redis, *arguments: str) -> Any:
    """Return what a command prints as JSON."""
    environment = {"TENURE_REDIS_URL": redis.url, "TENURE_BUSINESS_TIME_ZONE": BERLIN}
    done = subprocess.run([TENURE, *arguments, "--json"], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_periods_of_a_running_stream_are_exact_and_remember_what_they_were(redis_server: Redis) -> None:
    """October was told on the first of November; what it is now, and why, must be one command away."""
    shape = Shape(
        events=400, customers=40, spans_hours=(300 * 24,), zones=((BERLIN, 60),), currencies=False, dimensions=False,
        submilliseconds=False, odd_times=False, bad_records=False, tests=False, conflicts=False, future_facts=False,
        settings=False,
    )  # fmt: skip
    log = generate(Random(9), shape)
    ends = log.at[0]
    arrivals = arrivals_of(log.records, Random(8))
    settings = Settings(redis_url=redis_server.url, business_time_zone=BERLIN)
    asyncio.run(fill(settings, arrivals))
    options = Options(business_time_zone=BERLIN)
    periods = [f"{ends - dt.timedelta(days=back):{form}}" for back in (20, 60, 100) for form in ("%Y-%m", "%Y")]
    periods = list(dict.fromkeys(periods))
    found = tenure(redis_server, "kpi", *(word for name in periods for word in ("--period", name)), "--by", "plan")
    revisions = {}
    for name, entry in zip(periods, found, strict=True):
        _, end = period_bounds(name, options)
        now = recount_period([record for _, record in arrivals], name, options, ["plan"])
        assert differences({**entry, "events": now["events"]}, {**entry, **now}, name) == []
        then = recount_period([r for at_ms, r in arrivals if at_ms < milliseconds(end)], name, options)
        (window,) = entry["windows"]
        at_end = {count: pair["at_end"] for count, pair in entry["restated"].items()}
        ours, theirs = (read(Report, found) for found in (entry, then))
        assert counts_in(ours, window) | at_end == counts_in(theirs, window)
        assert entry["revision"] == len(entry["restatements"])
        revisions[name] = entry["revision"]
    assert [name for name in periods if not revisions[name]] == [f"{ends:%Y}"]  # it was not over for any record
    listed = tenure(redis_server, "periods", "--limit", "5")
    assert len(listed["restatements"]) == 5
    restated = {row["period"]: row["revision"] for row in listed["periods"]}
    assert {name: restated.get(name, 0) for name in periods} == revisions
