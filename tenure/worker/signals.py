"""Running a coroutine to its end, or until somebody asks the process to stop.

SIGINT (Ctrl-C), SIGTERM and SIGHUP (a closed terminal) cancel the coroutine once, so that it can close what it opened;
a second signal while it does so ends the process at once, but for SIGHUP: shell and terminal both send it.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, TypeVar

from tenure.garbage import end_loading

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def end_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that ask this process to stop; a SIGHUP that `nohup` has it ignore is none of them."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return (signal.SIGINT, signal.SIGTERM)
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """The process was asked to stop, and has closed what it had open.

    Args:
        signal_number: The signal that asked.
    """

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        super().__init__(signal.Signals(signal_number).name)


def run_until_stopped(
    coroutine: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> T:
    """Run a coroutine in an event loop of its own.

    Args:
        coroutine: What to run; it is cancelled when one of `end_signals` arrives.
        loop_factory: Makes the event loop; asyncio's own where it is None.

    Returns:
        What the coroutine returns, also when it does so after a signal.

    Raises:
        Stopped: A signal arrived, and the coroutine has ended by being cancelled.
    """
    import asyncio  # noqa: PLC0415 - slow to import, and `tenure --help` needs only the exception

    arrived: list[int] = []

    async def cancel_on_signal() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(coroutine)

        def stop(signal_number: int) -> None:
            if arrived and signal_number == signal.SIGHUP:
                return
            if arrived:
                os._exit(128 + signal_number)
            arrived.append(signal_number)
            task.cancel()

        signals = end_signals()
        for signal_number in signals:
            loop.add_signal_handler(signal_number, stop, signal_number)
        try:
            return await task
        finally:
            for signal_number in signals:
                loop.remove_signal_handler(signal_number)

    end_loading()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        try:
            return runner.run(cancel_on_signal())
        except asyncio.CancelledError:
            if not arrived:
                raise
            raise Stopped(arrived[0]) from None
