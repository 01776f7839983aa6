"""Cohorts and lifetimes of a running stream, out of a real Redis, are those of the file that was fed to it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr

from schemas.decoding import rules
from services.redis import Redis
from streams.embedded.log import Log
from streams.embedded.transport import CLUSTERS, Cluster
from streams.errors import UsageError
from streams.redis.tables import RedisTables, connect
from streams.settings.settings import Settings
from tenure.files.reader import EventFile
from tenure.files.replay import feed, until_applied
from tenure.reports.cohorts import read_cohorts
from tenure.reports.customers import Scope
from tenure.reports.instants import parse_boundary_ms
from tenure.reports.lifetime import read_lifetime
from tenure.stored.mark import claim_tables
from tenure.worker.composition import build_worker
from tests.recount.short_events import cancel, signup

PARTITIONS = 5


async def stream_into_redis(file: str, settings: Settings) -> None:
    """Feed a file to a worker on an embedded log whose tables are in the settings' Redis."""
    tables = RedisTables(await connect(settings.redis_url.get_secret_value()), prefix=settings.redis_prefix)
    await claim_tables(settings, tables, partitions=PARTITIONS)
    log = Log(PARTITIONS)
    CLUSTERS["scanned"] = Cluster(log, now_ms=lambda: 0)
    worker = build_worker(
        settings, broker="embedded://scanned", tables=tables, partitions=PARTITIONS, latest_ms=rules.LATEST_MS
    )
    await worker.app.start()
    try:
        await feed(log, worker, EventFile(file).records(), settings)
        await until_applied(worker, log)
    finally:
        await worker.app.stop()
        del CLUSTERS["scanned"]
        await tables.close()


def some_months(random: Random) -> str:
    """Return a year of signups and cancels as NDJSON."""
    events = []
    for n in range(400):
        month, day = random.randint(1, 12), random.randint(1, 28)
        customer, plan, country = f"kunde:{n} é", random.choice("abc"), random.choice(("DE", "FR"))
        events.append(signup(customer, f"2025-{month:02}-{day:02}", plan, country=country))
        if random.random() < 0.5:
            events.append(cancel(customer, f"2026-{random.randint(1, 3):02}-{day:02}"))
    random.shuffle(events)
    return "".join(json.dumps(event) + "\n" for event in events)


async def test_a_running_stream_has_the_cohorts_and_lifetimes_of_its_events(
    redis_server: Redis, tmp_path: Path
) -> None:
    """Partitions and keys of a real Redis lie between; what comes out may not depend on them."""
    file = tmp_path / "events.ndjson"
    file.write_text(some_months(Random(20_260_401)), encoding="utf-8")
    settings = Settings(redis_url=SecretStr(redis_server.url), business_time_zone="Europe/Berlin")
    await stream_into_redis(str(file), settings)
    at_ms = parse_boundary_ms("2026-04-01", bucket_minutes=60, time_zone="Europe/Berlin")
    stream = Scope(at_ms, ("plan", "country"))
    replay = stream._replace(file=str(file))
    live = await read_cohorts(settings, stream, period="month")
    assert live.all.size == 400
    assert live == await read_cohorts(settings, replay, period="month")
    curve = await read_lifetime(settings, stream)
    assert 100 < curve.all.deaths < 300
    assert curve == await read_lifetime(settings, replay)


async def test_a_redis_without_a_stream_is_refused_in_words(redis_server: Redis) -> None:
    """An empty table would say that there are no customers."""
    with pytest.raises(UsageError, match="no stream has written"):
        await read_lifetime(Settings(redis_url=SecretStr(redis_server.url)), Scope())
