"""The exporter of a running worker: makes counts when /metrics is read, and looks beforehand at what takes long.

A scrape shows all that is committed: it adds what commits have changed since the last one, in one step of the loop with
everything else that it shows. Sums as of a new boundary, targets, losses and the summary of all customers are the
matter of tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from kpis.counting.rolling import Snapshot
from kpis.instants import end_of_bucket_ms
from kpis.population.summary import PopulationSummary
from streams.clock import Clock
from streams.errors import TablesUnavailable, TenureError
from streams.giving_way import giving_way
from streams.metrics.exposition import exposition_of
from streams.metrics.server import MetricsServer
from streams.partition.losses import LossStore, count_by_window
from streams.settings.settings import Settings
from streams.targets import TargetStore
from streams.tasks import cancel_and_wait
from streams.top_values import elect_top_values
from tenure.worker.composition import Worker
from tenure.worker.population import LEAST_PAUSE_SECONDS, PopulationExporter

log = structlog.get_logger(__name__)
_SHOWN_SECONDS: Final = 60.0
_FEEDS_SECONDS: Final = 5.0
_LOSSES_SECONDS: Final = 10.0
#: while there is room for values that are not shown yet
_ROOM_SECONDS: Final = 2.0
_HURRY_SECONDS: Final = 0.1
"""So long a scrape waits for records that were to be read together with later ones."""
_MOST_SUMS: Final = 2
"""So often sums are waited for: those that were under way, and those as of now."""
_PATIENCE_SECONDS: Final = 2.0
"""So long a scrape waits for sums as of a new boundary, or of new partitions; then it shows what was shown last."""


class Exporter:
    """Makes the rolling counts when they are asked for, and serves what Prometheus reads."""

    def __init__(
        self,
        worker: Worker,
        settings: Settings,
        clock: Clock,
        server: MetricsServer,
        *,
        population_pause_seconds: float = LEAST_PAUSE_SECONDS,
    ) -> None:
        """Take what is exported and where it is served.

        Args:
            worker: Whose numbers.
            settings: Of the stream.
            clock: Says which bucket is the running one.
            server: Shows them from `start` on.
            population_pause_seconds: The least pause between two looks at all customers.
        """
        self._worker = worker
        self.server = server
        self._settings = settings
        self._clock = clock
        self._counts = b""
        self._tasks: set[asyncio.Task[None]] = set()
        #: sums all partitions anew, on behalf of all who wait for it
        self._summing: asyncio.Task[None] | None = None
        self._targets = TargetStore(worker.context.tables)
        self._targets_unread = False
        self._losses = LossStore(worker.context.tables)
        self._losses_at = -_LOSSES_SECONDS
        self._population = PopulationExporter(worker, settings, clock, least_pause_seconds=population_pause_seconds)
        self._shown_at = -_SHOWN_SECONDS
        self._snapshot: Snapshot | None = None
        self._generation = -1

    async def start(self) -> None:
        """Show what there is from now on, and begin to look at what takes long."""
        self.server.show(self.exposition, self._not_ready)
        loop, refresh = asyncio.get_running_loop(), self._settings.metrics_refresh_seconds
        self._tasks = {
            loop.create_task(_again(self._prepare, refresh, failed="counts_not_prepared"), name="exporter"),
            # Beside it: a Redis that does not answer holds up targets, which rest there, and not the counts.
            loop.create_task(_again(self._look_at_stored, refresh, failed="targets_failed"), name="targets"),
            loop.create_task(_again(self.look_at_feeds, _FEEDS_SECONDS, failed="feeds_failed"), name="feeds"),
            loop.create_task(self._population.run(), name="population"),
        }

    @property
    def population(self) -> PopulationSummary | None:
        """The result of the last scan of all customers; None where there is none, or where it is not ours to show."""
        return self._population.population

    async def stop(self) -> None:
        """Stop looking."""
        await cancel_and_wait(self._tasks if self._summing is None else {*self._tasks, self._summing})

    # -- counts

    async def exposition(self) -> bytes:
        """Return what Prometheus reads: all that is committed, and counters of the same instant."""
        await self._hurry()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._sum()
            self._count()
        except TimeoutError:
            log.warning("counts_not_summed_yet", limit_seconds=_PATIENCE_SECONDS)
        except Exception:
            log.exception("counts_failed")
            self._snapshot, self._counts = None, b""
        return self._exposition()

    async def snapshot(self) -> Snapshot:
        """Return all counts as of the end of the running bucket, and of all that is committed."""
        await self._sum()
        return self._count()

    async def _hurry(self) -> None:
        """Have what waits in Kafka for more to come applied at once."""
        stream = self._worker.stream
        if not stream.partitions:
            return
        try:
            with contextlib.suppress(TimeoutError):  # what is committed is shown
                async with asyncio.timeout(_HURRY_SECONDS):
                    await stream.until_applied(await stream.consumer().hurry())
        except Exception:
            log.exception("fetch_not_hurried")

    def _boundary(self) -> int:
        end_ms = end_of_bucket_ms(self._clock.now_ms(), self._settings.bucket_minutes)
        return end_ms // self._worker.context.windows.bucket_ms

    async def _sum(self) -> None:
        """Have all partitions summed as of the end of the running bucket, but for what changes meanwhile."""
        live, sums = self._worker.live, 0
        while not live.is_summed(self._boundary()):
            if sums >= _MOST_SUMS and live.is_summed():
                return  # begun after this was asked for: the clock runs faster than sums are made
            sums += 1
            if self._summing is None or self._summing.done():
                step = giving_way(live.sum_anew(self._boundary()))
                self._summing = asyncio.get_running_loop().create_task(step, name="sums")
            # A scrape that is given up does not give up the sums: the next one needs them too.
            await asyncio.shield(self._summing)

    def _count(self) -> Snapshot:
        """Make the counts of the sums, if they have changed; nothing else has its turn between."""
        began = time.perf_counter()
        worker = self._worker
        snapshot = worker.live.snapshot()
        self._generation = worker.stream.generation
        if snapshot is self._snapshot:
            return snapshot
        self._counts = exposition_of(snapshot)
        self._snapshot = snapshot
        if snapshot.violations:
            log.error("identities_violated", violations=snapshot.violations[:10], count=len(snapshot.violations))
        seconds = time.perf_counter() - began
        worker.meters.look_at_counts(snapshot, bucket_ms=worker.context.windows.bucket_ms, seconds=seconds)
        return snapshot

    # -- what takes long

    async def _prepare(self) -> None:
        """Do what the next scrape would have to wait for, and agree on the values that are shown."""
        await self._sum()
        live, stream = self._worker.live, self._worker.stream
        live.catch_up()
        interval = _ROOM_SECONDS if live.has_room(self._settings.segment_values_shown) else _SHOWN_SECONDS
        if time.monotonic() - self._shown_at >= interval and live.complete(stream.partitions):
            await self._agree_on_shown()

    async def _look_at_stored(self) -> None:
        await self.look_at_targets()
        await self._look_at_losses()

    async def look_at_feeds(self) -> None:
        """Agree on the sources that are counted by name, and count; while Redis is away, what was agreed holds."""
        worker = self._worker
        feeds, owned = worker.stream.feeds, worker.stream.partitions
        try:
            await feeds.agree(worker.context.tables, owned, partitions=worker.context.partitions)
        except TablesUnavailable as error:
            log.info("feeds_not_agreed", reason=error.reason)
        worker.meters.on_feeds(feeds.shown, feeds.taken(time.monotonic()))

    async def look_at_targets(self) -> None:
        """Show the targets that hold now, where partition 0 is ours; while Redis is away, what was read last holds."""
        worker = self._worker
        if 0 not in worker.stream.partitions:
            worker.meters.look_at_targets(())
            return
        try:
            worker.meters.look_at_targets(await self._targets.current())
        except TenureError as error:
            if not self._targets_unread:
                log.warning("targets_not_read", reason=str(error))
            self._targets_unread = True
        else:
            self._targets_unread = False

    async def _look_at_losses(self) -> None:
        """Show which windows miss what somebody gave up, where partition 0 is ours."""
        worker, windows = self._worker, self._worker.context.windows
        if 0 not in worker.stream.partitions:
            worker.meters.look_at_losses({})
            return
        if time.monotonic() - self._losses_at < _LOSSES_SECONDS:
            return
        try:
            accepted = await self._losses.accepted()
        except TenureError as error:
            log.info("losses_not_read", reason=str(error))
            return
        self._losses_at = time.monotonic()
        worker.meters.look_at_losses(count_by_window(accepted, windows, self._boundary()))

    async def _agree_on_shown(self) -> None:
        """Agree with the other workers on the values that are shown; while Redis is away, what was agreed holds."""
        self._shown_at = time.monotonic()
        try:
            await elect_top_values(self._worker.stream, limit=self._settings.segment_values_shown)
        except TablesUnavailable as error:
            log.warning("shown_values_not_agreed", reason=error.reason)

    def _withheld(self) -> bool:
        """Return whether Kafka has not heard from us for so long that our partitions may be counted elsewhere."""
        if not self._worker.stream.partitions:
            return False
        return self._worker.app.batch_consumer.last_heartbeat_age_seconds() > self._settings.session_timeout_seconds

    def _exposition(self) -> bytes:
        worker, stream = self._worker, self._worker.stream
        expected, of_customers = stream.partitions_there(), worker.context.partitions
        worker.meters.look_at_partitions(stream.partitions, stream.halted, expected=expected, of_customers=of_customers)
        consumer = worker.app.batch_consumer
        worker.meters.look_at_kafka(
            heartbeat_age_seconds=consumer.last_heartbeat_age_seconds(),
            session_timeout_seconds=self._settings.session_timeout_seconds,
        )
        worker.meters.look_at_waiting(stream.waits_for(), instance_id_is_taken=consumer.instance_id_is_taken)
        if stream.partitions:
            worker.meters.look_at_lag(stream.partitions, consumer, worker.context.topics)
        # Looked at by each scrape: a worker that was stopped is scraped before it hears from Kafka again.
        withheld = self._withheld()
        worker.meters.look_at_withholding(withheld=withheld)
        counts = b"" if withheld or self._is_outdated() else self._counts
        # In one scrape with the counts: whoever adds workers up sees that a partition is in none of them, or in two.
        counted = self._snapshot.partitions if self._snapshot is not None and counts else frozenset()
        worker.meters.look_at_counted(counted)
        population = self._population.exposition if 0 in counted else b""
        return counts + population + worker.meters.exposition()

    def _is_outdated(self) -> bool:
        """Return whether partitions were assigned anew since the counts were made: some may be somebody else's now."""
        if self._snapshot is None:
            return False
        stream = self._worker.stream
        return self._generation != stream.generation or not self._snapshot.partitions <= stream.partitions.keys()

    def _not_ready(self) -> str | None:
        partitions, halted = self._worker.stream.partitions, self._worker.stream.halted
        if self._worker.app.batch_consumer.instance_id_is_taken:
            return f"another worker uses TENURE_INSTANCE_ID {self._settings.instance_id!r}: give each its own"
        waits = self._worker.stream.waits_for()
        if waits:
            return f"waiting: {'; '.join(sorted(map(str, waits)))}"
        if self._worker.stream.generation < 0:
            return "waiting for partitions: Kafka has not assigned any yet"
        if self._withheld():
            return "withheld: Kafka has not answered a heartbeat within the session time-out"
        if halted:
            return f"halted: {', '.join(f'partition {number}' for number in sorted(halted))}"
        recovering = sorted(number for number, partition in partitions.items() if partition.recovering)
        return f"recovering: partitions {recovering}" if recovering else None


async def _again(look: Callable[[], Awaitable[None]], pause_seconds: float, *, failed: str) -> None:
    """Look again and again until cancelled; a look that fails is logged under the name `failed`."""
    while True:
        try:
            await look()
        except Exception:
            log.exception(failed)
        await asyncio.sleep(pause_seconds)
