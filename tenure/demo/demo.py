"""`tenure demo`: the live stream on an embedded log and an embedded Redis, fed by a company that does not exist.

Nothing is faked but the company: the agents, the fold, the commits to Redis and /metrics are those of `tenure worker`.
"""

from __future__ import annotations

import asyncio
import shlex
import statistics
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

from kpis.counting.report import entry_of
from kpis.counting.rolling import ALL, Snapshot
from kpis.instants import instant_of, instant_text
from schemas.documents.report import Events, Report, Segment
from streams.clock import ManualClock
from streams.embedded.log import Log
from streams.embedded.redis import EmbeddedRedis
from streams.embedded.transport import CLUSTERS, Cluster
from streams.logs import configure_logs
from streams.metrics.server import MetricsServer
from streams.partition.result import BatchResult
from streams.redis.tables import RedisTables, connect
from streams.routing import Router
from streams.settings.settings import Settings
from streams.tasks import to_its_end
from tenure.demo.company.company import Arrival, Company
from tenure.demo.company.market import ACQUISITION_COSTS
from tenure.demo.notices import Notices
from tenure.demo.screen.screen import DemoScreen
from tenure.demo.screen.view import DemoView, Health
from tenure.files.replay import records_left, until_applied
from tenure.stored.mark import claim_tables
from tenure.stored.reading import events_of
from tenure.worker.composition import Worker, build_worker
from tenure.worker.exporter import Exporter

_CLUSTER: Final = "demo"
_PARTITIONS: Final = 4
_RETAINED_RECORDS: Final = 50_000
_TICK_SECONDS: Final = 0.05
_SHOW_SECONDS: Final = 0.5
_HISTORY_DAYS: Final = 400
_PRICE_RISES: Final = (-150, 5, 180, 550)
_AHEAD: Final = 20_000
_POPULATION_PAUSE_SECONDS: Final = 2.0
#: What the company's signups say of customers, beside what every signup may.
DIMENSIONS: Final = ("industry", "company_size")
#: What to say in the end: the commands read a running stream, and most of them a file.
_FAREWELL: Final = """\
More: `tenure company --days 90 > company.ndjson` writes such a company's events, and these look into them:
  tenure cohorts --file company.ndjson     who stays, by month of signup
  tenure lifetime --file company.ndjson    how long customers stay
  tenure reasons --file company.ndjson     why they leave, and what they answer
  tenure features --file company.ndjson    what they use
  tenure lenses --file company.ndjson      churn by four definitions, and who makes the difference
  tenure explain churn --file company.ndjson    which customers make up a number
Without --file they read your own stream."""
#: When the company goes live: fixed, so that the same seed is the same demo on every day.
START: Final = datetime(2026, 1, 5, tzinfo=UTC)


async def run(settings: Settings, screen: DemoScreen, *, seconds: float | None, seed: int, speed: float) -> None:
    """Run the demo until it is cancelled, or for some seconds.

    Args:
        settings: Of the stream; Kafka's and Redis' addresses do not matter.
        screen: Where the numbers are shown.
        seconds: How long to go on after history is loaded; None until cancelled.
        seed: Decides all about the company.
        speed: Simulated seconds a second.

    Raises:
        ConfigurationError: /metrics cannot listen, or there is no Redis to embed.
    """
    configure_logs(settings.model_copy(update={"log_level": "error"}))
    company = {
        "dimensions": settings.dimensions or DIMENSIONS,
        "acquisition_costs": settings.acquisition_costs or ACQUISITION_COSTS,
    }
    settings = settings.model_copy(update=company)
    async with AsyncExitStack() as stack:
        redis = EmbeddedRedis()
        stack.callback(redis.stop)
        await redis.start()
        tables = RedisTables(await connect(redis.url), prefix=settings.redis_prefix)
        stack.push_async_callback(tables.close)
        mark = await claim_tables(settings, tables, partitions=_PARTITIONS)
        clock = ManualClock(int(START.timestamp() * 1000))
        log = Log(_PARTITIONS, retained_records=_RETAINED_RECORDS)
        CLUSTERS[_CLUSTER] = Cluster(log, now_ms=clock.now_ms)
        stack.callback(CLUSTERS.pop, _CLUSTER)
        worker = build_worker(
            settings,
            broker=f"embedded://{_CLUSTER}",
            tables=tables,
            partitions=_PARTITIONS,
            stream_id=mark.id,
        )
        settings = settings.model_copy(update={"metrics_refresh_seconds": _SHOW_SECONDS})

        async def starting() -> bytes:
            return worker.meters.exposition()

        server = MetricsServer(starting, lambda: "starting")
        demo = Demo(settings, screen, worker, log, clock, server, seed=seed, speed=speed)
        stack.push_async_callback(worker.stream.close)
        await server.start(settings.metrics_host, settings.metrics_port)
        stack.push_async_callback(server.stop)
        await demo.exporter.start()
        stack.push_async_callback(demo.exporter.stop)
        await worker.app.start()
        stack.push_async_callback(to_its_end, worker.app.stop)
        stack.callback(screen.say, _FAREWELL)
        stack.enter_context(screen)
        await demo.load_history()
        screen.say(invitation(redis.url, settings, instant_of(clock.now_ms())))
        await demo.live(seconds)


def invitation(redis_url: str, settings: Settings, now: datetime) -> str:
    """Return how to ask for more while the demo runs; its time is not that of the machine, so `--at` is needed.

    Each line of a command is one that can be pasted into a shell.
    """
    variables = {"TENURE_REDIS_URL": redis_url, "TENURE_DIMENSIONS": ",".join(settings.dimensions)}
    exports = "".join(f"  export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    more = "So do lifetime, reasons, features, lenses, explain churn, and kpi --by industry."
    return f"For other terminals meanwhile:\n{exports}  tenure cohorts --at {now:%Y-%m-%d}\n{more}"


class Demo:
    """The company's events into the log as simulated time goes on, and the numbers onto the screen."""

    def __init__(
        self,
        settings: Settings,
        screen: DemoScreen,
        worker: Worker,
        log: Log,
        clock: ManualClock,
        server: MetricsServer,
        *,
        seed: int,
        speed: float,
    ) -> None:
        self.exporter = Exporter(worker, settings, clock, server, population_pause_seconds=_POPULATION_PAUSE_SECONDS)
        self._settings = settings
        self._screen = screen
        self._worker = worker
        self._log = log
        self._clock = clock
        self._speed = speed
        self._notices = Notices()
        self._router = Router(settings)
        self._commit_seconds: deque[float] = deque(maxlen=200)
        self._late = 0
        company = Company(seed, START, history_days=_HISTORY_DAYS, price_rises=_PRICE_RISES)
        self._arrivals = company.events()
        self._next = next(self._arrivals)
        self._rises = [START + timedelta(days=days) for days in _PRICE_RISES]
        worker.stream.on_applied = self._note_commit

    def _note_commit(self, result: BatchResult) -> None:
        self._commit_seconds.append(result.commit_seconds)
        self._late += result.late

    # -- feeding

    def _due(self, until_ms: int) -> Iterator[Arrival]:
        while self._next.arrived_at_ms < until_ms:
            yield self._next
            self._next = next(self._arrivals)

    def _append(self, arrival: Arrival) -> None:
        topic = self._router.route(arrival.value).topic
        self._log.append(topic, arrival.key, arrival.value, timestamp_ms=arrival.arrived_at_ms)

    async def load_history(self) -> None:
        """Feed what happened before the company goes live, as fast as it is applied."""
        start_ms = self._clock.now_ms()
        began, count = time.monotonic(), 0
        self._screen.say(f"Loading {_HISTORY_DAYS} days of history …")
        for arrival in self._due(start_ms):
            self._append(arrival)
            count += 1
            if count % 2_000 == 0:
                await asyncio.sleep(0)
                while await records_left(self._worker, self._log) > _AHEAD:
                    await asyncio.sleep(_TICK_SECONDS)
        await until_applied(self._worker, self._log)
        self._screen.say(f"{count:,} events applied in {time.monotonic() - began:.1f} s.")

    async def live(self, seconds: float | None) -> None:
        """Let simulated time pass, and show what it does to the numbers."""
        began = time.monotonic()
        start_ms = self._clock.now_ms()
        shown_at, shown_applied = began, self._applied()
        while True:
            now = time.monotonic()
            if seconds is not None and now - began >= seconds:
                return
            now_ms = start_ms + int((now - began) * self._speed * 1000)
            for arrival in self._due(now_ms):
                self._append(arrival)
            self._clock.move_to_ms(now_ms)
            self._tell_price_rises()
            if now - shown_at >= _SHOW_SECONDS:
                applied = self._applied()
                await self._show((applied - shown_applied) / (now - shown_at))
                shown_at, shown_applied = now, applied
            await asyncio.sleep(_TICK_SECONDS)

    def _tell_price_rises(self) -> None:
        now = instant_of(self._clock.now_ms())
        while self._rises and self._rises[0] <= now:
            rise = self._rises.pop(0)
            if rise >= START:
                self._notices.tell(rise, "prices rise by 15 % for everybody", warning=True)

    # -- showing

    def _applied(self) -> int:
        return sum(partition.head.applied for partition in self._worker.stream.partitions.values())

    async def _show(self, events_per_second: float) -> None:
        snapshot = await self.exporter.snapshot()
        heads = [partition.head for partition in self._worker.stream.partitions.values()]
        events = events_of(heads, self._settings.dimensions)
        report = report_of_snapshot(snapshot, self._worker.context.windows.bucket_ms, events)
        now = instant_of(self._clock.now_ms())
        self._notices.look_at(now, report.windows)
        server = self.exporter.server
        self._screen.show(
            DemoView(
                report=report,
                simulated_now=now,
                speed=self._speed,
                events_per_second=events_per_second,
                metrics_url=f"http://{self._settings.metrics_host}:{server.port}/metrics",
                health=self._health(snapshot, events),
                notices=list(self._notices.recent),
                population=self.exporter.population,
            )
        )

    def _health(self, snapshot: Snapshot, events: Events) -> Health:
        return Health(
            applied=events.applied,
            duplicates=events.duplicate,
            late=self._late,
            dead_letters={reason: count for reason, count in events.dead_letters.items() if count},
            commit_ms=statistics.median(self._commit_seconds) * 1000 if self._commit_seconds else None,
            lag_records=self._worker.lag_records(),
            identities_violated=len(snapshot.violations),
            partitions=len(self._worker.stream.partitions),
        )


def report_of_snapshot(snapshot: Snapshot, bucket_ms: int, events: Events) -> Report:
    """Return a snapshot in the shape of `kpi --json`, by all dimensions that the screen tells of.

    Segments have the windows that are exported for them.
    """
    everyone = snapshot.blocks[ALL]
    segments: dict[str, dict[str, Segment]] = {}
    for dimension in ("plan", *DIMENSIONS):
        if dimension in snapshot.blocks:
            block = snapshot.blocks[dimension]
            entries = {
                value: entry_of(block.stock, block.windows, n, is_segment=True) for n, value in enumerate(block.values)
            }
            segments[dimension] = {
                value: entry for value, entry in entries.items() if any(entry.totals.counts().values())
            }
    whole = entry_of(everyone.stock, everyone.windows, 0, is_segment=False)
    return Report(
        as_of=instant_text(snapshot.boundary * bucket_ms),
        totals=whole.totals,
        windows=whole.windows,
        segments=segments,
        events=events,
    )
