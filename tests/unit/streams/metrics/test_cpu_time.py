"""CPU time of one coroutine among others: what it computes counts, what it waits for does not."""

from __future__ import annotations

import asyncio
import time

import pytest

from streams.metrics.cpu_time import Metered


def spin(seconds: float) -> None:
    """Use up CPU time of this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_what_other_tasks_do_meanwhile_is_not_counted() -> None:
    """A busy stream would else make a scan look dear, and the scan would come ever more seldom."""

    async def scan() -> str:
        for _ in range(5):
            spin(0.002)
            await asyncio.sleep(0)
        return "done"

    async def stream() -> None:
        for _ in range(5):
            spin(0.05)
            await asyncio.sleep(0)

    metered = Metered(scan())
    result, _ = await asyncio.gather(metered, stream())
    assert result == "done"
    assert 0.01 <= metered.cpu_seconds < 0.05  # the loop's own CPU time, whatever the machine is busy with


async def test_errors_and_cancelling_pass_through() -> None:
    """Awaiting it must be awaiting the coroutine."""
    caught: list[str] = []

    async def scan() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            caught.append("cancelled")
            raise

    async def failing() -> None:
        await asyncio.sleep(0)
        raise KeyError("planted")

    async def awaiting() -> None:
        await Metered(scan())

    task = asyncio.create_task(awaiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caught == ["cancelled"]
    with pytest.raises(KeyError, match="planted"):
        await Metered(failing())
