"""Scans in a thread of their own: several wait for one, it outlives them, and it can be ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from streams.errors import TablesUnavailable
from tenure.reports import scan_thread
from tenure.reports.scan_thread import NotScannedYet, Progress, Scanning, ScanThread


@pytest.fixture
def thread() -> Iterator[ScanThread]:
    """Return a thread, which is ended in the end."""
    found = ScanThread()
    yield found
    found.stop()


class Look:
    """A scan of seven customers that ends when it is told to."""

    def __init__(self) -> None:
        self.go_on, self.over = threading.Event(), threading.Event()

    async def __call__(self, progress: Progress) -> str:
        """Take the customers."""
        progress(7)
        try:
            while not self.go_on.is_set():
                await asyncio.sleep(0)
        finally:
            self.over.set()
        return "found"


async def leave(scanning: Scanning[str]) -> None:
    """Wait for a scan for a short time."""
    with pytest.raises(NotScannedYet, match="7 so far"):
        await asyncio.wait_for(scanning.wait(), 0.1)


async def test_scan_that_nobody_waited_for_answers_once(thread: ScanThread) -> None:
    """It is of before the answer, so it must not be given for ever; who waited has had it."""
    look = Look()
    scanning = Scanning(thread, look)
    await leave(scanning)
    look.go_on.set()
    await asyncio.to_thread(scanning._made.result)
    assert scanning.answers
    assert await scanning.wait() == "found"
    assert not scanning.answers


async def test_scan_that_ended_long_ago_answers_nobody(thread: ScanThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came since is not in it."""
    monkeypatch.setattr(scan_thread, "FRESH_SECONDS", -1)
    look = Look()
    scanning = Scanning(thread, look)
    await leave(scanning)
    look.go_on.set()
    await asyncio.to_thread(scanning._made.result)
    assert not scanning.answers


async def test_scan_that_fails_tells_who_waits_and_answers_nobody_else(thread: ScanThread) -> None:
    """The next one begins anew."""

    async def away(_: Progress) -> str:
        raise TablesUnavailable("Redis", "connection refused")

    scanning = Scanning(thread, away)
    with pytest.raises(TablesUnavailable):
        await scanning.wait()
    assert not scanning.answers


async def test_scan_that_is_given_up_ends_and_says_so(thread: ScanThread) -> None:
    """Scans of forgotten questions would pile up."""
    look = Look()
    scanning = Scanning(thread, look)
    await leave(scanning)
    waiting = asyncio.create_task(scanning.wait())
    await asyncio.sleep(0)
    scanning.give_up()
    with pytest.raises(NotScannedYet, match="given up for questions"):
        await waiting
    assert await asyncio.to_thread(look.over.wait, 10)
    assert not scanning.answers
