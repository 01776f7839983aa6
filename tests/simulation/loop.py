"""An event loop on virtual time, with a seeded order of tasks and SIGKILL for groups of them.

No selector, no self-pipe, no threads: what tries real I/O fails. When nothing is ready, time jumps to the next timer.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import gc
from asyncio import base_events
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    import random
    from collections.abc import Coroutine

_COLLECTED_STEPS: Final = 100_000
WORKER: contextvars.ContextVar[str | None] = contextvars.ContextVar("worker", default=None)
"""The worker that a task belongs to; every task that it creates inherits it."""


class Deadlock(AssertionError):
    """Nothing will ever run again, or far too much runs."""


class _Ready(collections.deque[Any]):
    """The queue of what may run: leaves out killed workers, and picks in seeded order if there is a seed."""

    def __init__(self, order: random.Random | None) -> None:
        super().__init__()
        self.order = order
        self.dead: frozenset[str] = frozenset()
        self.steps = 0

    def popleft(self) -> Any:
        self.steps += 1
        waiting = len(self)
        if self.order is not None and waiting > 1:
            place = int(self.order.random() * waiting)
            handle = self[place]
            del self[place]
        else:
            handle = super().popleft()
        if self.dead and handle._context.get(WORKER) in self.dead:
            handle._cancelled = True  # BaseEventLoop._run_once passes over it
        return handle


class SimulatedLoop(base_events.BaseEventLoop):
    """The loop of one simulated run.

    Args:
        order: Picks which of the ready callbacks runs next; None keeps asyncio's order.
        max_steps: A run that takes more has a livelock.
    """

    def __init__(self, order: random.Random | None = None, *, max_steps: int = 3_000_000) -> None:
        super().__init__()
        self.max_steps = max_steps
        self._now_seconds = 0.0
        self._collected_at = 0
        self._selector = self
        self._clock_resolution = 1e-9
        self._ready = _Ready(order)
        # Strong references: nothing is finalised by the collector in the middle of a run.
        self._tasks: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._new_task)  # type: ignore[arg-type]  # the protocol differs between Python versions

    @property
    def steps(self) -> int:
        """Callbacks that ran so far."""
        return self._ready.steps

    @property
    def killed(self) -> frozenset[str]:
        """Workers of which no code runs any more."""
        return self._ready.dead

    def kill(self, worker: str) -> None:
        """Run no code of that worker any more: no cancellation, no `finally`, no farewell."""
        self._ready.dead |= {worker}

    def _new_task(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any) -> Any:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        self._tasks.append(task)
        if len(self._tasks) > 2_000:
            self._tasks = [task for task in self._tasks if not task.done()]
        return task

    # -- what BaseEventLoop asks of its subclass and its selector ------------------

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now_seconds

    def select(self, timeout: float | None) -> tuple[()]:
        """Let the virtual time pass until the next timer."""
        if timeout is None:
            raise Deadlock("nothing is left to run")
        if self._ready.steps >= self._collected_at + _COLLECTED_STEPS:
            # By steps, and not by what is allocated: whatever that finalises, it does so in each run of a seed alike.
            self._collected_at = self._ready.steps
            gc.collect()
        if self._ready.steps > self.max_steps:
            raise Deadlock(f"{self.max_steps} steps by second {self._now_seconds:.3f}")
        self._now_seconds += timeout
        return ()

    def run_in_executor(self, *_: Any) -> NoReturn:  # type: ignore[override]
        """Refuse: threads would make runs differ."""
        raise AssertionError("no threads in a simulation")

    def _process_events(self, events: Any) -> None:
        """Nothing came from outside."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in another thread."""

    def _check_closed(self) -> None:
        """Coroutines of killed workers may be finalised after the end."""

    def close(self) -> None:
        """End the run; what was killed or left over is dropped in silence."""
        for task in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._tasks.clear()
        super().close()
