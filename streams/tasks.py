"""Tasks that have to end: cancelled, and waited for; and those that must not be cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

_Result = TypeVar("_Result")
_AGAIN_SECONDS: Final = 0.2


async def heeding_cancellation(call: Callable[[], Awaitable[_Result]]) -> _Result:
    """Await a call of somebody else's code that may swallow a cancellation: raise it when the call has ended.

    Before Python 3.12 asyncio.wait_for does, where what it waits for ends in the same moment; the clients of Redis and
    Kafka use it. A task that is told to stop once would go on for ever.

    Raises:
        asyncio.CancelledError: This task was cancelled meanwhile.
    """
    task = asyncio.current_task()
    assert task is not None, "a coroutine is awaited in a task"
    before = task.cancelling()
    try:
        result = await call()
    except Exception as error:
        if task.cancelling() > before:
            raise asyncio.CancelledError from error
        raise
    if task.cancelling() > before:
        raise asyncio.CancelledError
    return result


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they have ended; what they raised is theirs.

    More than once if need be: before Python 3.12 asyncio.wait_for, which the Redis client uses, may swallow it.
    """
    while running := {task for task in tasks if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_SECONDS)


async def to_its_end(close: Callable[[], Awaitable[Any]]) -> None:
    """Call and await what closes something, also where the waiting is cancelled meanwhile; that follows then.

    A signal may arrive when a fault has begun to close things already, and half of it done may never end.
    """
    closing = asyncio.ensure_future(close())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise
