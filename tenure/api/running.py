"""Making of answers: each report in a thread and an event loop of its own, so many at once, and each for so long.

A report decodes thousands of states: in the loop of the server it would stop everybody else's answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from streams.errors import TenureError
from streams.settings.settings import Settings
from tenure.api.asked import RequestedReport, in_parameters
from tenure.api.reports import ApiReport, stop_scans


class ReportsBusy(Exception):
    """As many reports are being made as may be."""


class ReportTooSlow(TenureError):
    """A report was not made in time."""


class ReportRunner:
    """Makes reports.

    Args:
        settings: Of the stream.
        most: Reports that are made at once (count).
        seconds: How long one may take.
    """

    def __init__(self, settings: Settings, *, most: int, seconds: float) -> None:
        self._settings = settings
        self._most = most
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="report")
        self.running = 0

    async def answer(self, report: ApiReport, given: Mapping[str, Sequence[str]]) -> bytes:
        """Return a report as JSON.

        Args:
            report: Which.
            given: Its parameters, as they were given.

        Raises:
            ReportsBusy: Too many are being made.
            ReportTooSlow: It takes too long.
            NotScannedYet: Looking at customers takes too long, and goes on.
            TenureError: As the report's command does; messages name parameters.
        """
        asked = RequestedReport(report.parameters, given)
        if self.running >= self._most:
            raise ReportsBusy(f"{self.running} reports are being made, as many as api_max_requests says")
        self.running += 1
        try:
            making = asyncio.get_running_loop().run_in_executor(self._threads, self._make, report, asked)
        except BaseException:
            self.running -= 1
            raise
        # It is counted until its thread has ended, whether or not anybody waits for it.
        making.add_done_callback(self._ended)
        return await asyncio.shield(making)

    def _ended(self, making: asyncio.Future[bytes]) -> None:
        self.running -= 1
        if not making.cancelled():
            making.exception()  # told to whoever waits

    def _make(self, report: ApiReport, asked: RequestedReport) -> bytes:
        try:
            found = asyncio.run(asyncio.wait_for(_found(self._settings, report, asked), self._seconds))
        except TimeoutError as error:
            advice = f"the report was not made within {self._seconds:g} s; ask for less, or raise api_timeout_seconds"
            raise ReportTooSlow(advice) from error
        return msgspec.json.encode(found)

    def stop(self) -> None:
        """Begin no report any more, and end scans that go on."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        stop_scans()


async def _found(settings: Settings, report: ApiReport, asked: RequestedReport) -> object:
    return await report.answer(settings, asked)


def said(error: TenureError) -> str:
    """Return the message of an error in the words of the parameters."""
    return in_parameters(str(error))
