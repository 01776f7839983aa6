"""Scans that go on when nobody waits for them any more, in an event loop and with a connection of their own.

A report of the API is given up after a time. What it had looked through by then would be lost, and the next one would
be given up as well. What is scanned, and what is kept of it: `tenure.reports.passes`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError as GivenUp
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Final, Generic, TypeVar

from streams.errors import TenureError

#: How long a scan that ended when nobody waited is there for the next who asks, whatever came since.
FRESH_SECONDS: Final = 600

Made = TypeVar("Made")
Progress = Callable[[int], None]


class NotScannedYet(TenureError):
    """A scan is not done in the time that a report has."""

    @classmethod
    def after(cls, customers: int) -> NotScannedYet:
        """Return the error of a scan that goes on, and has taken so many customers."""
        return cls(
            f"customers are being looked through, {customers:,} so far, which goes on; ask again, "
            "or raise api_timeout_seconds to wait for it"
        )


class ScanThread:
    """The thread of all scans that go on; it begins with the first of them, and ends with `stop`."""

    def __init__(self) -> None:
        """Begin no thread yet."""
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def begin(self, scan: Coroutine[Any, Any, Made]) -> Future[Made]:
        """Begin a scan; whoever cancels what is returned ends it."""
        with self._lock:
            if self._loop is None:
                runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
                self._loop = runner.get_loop()
                self._thread = Thread(target=_serve, args=(runner,), name="scans", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(scan, self._loop)

    def stop(self) -> None:
        """End all scans, each after the slice that it is at, and their thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


def _serve(runner: asyncio.Runner) -> None:
    with runner:  # which ends what still runs
        runner.get_loop().run_forever()


class Scanning(Generic[Made]):
    """One scan that goes on; several threads may wait for it.

    Args:
        thread: Where it runs.
        look: The scan; it tells how many customers it has taken, slice by slice.
    """

    def __init__(self, thread: ScanThread, look: Callable[[Progress], Coroutine[Any, Any, Made]]) -> None:
        self._customers = 0
        self._was_left = False
        self._ended = 0.0
        self._made = thread.begin(look(self._count))
        self._made.add_done_callback(self._end)

    @property
    def answers(self) -> bool:
        """True where it answers who asks now: it goes on, or it ended a short time ago when nobody waited any more."""
        if not self._made.done():
            return True
        if self._made.cancelled() or self._made.exception() is not None:
            return False
        return self._was_left and time.monotonic() - self._ended < FRESH_SECONDS

    async def wait(self) -> Made:
        """Return what it has found; whoever is cancelled meanwhile leaves it to go on.

        Raises:
            NotScannedYet: The waiting was cancelled, or the scan was given up.
            TenureError: As the scan does.
        """
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: Future[Made]) -> None:
            with suppress(RuntimeError):  # the loop of who has gone is closed
                loop.call_soon_threadsafe(ended.set)

        self._made.add_done_callback(tell)
        try:
            await ended.wait()
        except asyncio.CancelledError as error:
            self._was_left = True
            raise NotScannedYet.after(self._customers) from error
        self._was_left = False
        try:
            return self._made.result()
        except GivenUp as error:
            raise NotScannedYet("the scan was given up for questions that came after it; ask again") from error

    def give_up(self) -> None:
        """End it."""
        self._made.cancel()

    def _count(self, customers: int) -> None:
        self._customers += customers

    def _end(self, _: Future[Made]) -> None:
        self._ended = time.monotonic()
