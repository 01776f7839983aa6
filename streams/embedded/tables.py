"""Tables in memory: the twin of those on Redis, for replays and tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from kpis.counting.cells import Cells, newest, of_groups
from kpis.counting.spans import SPAN_FIELD_BITS, unpacked
from kpis.names import TABLES
from streams.errors import CommitTorn, Conflict
from streams.redo import cells_of, entry_of, newest_states
from streams.tables import RESTATEMENTS_KEPT, Commit, Redo, Restated, Stored, StreamMark, Under, positions_of

_SLICE: Final = 1000


class _Partition:
    def __init__(self) -> None:
        self.head: bytes | None = None
        #: half of a commit was carried out: never so in memory, but tests simulate it
        self.torn = False
        self.names: dict[str, list[str]] = defaultdict(list)
        #: as they are written in their places, without what the redo log has
        self.states: dict[str, bytes] = {}
        self.spans: dict[int, dict[int, bytes]] = defaultdict(dict)
        self.redo: list[bytes] = []
        self.restated: dict[str, Restated] = {}
        self.requests: dict[str, bytes] = {}

    def all_states(self) -> dict[str, bytes]:
        return self.states | newest_states(self.redo)


class _Shared:
    def __init__(self) -> None:
        self.generations: dict[int, dict[int, _Partition]] = defaultdict(lambda: defaultdict(_Partition))
        self.mark: StreamMark | None = None
        self.notes: dict[str, bytes] = {}
        self.logs: dict[str, list[bytes]] = defaultdict(list)


class MemoryTables:
    """Implements `streams.tables.Tables`; several workers of one process may share it."""

    def __init__(self) -> None:
        """Start empty."""
        self._shared = _Shared()
        self._generation: int | None = None

    @property
    def generation(self) -> int:
        """See `Tables`."""
        return self._generation or 0

    @property
    def _partitions(self) -> dict[int, _Partition]:
        return self._shared.generations[self.generation]

    @_partitions.setter
    def _partitions(self, found: dict[int, _Partition]) -> None:
        self._shared.generations[self.generation] = found

    def beside(self, generation: int) -> MemoryTables:
        """See `Tables`."""
        found = MemoryTables()
        found._shared, found._generation = self._shared, generation
        return found

    async def switch(self, expected: StreamMark, mark: StreamMark) -> bool:
        """See `Tables`."""
        if self._shared.mark != expected:
            return False
        self._shared.mark = mark
        return True

    async def discard(self, partition: int, *, held: bytes | None = None) -> None:
        """See `Tables`."""
        found = self._partitions[partition]
        if held is not None and found.head != held:
            raise Conflict(partition, {}, positions_of(found.head))
        del self._partitions[partition]
        if held is not None:
            self._partitions[partition].head = held

    async def load(self, partition: int, since: Stored | None = None) -> Stored:
        """See `Tables`."""
        found = self._whole(partition)
        return Stored(found.head, {table: list(found.names.get(table, ())) for table in TABLES})

    async def read_head(self, partition: int) -> bytes | None:
        """See `Tables`."""
        return self._whole(partition).head

    def _whole(self, partition: int) -> _Partition:
        found = self._partitions[partition]
        if found.torn:
            raise CommitTorn(partition)
        return found

    def _under(self, partition: int, under: Under | None) -> _Partition:
        found = self._partitions[partition]
        if under is not None and found.head != under.head:
            raise Conflict(partition, positions_of(under.head), positions_of(found.head))
        return found

    async def read_redo(self, partition: int) -> Redo:
        """See `Tables`."""
        found = self._whole(partition)
        return Redo(found.head, list(found.redo))

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """See `Tables`."""
        found = self._partitions[partition]
        newer = newest_states(found.redo)
        return [newer.get(customer, found.states.get(customer)) for customer in customers]

    async def read_written(
        self, partition: int, customers: Sequence[str], *, under: Under | None = None
    ) -> list[bytes | None]:
        """See `Tables`."""
        states = self._under(partition, under).states
        return [states.get(customer) for customer in customers]

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """See `Tables`."""
        for partition in partitions:
            states = list(self._partitions[partition].all_states().items())
            for at in range(0, len(states), _SLICE):
                yield partition, states[at : at + _SLICE]

    async def scan_customers(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[str]]]:
        """See `Tables`."""
        for partition in partitions:
            customers = list(self._partitions[partition].all_states())
            for at in range(0, len(customers), _SLICE):
                yield partition, customers[at : at + _SLICE]

    async def read_spans(self, partition: int, spans: Sequence[int], *, under: Under | None = None) -> Cells:
        """See `Tables`."""
        there = self._under(partition, under).spans
        return unpacked(spans, [there[span >> SPAN_FIELD_BITS].get(span, b"") for span in spans])

    async def read_group(self, partition: int, group: int, *, under: Under | None = None) -> Cells:
        """See `Tables`."""
        there = self._under(partition, under).spans[group]
        spans = sorted(there)
        return unpacked(spans, [there[span] for span in spans])

    async def snapshot(
        self, partition: int, groups: Sequence[int], since: Stored | None = None
    ) -> tuple[Stored, Cells]:
        """See `Tables`."""
        found = self._whole(partition)
        places = groups if since is None else list(found.spans)
        parts = [await self.read_group(partition, group) for group in places]
        cells = newest([*parts, *(cells_of(entry) for entry in found.redo)])
        return await self.load(partition), of_groups(cells, groups) if since is None else cells

    async def restated(
        self, partition: int, periods: Sequence[str] = (), *, under: Under | None = None
    ) -> dict[str, Restated]:
        """See `Tables`."""
        self._under(partition, under)
        return {
            period: Restated(found.revision, dict(found.changes), list(found.entries) if period in periods else [])
            for period, found in self._whole(partition).restated.items()
        }

    async def restatements(self, partition: int, period: str, *, under: Under | None = None) -> list[bytes]:
        """See `Tables`."""
        self._under(partition, under)
        found = self._whole(partition).restated.get(period)
        return [] if found is None else list(found.entries)

    async def commit(self, partition: int, commit: Commit) -> None:
        """See `Tables`."""
        found = self._whole(partition)
        if found.head == commit.head:
            return  # sent again
        if found.head != commit.expected:
            raise Conflict(partition, positions_of(commit.expected), positions_of(found.head))
        for table, names in commit.names.items():
            found.names[table].extend(names)
        found.redo.append(entry_of(commit.expected, commit.head, commit.cells, commit.states))
        if commit.written.kept is not None:
            found.redo = found.redo[-commit.written.kept :]
        found.states.update(commit.written.states)
        for span, cells in commit.written.spans.items():
            found.spans[span >> SPAN_FIELD_BITS][span] = cells
        for customer in commit.erasure.gone:
            found.states.pop(customer, None)
        for period, entries in commit.erasure.relisted.items():
            found.restated[period] = found.restated[period]._replace(entries=list(entries))
        for customer, request in commit.erasure.requests.items():
            if request is None:
                found.requests.pop(customer, None)
            else:
                found.requests[customer] = request
        for period, entries, revision, changes in commit.restated:
            before = found.restated.get(period) or Restated(0, {}, [])
            kept = [*before.entries, *entries][-RESTATEMENTS_KEPT:]
            found.restated[period] = Restated(revision, {**before.changes, **changes}, kept)
        found.head = commit.head

    async def ask_to_forget(self, partition: int, customer: str, request: bytes, known: bytes | None = None) -> None:
        """See `Tables`."""
        requests = self._partitions[partition].requests
        if requests.get(customer) == known:
            requests[customer] = request

    async def forget_requests(self, partition: int) -> dict[str, bytes]:
        """See `Tables`."""
        return dict(self._partitions[partition].requests)

    async def clear(self, partition: int) -> None:
        """See `Tables`."""
        found = self._partitions[partition]
        if not found.torn:
            raise Conflict(partition, {}, positions_of(found.head))
        del self._partitions[partition]
        self._partitions[partition].requests = found.requests

    async def mark(self, mark: StreamMark) -> StreamMark:
        """See `Tables`."""
        shared = self._shared
        if shared.mark is None:
            shared.mark = mark._replace(generation=self.generation)
        elif not shared.mark.id:
            shared.mark = shared.mark._replace(id=mark.id)
        return self._adopted(shared.mark)

    async def read_mark(self) -> StreamMark | None:
        """See `Tables`."""
        return None if self._shared.mark is None else self._adopted(self._shared.mark)

    def _adopted(self, mark: StreamMark) -> StreamMark:
        if self._generation is None:
            self._generation = mark.generation
        return mark

    async def note(self, name: str, value: bytes | None) -> bytes | None:
        """See `Tables`."""
        if value is not None:
            self._shared.notes[name] = value
        return self._shared.notes.get(name)

    async def append(self, name: str, entry: bytes) -> None:
        """See `Tables`."""
        self._shared.logs[name].append(entry)

    async def entries(self, name: str, first: int = 0) -> list[bytes]:
        """See `Tables`."""
        return self._shared.logs[name][first:]

    async def close(self) -> None:
        """See `Tables`."""

    def tear(self, partition: int) -> None:
        """Have half of a commit in a partition, as only a Redis that crashed can; for tests."""
        self._partitions[partition].torn = True

    def states(self, partition: int) -> dict[str, bytes]:
        """Return a copy of a partition's states; for audits and tests."""
        return self._partitions[partition].all_states()
