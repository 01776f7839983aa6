"""Tables that simulated workers share: in memory, behind a network that is slow and fails, able to lose commits.

The commits themselves are those of `MemoryTables`, which passes the same contract tests as Redis.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeVar

from kpis.counting.cells import Cells
from streams.embedded.tables import MemoryTables
from streams.errors import TablesUnavailable
from streams.tables import Commit, Redo, Restated, Stored, StreamMark, Tables

if TYPE_CHECKING:
    from tests.simulation.workers import Simulation

_T = TypeVar("_T")


class Store(MemoryTables):
    """What Redis holds; it may fall back to what it held earlier, as after a loss of its last second of appends."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._earlier = copy.deepcopy(self._partitions)
        #: by partition: the head at that time, and states of commits that are carried out in part later
        self._torn: dict[int, tuple[bytes | None, dict[str, bytes]]] = {}
        #: until then nothing is answered (virtual seconds)
        self.away_until_seconds = 0.0

    def remember(self) -> None:
        """Keep a copy of everything."""
        self._earlier = copy.deepcopy(self._partitions)

    def fall_back(self) -> None:
        """Forget all that was committed since `remember`."""
        self._partitions = copy.deepcopy(self._earlier)

    def lose_everything(self) -> None:
        """Forget all there is, as a Redis does that starts empty: notes and logs too."""
        MemoryTables.__init__(self)
        self.remember()

    def fall_back_within_a_commit(self) -> None:
        """Forget the same, but for states that lie in the append-only file within a transaction without an end.

        A transaction begins with those that it writes to their places; its entry of the redo log comes after them.
        """
        self._torn = {
            number: (
                before.head,
                {c: s for c, s in self._partitions[number].states.items() if before.states.get(c) != s},
            )
            for number, before in self._earlier.items()
        }
        self.fall_back()

    def load_again(self) -> bool:
        """Carry out what lies there, where a commit has closed the transaction since; return whether there was one."""
        closed = [number for number, (head, _) in self._torn.items() if self._partitions[number].head != head]
        for number in closed:
            states = self._torn.pop(number)[1]
            found, before = self._partitions[number], self._earlier[number].states
            found.states |= {
                name: state for name, state in states.items() if found.states.get(name) == before.get(name)
            }
            found.torn = bool(states)
        return bool(closed)


class Connection:
    """One worker's way to the store: implements `streams.tables.Tables`.

    A call that fails may have taken effect or not; whoever called cannot know.
    """

    def __init__(
        self, store: Store, simulation: Simulation, name: str, *, latency_seconds: float, failures: float
    ) -> None:
        """Take the store.

        Args:
            store: What all workers share.
            simulation: Where time and randomness come from.
            name: Of the worker.
            latency_seconds: Mean duration of each way.
            failures: Share of ways on which a call gets lost.
        """
        self._store = store
        self._simulation = simulation
        self._draws = simulation.draws(f"connection/{name}")
        self._latency_seconds = latency_seconds
        self._failures = failures
        self.name = name

    async def _travel(self) -> None:
        await asyncio.sleep(self._draws.expovariate(1 / self._latency_seconds))
        away = self._simulation.loop.time() < self._store.away_until_seconds
        if away or self._draws.random() < self._failures:
            raise TablesUnavailable("Redis", "simulated")

    async def _call(self, call: Callable[[], Awaitable[_T]]) -> _T:
        await self._travel()
        answer = await call()
        await self._travel()
        return answer

    @property
    def generation(self) -> int:
        """See `Tables`."""
        return self._store.generation

    def beside(self, generation: int) -> Tables:
        """See `Tables`."""
        return self._store.beside(generation)

    async def switch(self, expected: StreamMark, mark: StreamMark) -> bool:
        """See `Tables`."""
        return await self._call(lambda: self._store.switch(expected, mark))

    async def discard(self, partition: int, *, but_the_head: bool = False) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.discard(partition, but_the_head=but_the_head))

    async def load(self, partition: int, since: Stored | None = None) -> Stored:
        """See `Tables`."""
        return await self._call(lambda: self._store.load(partition))

    async def read_head(self, partition: int) -> bytes | None:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_head(partition))

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_states(partition, customers))

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """See `Tables`."""
        async for found in self._store.scan_states(partitions):
            await self._travel()
            yield found

    async def scan_customers(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[str]]]:
        """See `Tables`."""
        async for found in self._store.scan_customers(partitions):
            await self._travel()
            yield found

    async def read_redo(self, partition: int) -> Redo:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_redo(partition))

    async def read_written(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_written(partition, customers))

    async def read_spans(self, partition: int, spans: Sequence[int]) -> Cells:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_spans(partition, spans))

    async def read_group(self, partition: int, group: int) -> Cells:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_group(partition, group))

    async def snapshot(
        self, partition: int, groups: Sequence[int], since: Stored | None = None
    ) -> tuple[Stored, Cells]:
        """See `Tables`."""
        return await self._call(lambda: self._store.snapshot(partition, groups, since))

    async def restated(self, partition: int, periods: Sequence[str] = ()) -> dict[str, Restated]:
        """See `Tables`."""
        return await self._call(lambda: self._store.restated(partition, periods))

    async def restatements(self, partition: int, period: str) -> list[bytes]:
        """See `Tables`."""
        return await self._call(lambda: self._store.restatements(partition, period))

    async def commit(self, partition: int, commit: Commit) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.commit(partition, commit))
        self._simulation.note(self.name, "committed", partition)

    async def ask_to_forget(self, partition: int, customer: str, request: bytes, known: bytes | None = None) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.ask_to_forget(partition, customer, request, known))

    async def forget_requests(self, partition: int) -> dict[str, bytes]:
        """See `Tables`."""
        return await self._call(lambda: self._store.forget_requests(partition))

    async def clear(self, partition: int) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.clear(partition))

    async def mark(self, mark: StreamMark) -> StreamMark:
        """See `Tables`."""
        return await self._call(lambda: self._store.mark(mark))

    async def read_mark(self) -> StreamMark | None:
        """See `Tables`."""
        return await self._call(self._store.read_mark)

    async def note(self, name: str, value: bytes | None) -> bytes | None:
        """See `Tables`."""
        return await self._call(lambda: self._store.note(name, value))

    async def append(self, name: str, entry: bytes) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.append(name, entry))

    async def entries(self, name: str, first: int = 0) -> list[bytes]:
        """See `Tables`."""
        return await self._call(lambda: self._store.entries(name, first))

    async def close(self) -> None:
        """See `Tables`."""
