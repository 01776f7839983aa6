"""Runs that are looked at from outside meanwhile: whatever workers and reports show must have an explanation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from schemas.documents.document import plain
from schemas.instants import milliseconds
from streams.errors import TenureError
from tenure.stored.reading import report_of
from tenure.worker.exporter import Exporter
from tests.observer.checker import Checker, SentRecord, Shown
from tests.observer.scrapes import shown_in_report, shown_in_scrape
from tests.simulation.plan import PARTITIONS, Sending
from tests.simulation.product import ProductWorker, Run

_LOOKS: Final = 14
_LEAST_SECONDS: Final = 1.5


class _NoServer:
    """A server that nobody asks over a network."""

    def show(self, *_: Callable[..., Any]) -> None:
        """Take what would be shown."""


class _FixedClock:
    """A clock that stands still: what is shown is as of one instant, and depends on what is counted alone."""

    def __init__(self, instant_ms: int) -> None:
        self._instant_ms = instant_ms

    def now_ms(self) -> int:
        """See `streams.clock.Clock`."""
        return self._instant_ms


class ObservedRun(Run):
    """A run with scrapes of all workers, and a report, again and again."""

    async def _scenario(self) -> None:
        self._sent: list[SentRecord] = []
        self._shown: list[Shown] = []
        self._exporters: dict[int, Exporter] = {}
        looking = self.simulation.loop.create_task(self._look())
        await super()._scenario()
        looking.cancel()
        checker = Checker(self._sent, self.log.options)
        for shown in self._shown:
            checker.look(shown)
        self.problems += [f"{violation.shown.who}: {violation.reason}" for violation in checker.violations]

    def _produce(self, sending: Sending) -> None:
        super()._produce(sending)
        record = self.produced[-1]
        self._sent.append(
            SentRecord(record.topic, record.partition, sending.value, self.simulation.loop.time())
        )  # fmt: skip

    async def _look(self) -> None:
        pause_seconds = max(_LEAST_SECONDS, (self.plan.sending_seconds + 20) / _LOOKS)
        while True:
            await asyncio.sleep(pause_seconds)
            for worker in self.at_work():
                text = await worker.inside(self._scraped(worker.subject))
                if text is not None:
                    seconds = self.simulation.loop.time()
                    self._shown.append(shown_in_scrape(text, who=worker.name, seconds=seconds))
            await self._report()

    async def _scraped(self, subject: Any) -> str:
        assert isinstance(subject, ProductWorker)
        exporter = self._exporters.get(id(subject.worker))
        if exporter is None:
            instant_ms = milliseconds(self.log.at[0]) - 1  # in the bucket that ends there
            server: Any = _NoServer()
            exporter = Exporter(subject.worker, self.settings, _FixedClock(instant_ms), server)
            self._exporters[id(subject.worker)] = exporter
        return (await exporter.exposition()).decode()

    async def _report(self) -> None:
        try:
            (report,) = await report_of(
                self.settings, self.store, partitions=PARTITIONS, at_ms=[milliseconds(self.log.at[0])]
            )
        except TenureError:
            return
        seconds = self.simulation.loop.time()
        # What Redis loses, tables lose: a report has nothing to say so with.
        shown = shown_in_report(plain(report), who="report", seconds=seconds, partitions=PARTITIONS, mark=seconds)
        self._shown.append(shown)
