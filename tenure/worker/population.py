"""The population exporter: exports what does not add up over workers, by the owner of partition 0, from Redis.

It looks at all customers again and again, at a pace that leaves the core to the stream. What is shown:
`kpis.population.summary`; how: `streams.metrics.population_exposition`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from kpis.customer.touchpoints import MarkFact
from kpis.instants import end_of_bucket_ms
from kpis.population.experiments import Comparisons
from kpis.population.local_time import local_time
from kpis.population.summary import PopulationScan, PopulationSummary
from streams.clock import Clock
from streams.errors import TenureError
from streams.metrics.cpu_time import Metered
from streams.metrics.population_exposition import population_exposition
from streams.settings.settings import Settings
from tenure.stored.customers import scan_all
from tenure.stored.marks import read_marks
from tenure.stored.reading import stored_heads
from tenure.worker.composition import Worker

log = structlog.get_logger(__name__)

LEAST_PAUSE_SECONDS: Final = 60.0
TIME_OVER_CPU: Final = 50
"""The time from scan to scan, over the CPU time that one takes (ratio): scans take so small a part of a core."""
_AFTER_FAILURE_SECONDS: Final = 5.0
_SCAN_OVER_CPU: Final = 4
"""The time that a scan spreads over, over its CPU time (ratio): the stream goes on meanwhile. Where the stream is
behind, it is TIME_OVER_CPU: a load of history is what the core is wanted for then."""
_STEP: Final = 50
"""Customers that are looked at before others have their turn (count); they take some 2 ms at most."""


class _Lost(Exception):
    """Partition 0 is not, or not safely, this worker's any more."""


class PopulationExporter:
    """Makes the summary of all customers while partition 0 is this worker's."""

    def __init__(
        self, worker: Worker, settings: Settings, clock: Clock, *, least_pause_seconds: float = LEAST_PAUSE_SECONDS
    ) -> None:
        """Show nothing yet.

        Args:
            worker: Whose partition 0 may be.
            settings: What numbers mean.
            clock: Which bucket is the running one.
            least_pause_seconds: Between two scans.
        """
        self._worker = worker
        self._settings = settings
        self._clock = clock
        self._least_pause_seconds = least_pause_seconds
        self._again_at = 0.0
        #: the last summary as Prometheus reads it; empty where there is none, or where it is not ours to show
        self.exposition = b""
        #: the same as numbers
        self.population: PopulationSummary | None = None
        #: of variants, made by the scans before
        self._comparisons = Comparisons()
        #: as of when it was made, and the heads of all partitions then; None where there is no summary
        self._made_of: tuple[int, dict[int, bytes | None]] | None = None

    async def run(self) -> None:
        """Look whenever it is time, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._settings.metrics_refresh_seconds)

    async def look(self) -> None:
        """Make a summary if it is time and ours to make; never raises for what Redis or a state does."""
        now = asyncio.get_running_loop().time()
        if not self._is_ours():
            self._forget()
            self._again_at = 0.0
            return
        if now < self._again_at:
            return
        spent_seconds, least_seconds = 0.0, self._least_pause_seconds
        metered: Metered[PopulationScan] | None = None
        try:
            made_of = await self._stored_now()
            if made_of == self._made_of:  # a stream at rest: the same would come of it
                self._again_at = now + least_seconds
                return
            metered = Metered(self._scan(made_of[0]))
            scan = await metered
            # Beside the loop: the curve of ten years takes some 20 ms.
            marks = await read_marks(self._settings, self._worker.context.tables, self._worker.context.partitions)
            costs = self._settings.acquisition_costs
            found = await asyncio.to_thread(_summarised, scan, metered.cpu_seconds, marks, costs)
            self.population, self.exposition, spent_seconds = found
            self._made_of = made_of
        except _Lost:
            self._forget()
            least_seconds = 0.0  # it may be ours again already: nobody else would show a summary
        except TenureError as error:
            least_seconds = min(least_seconds, _AFTER_FAILURE_SECONDS)
            log.warning("population_not_summarised", reason=str(error))
        except Exception:
            self._forget()
            log.exception("population_failed")
        if metered is not None:
            spent_seconds += metered.cpu_seconds
        ended = asyncio.get_running_loop().time()
        self._again_at = max(ended + least_seconds, now + TIME_OVER_CPU * spent_seconds)

    def _forget(self) -> None:
        self.exposition, self.population, self._made_of = b"", None, None

    async def _stored_now(self) -> tuple[int, dict[int, bytes | None]]:
        """Return the end of the running bucket (ms since 1970), and the heads of all partitions."""
        context = self._worker.context
        at_ms = end_of_bucket_ms(self._clock.now_ms(), self._settings.bucket_minutes)
        return at_ms, await stored_heads(context.tables, context.partitions)

    async def _scan(self, at_ms: int) -> PopulationScan:
        """Look at all customers, as of an instant.

        Raises:
            _Lost: Partition 0 went to another worker meanwhile.
            TenureError: See `tenure.reports.customers.scan_all`.
        """
        settings, context = self._settings, self._worker.context
        clock = local_time(settings.business_time_zone)
        what = settings.what_counts
        bucket_ms, known = context.windows.bucket_ms, self._comparisons
        scan = PopulationScan(at_ms=at_ms, clock=clock, bucket_ms=bucket_ms, what=what, known=known)
        async for part in scan_all(settings, context.tables, range(context.partitions)):
            for at in range(0, len(part.states), _STEP):
                began = time.perf_counter()
                scan.take(part.names, [state for _, state in part.states[at : at + _STEP]])
                ratio = TIME_OVER_CPU if self._worker.stream.is_behind() else _SCAN_OVER_CPU
                await asyncio.sleep((ratio - 1) * (time.perf_counter() - began))
                if not self._is_ours():
                    raise _Lost
        return scan

    def _is_ours(self) -> bool:
        """Return whether partition 0 is owned and its counts are complete, and Kafka still knows us."""
        stream = self._worker.stream
        if 0 not in stream.partitions or not stream.live.complete([0]):
            return False
        return stream.consumer().last_heartbeat_age_seconds() <= self._settings.session_timeout_seconds


def _summarised(
    scan: PopulationScan, cpu_seconds: float, marks: Sequence[MarkFact], costs: Mapping[str, int]
) -> tuple[PopulationSummary, bytes, float]:
    """Return the summary, the same as Prometheus reads it, and the CPU time that this took on top (s)."""
    began = time.thread_time()
    summary = scan.summary()
    spent_seconds = time.thread_time() - began
    exposition = population_exposition(summary, cpu_seconds=cpu_seconds + spent_seconds, marks=marks, costs=costs)
    return summary, exposition, spent_seconds
