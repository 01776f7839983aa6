"""Takes out of Faust and mode what would make two runs of a seed differ: clocks, hash order, random ids, the collector.

And what only costs time: timers that look at nothing here, and tasks that wait for one thing each.

Only inside of a `with neutral(loop, seed)`. Each measure was found by a run that differed; the tests that one seed
gives one trace fail without them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import random
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from mode.services import Service
from mode.timers import Timer
from mode.utils import queues

from streams.holding import HoldWatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.loop import SimulatedLoop

CLOCKS: Final = (
    ("faust.transport.consumer", "monotonic"),
    ("faust.tables.recovery", "monotonic"),
    ("faust.sensors.base", "monotonic"),
    ("faust.sensors.monitor", "monotonic"),
    ("faust._cython.streams", "monotonic"),
    ("faust.streams", "monotonic"),
    ("faust.agents.agent", "time"),
    ("faust.types.tuples", "time"),
    ("mode.services", "monotonic"),
    ("mode.services", "perf_counter"),
    ("mode.timers", "perf_counter"),
    ("mode.utils.times", "TIME_MONOTONIC"),
)
"""Modules that took a clock by name when they were imported."""


IDLE: Final = frozenset({"Monitor._sampler", "Recovery._publish_stats"})
"""Tasks of Faust that only measure, again and again."""


async def _wait_for(awaitable: Awaitable[Any], timeout: float | None, **_: Any) -> Any:
    """Wait as asyncio does from Python 3.12 on: without a task of its own."""
    async with asyncio.timeout(timeout):
        return await awaitable


class _OrderedSet(dict[Any, None]):
    """Stands for a set of tasks or closures, whose order would be that of memory addresses."""

    def add(self, member: Any) -> None:
        self[member] = None

    def discard(self, member: Any) -> None:
        super().pop(member, None)

    def pop(self, *_: Any) -> Any:
        first = next(iter(self))
        del self[first]
        return first


class _NoCollector:
    """Stands for the gc module where Faust collects at every rebalance."""

    @staticmethod
    def collect() -> int:
        return 0


class _Patches:
    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def put(self, owner: Any, name: str, value: Any) -> None:
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def ordered(self, cls: Any, name: str) -> None:
        """Give each new instance of a class an ordered set under this name."""
        init = cls.__init__

        def initialised(instance: Any, *args: Any, **kwargs: Any) -> None:
            init(instance, *args, **kwargs)
            setattr(instance, name, _OrderedSet())

        self.put(cls, "__init__", initialised)

    def undo(self) -> None:
        for owner, name, value in reversed(self._undo):
            setattr(owner, name, value)


def _tasks_in_order(tasks: Callable[[Service], Iterable[Any]]) -> Callable[[Service], list[Any]]:
    """Return what lists the background tasks of a service by name, without the idle ones."""

    def listed(service: Service) -> list[Any]:
        wanted = [task for task in tasks(service) if task.fun.__qualname__ not in IDLE]
        return sorted(wanted, key=lambda task: task.fun.__qualname__)

    return listed


@contextlib.contextmanager
def neutral(loop: SimulatedLoop, seed: object) -> Iterator[None]:
    """Make Faust and mode a function of the loop and the seed."""
    patches = _Patches()
    ids = random.Random(f"{seed}/uuid")
    for module_name, name in CLOCKS:
        module = importlib.import_module(module_name)
        if callable(getattr(module, name, None)):
            patches.put(module, name, loop.time)
    # Bound as default arguments: timers would correct their drift by the machine's clock.
    for function in (Service.itertimer, Timer.__init__):
        patches.put(function, "__kwdefaults__", {**function.__kwdefaults__, "clock": loop.time})
    patches.put(uuid, "uuid4", lambda: uuid.UUID(int=ids.getrandbits(128), version=4))
    patches.put(HoldWatch.__init__, "__defaults__", (loop.time,))
    patches.put(time, "monotonic", loop.time)
    patches.put(time, "perf_counter", loop.time)
    patches.put(secrets, "token_hex", lambda size: f"{ids.getrandbits(8 * size):0{2 * size}x}")
    patches.put(asyncio, "wait_for", _wait_for)
    # The background tasks of a service are kept as a set of names.
    patches.put(Service, "_get_tasks", _tasks_in_order(Service._get_tasks))
    patches.ordered(Service, "_futures")
    patches.ordered(queues.FlowControlQueue, "_pending_pressure_drop_callbacks")
    patches.ordered(queues.FlowControlEvent, "_queues")
    patches.ordered(importlib.import_module("faust.transport.conductor").Conductor, "_topics")
    patches.put(importlib.import_module("faust.transport.consumer"), "gc", _NoCollector)
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        patches.undo()
        if collecting:
            gc.enable()
