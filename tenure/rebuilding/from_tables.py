"""New tables out of those that hold: every customer's facts, spread over as many partitions as wanted, counted anew.

Facts are all that numbers are made of: the counters of the old tables are not looked at. `build` goes through all
customers while the stream goes on; `finish` looks again once the stream is held still, and takes over what has changed.
Not here: comparing and putting in place (`tenure.rebuilding.rebuild`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import xxhash

from kpis.arrays import Ints
from kpis.counting.cells import CellSum, cells_of
from kpis.counting.windows import Windows
from kpis.customer.facts import CONVERTIBLE_VERSIONS, STATE_VERSION
from kpis.customer.pseudonyms import is_pseudonym
from kpis.customer.renumbering import Renumbering
from kpis.customer.state import Customer, decode, encode
from kpis.fold.fold import Fold
from kpis.names import TABLES, Names
from kpis.packing import table_of
from schemas.events import NO_CUSTOMER
from streams.batching.partitioner import partition_of
from streams.copying import copy_commit, in_chunks
from streams.settings.meaning import names_of, windows_of
from streams.settings.settings import Settings
from streams.tables import Commit, Erasure, Head, PeriodUpdate, Tables, encode_head
from tenure.rebuilding.beside import copy_schedules
from tenure.rebuilding.restatements import MovedRestatements
from tenure.stored.customers import Slice, scan_all
from tenure.stored.switching import move_requests

_CELLS_A_COMMIT: Final = 50_000
_STEP: Final = 250
"""Customers between two turns of the event loop (count)."""


class NewPartition:
    """A partition that is being built.

    Args:
        number: Its number.
        settings: What numbers mean.
        tables: Where it is stored: of the new generation.
    """

    def __init__(self, number: int, settings: Settings, tables: Tables) -> None:
        self.number = number
        self.names: Names = names_of(settings)
        self.states: dict[str, bytes] = {}
        self._windows: Windows = windows_of(settings)
        self._fold = Fold(
            self.names,
            bucket_ms=self._windows.bucket_ms,
            what=settings.what_counts,
            max_facts=settings.max_facts_per_customer,
        )
        self._tables = tables
        self._head: bytes | None = None
        self._commits = 0
        self._rows: list[Ints] = []
        self._cells = CellSum()
        self._gone: list[str] = []

    def put(self, customer_id: str, after: Customer, before: Customer, *, gone: bool = False) -> None:
        """Take over a customer's facts in place of those that were taken over before; or none, where they are gone."""
        context = self._fold.context
        context.rows = []
        for _ in context.write_down(after, before, 0):
            pass
        self._rows.append(table_of(context.rows))
        context.rows = []
        if gone:
            self._gone.append(customer_id)
        else:
            self.states[customer_id] = encode(after)

    async def stored(self, customers: Sequence[str]) -> list[Customer]:
        """Return what was taken over of some customers; of those that were not, a customer without facts."""
        found = await self._tables.read_states(self.number, customers) if customers else []
        return [Customer() if state is None else decode(state) for state in found]

    async def store(self) -> None:
        """Store what was put; the counters stay in memory."""
        for rows in self._rows:
            self._cells.add(cells_of(rows, self.names, self._windows))
        self._rows.clear()
        states, gone, self.states, self._gone = self.states, self._gone, {}, []
        names = self.names.take_new()
        if states or names or gone:
            await self._commit(copy_commit(self._head, b"", states=states, names=names, erasure=Erasure(gone=gone)))

    async def finish(self, head: Head, restated: Sequence[PeriodUpdate]) -> None:
        """Store the counters, and then the head."""
        await self.store()
        while self._cells.join():
            await asyncio.sleep(0)
        cells = self._cells.whole()
        for some in in_chunks(cells, _CELLS_A_COMMIT):
            await self._commit(copy_commit(self._head, b"", cells=some))
        await self._tables.commit(self.number, copy_commit(self._head, encode_head(head), restated=restated))

    async def _commit(self, commit: Commit) -> None:
        self._commits += 1
        head = encode_head(Head(STATE_VERSION, commits=self._commits, writer=uuid.uuid4().bytes))
        await self._tables.commit(self.number, commit._replace(head=head))
        self._head = head


class TablesBuilder:
    """Builds new tables out of the facts of those that hold.

    Args:
        settings: What numbers mean from now on.
        source: The tables that hold.
        target: The tables to build, empty.
        in_use: Partitions of the source that have something stored (count).
        counted_with: Partitions over which its customers are spread (count).
        partitions: Those over which they are to be spread, at least as many (count).
        keeps_restatements: Whether those of the source are taken over.
        tell: Told how many customers are taken over, now and then.
    """

    def __init__(
        self, settings: Settings, source: Tables, target: Tables, *, in_use: int, counted_with: int, partitions: int,
        keeps_restatements: bool = True,
        tell: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._source = source
        self._target = target
        self._in_use = in_use
        self._counted_with = counted_with
        self._partitions = partitions
        self._keeps_restatements = keeps_restatements
        self._tell = tell
        self._new = [NewPartition(number, settings, target) for number in range(max(partitions, in_use))]
        self._renumberings: dict[tuple[int, int], Renumbering] = {}
        self._restated = MovedRestatements(settings, in_use=in_use, moves=self.moves)
        #: by customer: where they come from, and a hash of the state that was taken over
        self._taken: dict[str, tuple[int, int]] = {}

    @property
    def moves(self) -> bool:
        """Return whether customers change their partition."""
        return self._partitions != self._counted_with

    @property
    def customers(self) -> int:
        """Return how many customers were taken over (count)."""
        return len(self._taken) - (NO_CUSTOMER in self._taken)

    async def build(self) -> None:
        """Take over all customers while the stream goes on."""
        await self._pass()

    async def finish(self, heads: Mapping[int, Head]) -> None:
        """Take over what has changed since, while nothing changes; then store counters, heads and what else there is.

        Args:
            heads: Of the source, by partition; those that have none are left out.
        """
        before = self._taken
        await self._pass()
        gone = before.keys() - self._taken.keys()
        for number, partition in enumerate(self._new):
            mine = [name for name in gone if self._home(name, before[name][0]) == number]
            for name, state in zip(mine, await partition.stored(mine), strict=True):
                partition.put(name, Customer(), state, gone=True)
            await partition.store()
        restated = self._restated.updates() if self._keeps_restatements else {}
        for number, partition in enumerate(self._new):
            await partition.finish(self._head(number, heads), restated.get(number, ()))
        homes = {
            xxhash.xxh3_64_intdigest(name.encode()): self._home(name, origin)
            for name, (origin, _) in self._taken.items()
        } if self.moves else None  # fmt: skip
        await copy_schedules(self._source, self._target, self._in_use, homes, lambda name: self._home(name, 0))
        await move_requests(self._source, self._target, self._in_use, self._home)

    def _head(self, number: int, heads: Mapping[int, Head]) -> Head:
        """Return the head of a new partition: positions and counts of events stay where the records lie."""
        return msgspec.structs.replace(
            heads.get(number, Head(STATE_VERSION)),
            version=STATE_VERSION,
            writer=uuid.uuid4().bytes,
            # A customer who was forgotten, or will be, may come from any of them.
            tombstones=min((head.tombstones for head in heads.values()), default=0),
            latest_record_ms=max((head.latest_record_ms for head in heads.values()), default=0),
        )

    def _home(self, customer_id: str, origin: int) -> int:
        """Return the partition that a customer comes to lie on; nobody knows where a forgotten one would."""
        if not self.moves or is_pseudonym(customer_id):
            return origin
        return partition_of(customer_id.encode(), self._partitions)

    async def _pass(self) -> None:
        """Go through all customers once; those whose state and restatements were taken over are left alone."""
        before, self._taken = self._taken, {}
        await self._restated.read(self._source)
        async for found in scan_all(
            self._settings, self._source, range(self._in_use), also=CONVERTIBLE_VERSIONS, with_marks=True
        ):
            await self._take(found, before)
        for number, partition in enumerate(self._new):
            if not self.moves and number < self._in_use:
                await self._take_names(number, partition)
            await partition.store()

    async def _take_names(self, number: int, partition: NewPartition) -> None:
        """Give a partition all names that its origin has: rows of reports may have some without a customer."""
        names = names_of(self._settings)
        names.restore((await self._source.load(number)).names)
        _adopt_all(names, partition.names)

    async def _take(self, found: Slice, before: Mapping[str, tuple[int, int]]) -> None:
        by_home: dict[int, list[tuple[str, bytes]]] = {}
        for name, state in found.states:
            taken = self._taken[name] = (found.partition, xxhash.xxh3_64_intdigest(state))
            if before.get(name) != taken or self._restated.has_new(state, found.partition):
                by_home.setdefault(self._home(name, found.partition), []).append((name, state))
        for home, some in by_home.items():
            partition = self._new[home]
            translate = self._translation(found, partition)
            again = [name for name, _ in some if name in before]
            known = dict(zip(again, await partition.stored(again), strict=True))
            for n, (name, state) in enumerate(some):
                if n % _STEP == 0:
                    await asyncio.sleep(0)
                customer = translate(state)
                self._restated.meet(customer, found.partition, home)
                partition.put(name, customer, known.get(name) or Customer())
            await partition.store()
        self._tell(self.customers)

    def _translation(self, found: Slice, partition: NewPartition) -> Callable[[bytes], Customer]:
        """Return what turns a state of a slice into one of a new partition."""
        if not self.moves:
            _adopt_all(found.names, partition.names)
            return decode
        place = (found.partition, partition.number)
        known = self._renumberings.get(place)
        if known is None or known.old is not found.names:  # each pass reads the names anew
            known = Renumbering(found.names, partition.names, partition=found.partition)
            self._renumberings[place] = known
        return known.state


def _adopt_all(old: Names, new: Names) -> None:
    """Give tables the names of others, in their order and so with their numbers."""
    for table in TABLES:
        for name in old.names_of(table):
            new.adopt(table, name)
