"""Workers inside of one simulated loop, and what may happen to them: start, stop, crash, freeze.

A worker is whatever a factory makes of a cluster and a name; the product's own worker can be plugged in. What workers
share (tables) must not be locked while one of them awaits: a killed worker never releases anything.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import hashlib
import logging
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from streams.embedded.transport import CLUSTERS, Cluster
from tests.simulation.loop import WORKER, SimulatedLoop
from tests.simulation.neutral import neutral

if TYPE_CHECKING:
    from collections.abc import Coroutine


CLUSTER_NAME = "simulation"
BROKER = f"embedded://{CLUSTER_NAME}"
_T = TypeVar("_T")


class Subject(Protocol):
    """What is simulated: it starts and stops inside of a running loop."""

    app: Any
    """Its Faust application, once it has one."""

    async def start(self) -> None:
        """Begin to work; returns once it works."""

    async def stop(self) -> None:
        """End in good order."""


Factory = Callable[[Cluster, str], Subject]


class SimulatedWorker:
    """One worker of a simulated run.

    Args:
        simulation: The run.
        name: Its own; a worker that comes back has a new one, or the old one after a stop.
        factory: Makes the subject; called at the start.
    """

    def __init__(self, simulation: Simulation, name: str, factory: Factory) -> None:
        self._simulation = simulation
        self._factory = factory
        self.name = name
        self.subject: Subject | None = None
        self.running = False
        self._died = simulation.loop.create_future()

    async def start(self) -> SimulatedWorker:
        """Start; every task from here on is this worker's."""
        self.running = True
        await self.inside(self._start())
        return self

    async def _start(self) -> None:
        self.subject = self._factory(self._simulation.cluster, self.name)
        await self.subject.start()

    @property
    def is_at_work(self) -> bool:
        """Return whether it runs, and has started."""
        subject = self.subject
        return self.running and subject is not None and subject.app is not None and bool(subject.app.started)

    async def stop(self) -> None:
        """Stop in good order, if it runs."""
        if self.running and self.subject is not None:
            self.running = False
            await self.inside(self.subject.stop())

    def crash(self) -> None:
        """Kill it, as SIGKILL does."""
        self.running = False
        self._simulation.loop.kill(self.name)
        if not self._died.done():
            self._died.set_result(None)

    def freeze(self, frozen: bool = True) -> None:
        """Make it a zombie: no heartbeats, deaf to rebalances, still processing; or let it come to itself."""
        assert self.subject is not None
        consumer: Any = self.subject.app.consumer
        consumer.frozen = frozen
        consumer._changed.set()

    async def inside(self, step: Coroutine[Any, Any, _T]) -> _T | None:
        """Run something as a task of this worker; None where it was killed meanwhile."""
        context = contextvars.copy_context()
        context.run(WORKER.set, self.name)
        task = self._simulation.loop.create_task(step, context=context)
        await asyncio.wait([task, self._died], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None


@dataclass
class Trap:
    """Something that happens to the next worker that comes to a step.

    Attributes:
        step: Its name, as connections and the log call it.
        steps_left: How often it must be come to (count).
        spring: Called with the name of the worker.
    """

    step: str
    steps_left: int
    spring: Callable[[str], None]


class Simulation:
    """One run: a loop, a cluster with delays drawn from the seed, and a trace of what happened.

    Args:
        seed: Everything that is drawn depends on it, and nothing else does.
        latency_seconds: Mean of what an operation of the log takes.
        shuffle: Whether ready tasks run in an order of the seed instead of their own.
    """

    def __init__(self, seed: int, *, latency_seconds: float = 0.02, shuffle: bool = True) -> None:
        self.seed = seed
        self.loop = SimulatedLoop(self.draws("order") if shuffle else None)
        self.trace: list[tuple[Any, ...]] = []
        self.traps: list[Trap] = []
        #: all operations of the log take so many times as long, up to that time (virtual seconds)
        self.slowness = (1.0, 0.0)
        latency = self.draws("latency")

        def seconds(operation: str) -> float:
            self._spring(f"log:{operation}")
            factor = self.slowness[0] if self.loop.time() < self.slowness[1] else 1.0
            return factor * latency.expovariate(1 / latency_seconds)

        self.cluster = Cluster(now_ms=lambda: int(self.loop.time() * 1000), latency_seconds=seconds)

    def draws(self, purpose: str) -> random.Random:
        """Return a source of randomness of its own for each purpose, so that one more draw moves no other."""
        return random.Random(f"{self.seed}/{purpose}")

    async def trap(self, step: str) -> None:
        """Let happen what waits for a worker to come to a step; whoever is killed there does not come back."""
        self._spring(step)
        if WORKER.get() in self.loop.killed:
            await asyncio.Event().wait()

    def _spring(self, step: str) -> None:
        if not self.traps:
            return
        name = WORKER.get()
        for trap in [trap for trap in self.traps if trap.step == step and name is not None]:
            trap.steps_left -= 1
            if trap.steps_left <= 0:
                self.traps.remove(trap)
                self.note("trap", name, step)
                trap.spring(str(name))

    def note(self, *facts: Any) -> None:
        """Write down what happened, with the time."""
        self.trace.append((round(self.loop.time(), 6), *facts))

    def digest(self) -> str:
        """Return a fingerprint of the trace."""
        return hashlib.sha256(repr(self.trace).encode()).hexdigest()

    def run(self, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a scenario to its end.

        Raises:
            Deadlock: Nothing was left to run before the scenario ended.
        """
        CLUSTERS[CLUSTER_NAME] = self.cluster
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        gc.freeze()  # so that the dead are buried without a look at everything else
        with neutral(self.loop, self.seed):
            asyncio.set_event_loop(self.loop)
            try:
                self.loop.run_until_complete(scenario())
            finally:
                asyncio.set_event_loop(None)
                self.loop.close()
                del CLUSTERS[CLUSTER_NAME]
                self._bury_the_dead()
                gc.unfreeze()
                logging.disable(disabled)

    def _bury_the_dead(self) -> None:
        """Finalise the coroutines of killed workers here, not in the middle of whatever allocates next.

        They run their `finally` blocks then, and complain; after a SIGKILL nobody would hear that.
        """
        self.cluster.log.forget_readers()
        complain, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            gc.collect()
        finally:
            sys.unraisablehook = complain
