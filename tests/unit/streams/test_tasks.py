"""Tasks that are to end do, also those that overhear it once; what closes something is not cut short."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from streams.tasks import cancel_and_wait, heeding_cancellation, to_its_end


async def test_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    """The Redis client may swallow one; whoever waits for the task would wait for ever."""
    begun = asyncio.Event()

    async def hard_of_hearing() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    task = asyncio.ensure_future(hard_of_hearing())
    await begun.wait()
    async with asyncio.timeout(10):
        await cancel_and_wait([task])
    assert task.cancelled()


async def test_cancellation_that_a_call_swallows_is_raised_behind_it() -> None:
    """A demo whose terminal was closed while Redis answered went on for ever, with nobody to see it."""
    begun = asyncio.Event()

    async def hard_of_hearing() -> str:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        return "an answer"

    task = asyncio.ensure_future(heeding_cancellation(hard_of_hearing))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancellation_that_a_failing_call_swallows_is_raised_instead_of_its_error() -> None:
    """Who is told to stop while Redis goes away must not begin to wait for it."""
    begun = asyncio.Event()

    async def hard_of_hearing() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        raise ConnectionError

    task = asyncio.ensure_future(heeding_cancellation(hard_of_hearing))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_call_in_a_task_that_closes_after_a_cancellation_has_its_answer() -> None:
    """What closes things asks Redis too, and a limit of time that has passed is no order to end."""
    answers: list[str] = []

    async def answer() -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.sleep(3600)
        return "an answer"

    async def ends() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            answers.append(await heeding_cancellation(answer))

    task = asyncio.ensure_future(ends())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert answers == ["an answer"]


async def test_ending_what_has_ended_or_failed_raises_nothing() -> None:
    """A worker that stops because of a fault must still close the rest."""

    async def fail() -> None:
        raise ValueError

    task = asyncio.ensure_future(fail())
    await asyncio.wait({task})
    await cancel_and_wait([task])
    await cancel_and_wait([])
    assert isinstance(task.exception(), ValueError)


async def test_closing_that_is_cancelled_meanwhile_comes_to_its_end_first() -> None:
    """A terminal that is closed fails a write, and sends its signal while the demo closes what it has open."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    done = []

    async def close() -> None:
        begun.set()
        await go_on.wait()
        done.append("closed")

    task = asyncio.ensure_future(to_its_end(close))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["closed"]
