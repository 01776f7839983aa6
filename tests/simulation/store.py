"""Tables that simulated workers share: in memory, behind a network that is slow and fails, able to lose what they hold.

The commits themselves are those of `MemoryTables`, which passes the same contract tests as Redis. What a Redis may do
beside that stands here: lose its last seconds, come back from a backup, empty, or with half of a transaction; go on as
a replica that lags behind, while some still write to the one before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from kpis.counting.cells import Cells
from streams.embedded.tables import MemoryTables, _Partition, _Shared
from streams.errors import TablesUnavailable
from streams.tables import Commit, Redo, Restated, Stored, StreamMark, Under

if TYPE_CHECKING:
    from tests.simulation.workers import Simulation

_T = TypeVar("_T")
EVERYBODY: Final = ""


def _partition_as_it_is(found: _Partition) -> _Partition:
    """Return a copy of a partition, which later commits do not change."""
    copy = _Partition()
    copy.head, copy.torn = found.head, found.torn
    copy.names = defaultdict(list, {table: list(names) for table, names in found.names.items()})
    copy.states = dict(found.states)
    copy.spans = defaultdict(dict, {group: dict(spans) for group, spans in found.spans.items()})
    copy.redo, copy.restated, copy.requests = list(found.redo), dict(found.restated), dict(found.requests)
    return copy


def _as_it_is(shared: _Shared) -> _Shared:
    """Return a copy of all that a Redis holds."""
    copy = _Shared()
    for generation, partitions in shared.generations.items():
        for number, found in partitions.items():
            copy.generations[generation][number] = _partition_as_it_is(found)
    copy.mark, copy.notes = shared.mark, dict(shared.notes)
    copy.logs = defaultdict(list, {name: list(entries) for name, entries in shared.logs.items()})
    return copy


class CommitSeen(NamedTuple):
    """A commit that was stored: the head before it, and when (virtual seconds)."""

    expected: bytes | None
    at_seconds: float


class Store(MemoryTables):
    """What Redis holds, and what may become of it."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        #: the node that was the primary before a fail-over, and who still writes to it
        self._before: tuple[_Shared, frozenset[str]] | None = None
        #: by partition: head and states at that time, and states of commits that are carried out in part later
        self._torn: dict[int, tuple[bytes | None, dict[str, bytes], dict[str, bytes]]] = {}
        #: until when nothing is answered, by the name of a worker, or to everybody (virtual seconds)
        self.away_until_seconds: dict[str, float] = {}
        #: how often something of what was stored was lost (count)
        self.losses = 0
        #: the ids that the stream ever had: another one after its mark was lost with everything
        self.stream_ids: set[str] = set()
        #: every commit that was ever stored, by its head
        self.commits: dict[bytes, CommitSeen] = {}

    @property
    def generation(self) -> int:
        """The generation that the mark names."""
        return self._shared.mark.generation if self._shared.mark else 0

    def side_of(self, name: str) -> _Shared:
        """Return the node that a worker reads and writes."""
        before = self._before
        return before[0] if before is not None and name in before[1] else self._shared

    def is_away(self, name: str, now_seconds: float) -> bool:
        """Return whether a worker gets no answer."""
        away = self.away_until_seconds
        return now_seconds < max(away.get(EVERYBODY, 0.0), away.get(name, 0.0))

    def saved(self) -> _Shared:
        """Return a backup of everything."""
        return _as_it_is(self._shared)

    def restore(self, backup: _Shared) -> None:
        """Hold what a backup does, and nothing else."""
        self.losses += 1
        self._shared = _as_it_is(backup)
        self._torn.clear()

    def lose_everything(self) -> None:
        """Forget all there is, as a Redis does that starts empty: notes and logs too."""
        self.restore(_Shared())

    def fail_over(self, replica: _Shared, clinging: Collection[str]) -> None:
        """Go on with what a replica held; some workers go on with the node before, until `end_of_the_old_one`."""
        self._before = (self._shared, frozenset(clinging))
        self.restore(replica)

    def end_of_the_old_one(self) -> None:
        """End the node that was the primary before; what it took since the fail-over is gone."""
        self.losses += 1
        self._before = None

    def fall_back_within_a_commit(self, backup: _Shared) -> None:
        """Hold what a backup does, but for states that lie in the append-only file within a transaction without an end.

        A transaction begins with those that it writes to their places; its entry of the redo log comes after them.
        """
        partitions, earlier = self._partitions, backup.generations[self.generation]
        torn = {
            number: (before.head, before.states, _changed(before.states, partitions[number].states))
            for number, before in earlier.items()
        }
        self.restore(backup)
        self._torn = torn

    def load_again(self) -> bool:
        """Carry out what lies there, where a commit has closed the transaction since; return whether there was one."""
        closed = [number for number, torn in self._torn.items() if self._partitions[number].head != torn[0]]
        for number in closed:
            _, before, states = self._torn.pop(number)
            found = self._partitions[number]
            found.states |= {
                name: state for name, state in states.items() if found.states.get(name) == before.get(name)
            }
            found.torn = bool(states)
        return bool(closed)


def _changed(before: dict[str, bytes], after: dict[str, bytes]) -> dict[str, bytes]:
    return {name: state for name, state in after.items() if before.get(name) != state}


class View(MemoryTables):
    """The tables as one connection finds them: of the node that it has, of the generation that it read first."""

    def __init__(self, store: Store, name: str, generation: int | None = None) -> None:
        """Take the store, and the name of the worker."""
        self._store = store
        self._name = name
        self._generation = generation

    @property
    def _shared(self) -> _Shared:  # type: ignore[override]
        return self._store.side_of(self._name)


class Connection:
    """One worker's way to the store: implements `streams.tables.Tables`.

    A call that fails may have taken effect or not; whoever called cannot know.
    """

    def __init__(
        self, store: Store, simulation: Simulation, name: str, *, latency_seconds: float, failures: float,
        generation: int | None = None,
    ) -> None:  # fmt: skip
        """Take the store.

        Args:
            store: What all workers share.
            simulation: Where time and randomness come from.
            name: Of the worker.
            latency_seconds: Mean duration of each way.
            failures: Share of ways on which a call gets lost.
            generation: Of the tables; None: the one that the mark names when it is read first.
        """
        self._all = store
        self._store = View(store, name, generation)
        self._simulation = simulation
        self._draws = simulation.draws(f"connection/{name}")
        self._latency_seconds = latency_seconds
        self._failures = failures
        self.name = name

    async def _travel(self, step: str) -> None:
        await asyncio.sleep(self._draws.expovariate(1 / self._latency_seconds))
        await self._simulation.trap(step)
        away = self._all.is_away(self.name, self._simulation.loop.time())
        if away or self._draws.random() < self._failures:
            raise TablesUnavailable("Redis", "simulated")

    async def _call(self, call: Callable[[], Awaitable[_T]], what: str = "") -> _T:
        """Call; one that is named can be interrupted on its way back too."""
        await self._travel(f"{what}:asked")
        answer = await call()
        if what:
            await self._travel(f"{what}:answered")
        return answer

    @property
    def generation(self) -> int:
        """See `Tables`."""
        return self._store.generation

    def beside(self, generation: int | None) -> Connection:
        """See `Tables`."""
        return Connection(
            self._all, self._simulation, self.name, latency_seconds=self._latency_seconds, failures=self._failures,
            generation=generation,
        )  # fmt: skip

    def anew(self) -> Connection:
        """Return a connection that has read no mark yet."""
        return self.beside(None)

    async def switch(self, expected: StreamMark, mark: StreamMark) -> bool:
        """See `Tables`."""
        return await self._call(lambda: self._store.switch(expected, mark), "switch")

    async def discard(self, partition: int, *, held: bytes | None = None) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.discard(partition, held=held), "discard")

    async def load(self, partition: int, since: Stored | None = None) -> Stored:
        """See `Tables`."""
        return await self._call(lambda: self._store.load(partition), "load")

    async def read_head(self, partition: int) -> bytes | None:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_head(partition))

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_states(partition, customers))

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """See `Tables`."""
        async for found in self._store.scan_states(partitions):
            await self._travel("scan")
            yield found

    async def scan_customers(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[str]]]:
        """See `Tables`."""
        async for found in self._store.scan_customers(partitions):
            await self._travel("scan")
            yield found

    async def read_redo(self, partition: int) -> Redo:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_redo(partition), "read_redo")

    async def read_written(
        self, partition: int, customers: Sequence[str], *, under: Under | None = None
    ) -> list[bytes | None]:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_written(partition, customers, under=under), "read_written")

    async def read_spans(self, partition: int, spans: Sequence[int], *, under: Under | None = None) -> Cells:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_spans(partition, spans, under=under), "read_spans")

    async def read_group(self, partition: int, group: int, *, under: Under | None = None) -> Cells:
        """See `Tables`."""
        return await self._call(lambda: self._store.read_group(partition, group, under=under), "read_group")

    async def snapshot(
        self, partition: int, groups: Sequence[int], since: Stored | None = None
    ) -> tuple[Stored, Cells]:
        """See `Tables`."""
        return await self._call(lambda: self._store.snapshot(partition, groups, since))

    async def restated(
        self, partition: int, periods: Sequence[str] = (), *, under: Under | None = None
    ) -> dict[str, Restated]:
        """See `Tables`."""
        return await self._call(lambda: self._store.restated(partition, periods, under=under))

    async def restatements(self, partition: int, period: str, *, under: Under | None = None) -> list[bytes]:
        """See `Tables`."""
        return await self._call(lambda: self._store.restatements(partition, period, under=under))

    async def commit(self, partition: int, commit: Commit) -> None:
        """See `Tables`."""
        what = "commit" if commit.written.kept is None else "checkpoint"
        await self._call(lambda: self._commit(partition, commit), what)
        self._simulation.note(self.name, "committed", partition)

    async def _commit(self, partition: int, commit: Commit) -> None:
        await self._store.commit(partition, commit)
        self._all.commits.setdefault(commit.head, CommitSeen(commit.expected, self._simulation.loop.time()))

    async def ask_to_forget(self, partition: int, customer: str, request: bytes, known: bytes | None = None) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.ask_to_forget(partition, customer, request, known))

    async def forget_requests(self, partition: int) -> dict[str, bytes]:
        """See `Tables`."""
        return await self._call(lambda: self._store.forget_requests(partition))

    async def clear(self, partition: int) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.clear(partition), "clear")

    async def mark(self, mark: StreamMark) -> StreamMark:
        """See `Tables`."""
        found = await self._call(lambda: self._store.mark(mark), "mark")
        self._all.stream_ids.add(found.id)
        return found

    async def read_mark(self) -> StreamMark | None:
        """See `Tables`."""
        return await self._call(self._store.read_mark)

    async def note(self, name: str, value: bytes | None) -> bytes | None:
        """See `Tables`."""
        return await self._call(lambda: self._store.note(name, value), "note")

    async def append(self, name: str, entry: bytes) -> None:
        """See `Tables`."""
        await self._call(lambda: self._store.append(name, entry))

    async def entries(self, name: str, first: int = 0) -> list[bytes]:
        """See `Tables`."""
        return await self._call(lambda: self._store.entries(name, first))

    async def close(self) -> None:
        """See `Tables`."""
