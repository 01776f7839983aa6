"""`python -m bench.outlets`: what exports, SQL and filters cost with many customers.

An invented company in a Redis of its own, filled by the agents on the embedded log. Times are those of this process
and of Redis, in CPU-seconds and by the clock. Its figures: docs/decisions, 0030 and 0031.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import random
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from bench.embedded import EmbeddedStream, embedded_stream
from kpis.filters import parse_filter
from kpis.population.cohorts import MONTH
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.instants import DAY_MS
from streams.settings.settings import Settings
from tenure.files.reader import FileRecord
from tenure.outlets.export import export
from tenure.outlets.parquet import ParquetTarget
from tenure.outlets.sql import answer_sql, checked_sql
from tenure.reports.cohorts import read_cohorts
from tenure.reports.customers import Scope, stretch_passes
from tenure.reports.drivers import read_drivers
from tenure.reports.experiments import read_experiments
from tenure.reports.explain import ExplainQuery, read_explanation
from tenure.reports.feedback import read_feedback
from tenure.reports.filtered import CombinedScans, filtered_report_of
from tenure.reports.kept import KeptScans
from tenure.reports.lifetime import read_lifetime
from tenure.reports.reasons import read_reasons
from tenure.reports.referrals import read_referrals
from tenure.reports.risk import read_risk
from tenure.reports.support import read_support
from tenure.reports.usage import read_usage
from tenure.reports.value import read_value
from tenure.stored.mark import claim_tables
from tenure.stored.opening import running_tables

PREFIX: Final = "outlets"
_PARTITIONS: Final = 4
_PLANS: Final = ("basic", "pro", "team", "business")
_COUNTRIES: Final = ("DE", "AT", "PT", "FR", "US", "GB")
_CHANNELS: Final = ("ads", "search", "partner", "referral")
_WHERE: Final = ("plan = pro and country in (DE, AT) and not channel = ads", "country = PT or plan != basic")
_SQL: Final = "SELECT kind, count(*), sum(mrr_change) FROM movements GROUP BY ALL"
_FIRST_MS: Final = 1_735_689_600_000  # 1 January 2025
_DAYS: Final = 600


def _events(customers: int, chance: random.Random, names: str = "c") -> Iterator[bytes]:
    """Yield the events of customers: signups, of some a change, of some a cancel."""
    for number in range(customers):
        who, at = f"{names}-{number}", _FIRST_MS + int(chance.random() * _DAYS * DAY_MS)
        plan, mrr = chance.choice(_PLANS), chance.randrange(900, 20_000)
        segments = {"country": chance.choice(_COUNTRIES), "channel": chance.choice(_CHANNELS)}
        yield _event("signup", who, at, plan=plan, mrr_minor=mrr, **segments)
        if chance.random() < 0.3:
            yield _event("upgrade", who, at + 20 * DAY_MS, plan=chance.choice(_PLANS), mrr_minor=mrr + 500)
        if chance.random() < 0.25:
            yield _event("cancel", who, at + int((10 + 200 * chance.random()) * DAY_MS), reason="price")


def _further(customers: int, chance: random.Random) -> Iterator[bytes]:
    """Yield what one in five of the customers of `_events` says and does beside."""
    for number in range(0, customers, 5):
        who, at = f"c-{number}", _FIRST_MS + int(chance.random() * _DAYS * DAY_MS)
        yield _event("survey", who, at, kind="nps", score=chance.randrange(11), reason="price")
        yield _event("activity", who, at + DAY_MS, feature=chance.choice(("reports", "export")))
        yield _event("exposure", who, at, measure="offer", variant=chance.choice(("control", "annual")))
        yield _event("support", who, at, ticket=f"t-{number}", status="opened")


def _event(kind: str, who: str, at_ms: int, /, **members: object) -> bytes:
    time_of_day = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).isoformat()
    named = {"id": f"{kind}-{who}", "type": kind, "customer_id": who, "time": time_of_day}
    return json.dumps(named | members).encode()


_READERS: Final[Mapping[str, Callable[[Settings, Scope], Awaitable[Any]]]] = {
    "explain": lambda settings, scope: read_explanation(
        settings, "churn_standard", ExplainQuery(scope, "30d", limit=0)
    ),
    "feedback": lambda settings, scope: read_feedback(settings, scope, limit=10),
    "drivers": read_drivers,
    "experiments": read_experiments,
    "support": lambda settings, scope: read_support(settings, scope, window="30d"),
    "usage": read_usage,
    "value": read_value,
    "reasons": lambda settings, scope: read_reasons(settings, scope, window="30d"),
    "referrals": read_referrals,
    "risk": lambda settings, scope: read_risk(settings, scope, limit=20),
}


async def measure_reports(customers: int, seed: int, names: Sequence[str], *, once: bool) -> None:
    """Print what reports cost with so many customers, when their scans are kept; first without, where `once` is set."""
    async with embedded_stream(PREFIX, partitions=_PARTITIONS) as stream:
        settings, kept = Settings(redis_url=SecretStr(stream.url), redis_prefix=PREFIX), KeptScans()
        await claim_tables(settings, stream.tables, partitions=_PARTITIONS)
        chance, dimensions = random.Random(seed), (*BUILT_IN_DIMENSIONS, *settings.dimensions)
        events = chain(_events(customers, chance), _further(customers, chance))

        async def fill() -> None:
            async with stream.worker(settings) as worker:
                await stream.apply(worker, (FileRecord(*each) for each in enumerate(events)), settings)

        await _timed("fill", fill, stream.client)
        scopes = [Scope(_FIRST_MS + _DAYS * DAY_MS, where=parse_filter(where, dimensions)) for where in _WHERE]
        for name in names or _READERS:
            read = partial(_READERS[name], settings)
            if once:
                await _timed(f"{name}, nothing kept", partial(read, scopes[0]), stream.client)
            for number, scope in enumerate((*scopes, scopes[0])):
                what = "first" if not number else f"further: {scope.where.text if scope.where else ''}"
                await _timed(f"{name}, {what}", partial(read, scope._replace(kept=kept)), stream.client)
            print(
                f"{name}: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024:,.0f} MiB at most so far",
                flush=True,
            )


async def measure(customers: int, seed: int, *, filters_only: bool = False) -> None:
    """Print what each outlet costs, with so many customers."""
    async with embedded_stream(PREFIX, partitions=_PARTITIONS) as stream:
        await _measure_with(stream, customers, seed, filters_only=filters_only)


async def _measure_with(stream: EmbeddedStream, customers: int, seed: int, *, filters_only: bool) -> None:
    settings, client = Settings(redis_url=SecretStr(stream.url), redis_prefix=PREFIX), stream.client
    await claim_tables(settings, stream.tables, partitions=_PARTITIONS)
    chance, scans, passes = random.Random(seed), CombinedScans(), stretch_passes()
    at_ms, dimensions = _FIRST_MS + _DAYS * DAY_MS, (*BUILT_IN_DIMENSIONS, *settings.dimensions)

    async def fill(count: int, names: str) -> None:
        records = enumerate(_events(count, chance, names))
        async with stream.worker(settings) as worker:
            await stream.apply(worker, (FileRecord(number, value) for number, value in records), settings)

    async def filtered(where: str) -> None:
        async with running_tables(settings) as (found, mark):
            condition = parse_filter(where, dimensions)
            await filtered_report_of(settings, found, condition, partitions=mark.partitions, at_ms=[at_ms], scans=scans)

    async def stayed(where: str, *, curve: bool) -> None:
        scope = Scope(at_ms, where=parse_filter(where, dimensions), stretches=passes)
        await (read_lifetime(settings, scope) if curve else read_cohorts(settings, scope, period=MONTH))

    async def exported() -> None:
        summary = await export(settings, Scope(), ParquetTarget(folder, settings), kind="parquet")
        print(f"{summary.changed:,} of {summary.customers:,} customers changed")

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "out"
        await _timed("fill", partial(fill, customers, "c"), client)
        if not filters_only:
            await _timed("export, first", exported, client)
            await _timed("export, nothing changed", exported, client)
            await fill(customers // 100, "d")
            await _timed("export, 1 % new", exported, client)
            await _timed("sql", lambda: answer_sql(settings, Scope(), checked_sql(_SQL, 100)), client)
        await _timed("filter, first", partial(filtered, _WHERE[0]), client)
        for where in _WHERE:
            await _timed(f"filter, further: {where}", partial(filtered, where), client)
        await _timed("cohorts, first", partial(stayed, _WHERE[0], curve=False), client)
        for where in _WHERE:
            await _timed(f"cohorts, further: {where}", partial(stayed, where, curve=False), client)
            await _timed(f"lifetime, further: {where}", partial(stayed, where, curve=True), client)


async def _timed(name: str, run: Callable[[], Awaitable[Any]], client: Any) -> None:
    began, used, served = time.monotonic(), time.process_time(), await _served(client)
    await run()
    print(
        f"{name}: {time.process_time() - used:.2f} CPU-s, Redis {await _served(client) - served:.2f} CPU-s,"
        f" {time.monotonic() - began:.2f} s",
        flush=True,
    )


async def _served(client: Any) -> float:
    """Return what Redis has used so far (CPU-seconds)."""
    found = await client.info("cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.outlets", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--filters", action="store_true", help="filters alone")
    parser.add_argument("--reports", nargs="*", choices=_READERS, help="reports whose scans are kept; all by default")
    parser.add_argument("--once", action="store_true", help="with --reports: first with nothing kept")
    options = parser.parse_args()
    if options.reports is not None:
        asyncio.run(measure_reports(options.customers, options.seed, options.reports, once=options.once))
        return
    asyncio.run(measure(options.customers, options.seed, filters_only=options.filters))


if __name__ == "__main__":
    main()
