"""Bugs planted in the product, one at a time: a simulation that does not find them looks at nothing.

Each is what a tired colleague might write. Only for tests; nothing in the product knows of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from kpis.counting.cells import Cells, newest
from kpis.counting.rolling import RollingCounts
from kpis.fold.context import FoldContext
from kpis.surveys.sent import SentRequests
from streams.batching import locating
from streams.batching.locating import LocatingConsumer
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import EmbeddedConsumer
from streams.errors import Conflict
from streams.holding import Hold, unheld
from streams.partition import applying, partition, state
from streams.partition.outbox import DeadLetter, Delivery, LogOutbox
from streams.partition.partition import Partition
from streams.partition.state import PartitionState
from streams.partition.unwritten import Unwritten
from streams.redo import newest_states
from streams.tables import Commit, Written, positions_of
from tenure.rebuilding.from_tables import TablesBuilder
from tenure.worker.exporter import Exporter
from tenure.worker.mark_watch import MarkWatch
from tests.simulation.plan import Plan

_commit: Final = MemoryTables.commit
_reload: Final = Partition._reload
_accept: Final = Partition._accept
_send: Final = LogOutbox.send
_hold: Final = PartitionState.__init__
_written: Final = PartitionState._written
_take_over: Final = Unwritten.__init__
_commit_of: Final = PartitionState.commit
_take_away: Final = applying._take_away
_write_down: Final = FoldContext.write_down
_change: Final = RollingCounts.change
_exposition: Final = Exporter.exposition
_bury: Final = Partition._bury
_finish: Final = TablesBuilder.finish


async def _commit_without_a_fence(self: MemoryTables, partition: int, commit: Commit) -> None:
    """Store whatever comes, whoever has written since."""
    found = self._partitions[partition]
    await _commit(self, partition, commit._replace(expected=found.head))


async def _reload_only_the_head(self: Partition, conflict: Conflict) -> None:
    """Take a conflict for a matter of the fence alone: commit again over what the other one has stored."""
    del conflict
    stored = await self._until_done(lambda: self._context.tables.load(self.number))
    self._held.stored_head = stored.head


async def _reload_but_keep_states(self: Partition, conflict: Conflict) -> None:
    """Spare Redis the load: what is cached was right a moment ago."""
    states = self._held.states
    await _reload(self, conflict)
    self._held.states = states


async def _send_and_do_not_wait(self: LogOutbox, delivery: Delivery) -> None:
    """Let the commit go first: what is still to be sent dies with the worker."""

    async def later() -> None:
        await asyncio.sleep(2)
        await _send(self, delivery)

    asyncio.get_running_loop().create_task(later())


def _accept_twice(self: Partition, batches: Any) -> tuple[list[Any], Any, Any]:
    """Apply what a batch holds again: identities hide most of it, dead letters and tests would count twice."""
    records, positions, last_ms = _accept(self, batches)
    return [*records, *records], positions, last_ms


def _trust_a_torn_commit(self: MemoryTables, partition: int) -> Any:
    """Read whatever is there: positions and states were stored together, so they must belong together."""
    return self._partitions[partition]


async def _write_before_the_fence(self: MemoryTables, partition: int, commit: Commit) -> None:
    """Spare the transaction what is large: it was committed long ago, whoever writes it."""
    found = self._partitions[partition]
    found.states.update(commit.written.states)
    await _commit(self, partition, commit)


def _let_entries_go_unwritten(self: PartitionState, *arguments: Any) -> Written:
    """Cut the redo log when it is long, as any log."""
    return Written(kept=_written(self, *arguments).kept)


def _let_one_entry_too_many_go(self: PartitionState, *arguments: Any) -> Written:
    """Forget that the commit adds an entry too."""
    written = _written(self, *arguments)
    return written if written.kept in (None, 1) else written._replace(kept=written.kept - 1)


def _begin_without_the_log(self: PartitionState, number: int, context: Any, stored: Any, *, cache: int) -> None:
    """Take what lies in its place for all there is."""
    _hold(self, number, context, stored._replace(redo=()), cache=cache)


def _begin_without_the_cells_of_the_log(
    self: PartitionState, number: int, context: Any, stored: Any, *, cache: int
) -> None:
    """Take states out of the redo log, and counters from their places."""
    _hold(self, number, context, stored, cache=cache)
    self.cells = type(self.cells)()


def _begin_with_entries_taken_for_written(self: Unwritten, entries: Any, limits: Any, states: Any) -> None:
    """Leave to the writer before what the writer before had not written."""
    _take_over(self, entries, limits, states)
    self._entries.clear()


async def _reload_but_keep_the_log(self: Partition, conflict: Conflict) -> None:
    """Go on with the redo log as it was known: only its end can have changed."""
    unwritten = self._held.unwritten
    await _reload(self, conflict)
    self._held.unwritten = unwritten


def _take_all(self: PartitionState, cells: Any) -> None:
    """Take over what was read: it comes from the tables, and they are right."""
    self.cells.update(*cells)


def _know_all_spans(self: PartitionState, spans: Any) -> list[int]:
    """Write spans as memory has them, read or not."""
    del self, spans
    return []


def _newest_the_other_way(parts: Sequence[Cells]) -> Cells:
    """Read the log from its end: whatever comes first there is the newest."""
    return newest(parts[::-1])


def _begin_with_the_oldest_states(self: Unwritten, entries: Any, limits: Any, states: Any) -> None:
    """Read the log from its end."""
    _take_over(self, entries, limits, states)
    for customer, oldest in newest_states(entries[::-1]).items():
        states.put(customer, oldest)


def _store_the_change(amounts: Any, changes: Any) -> Any:
    """Let whoever reads add up what is stored."""
    del amounts
    return changes


def _commit_without_names(self: PartitionState, **arguments: Any) -> Commit:
    """Store names with the next batch that has any."""
    return _commit_of(self, **arguments)._replace(names={})


def _take_a_group_for_read(self: PartitionState, group: int, cells: Cells) -> None:
    """Note that a group was read, and go on."""
    del cells
    self.unread.discard(group)


def _accept_all_but_the_last(self: Partition, batches: Any) -> tuple[list[Any], Any, Any]:
    """Count to the end of a batch, and leave that to the next one."""
    records, positions, last_ms = _accept(self, batches)
    return list(records[:-1] if len(records) > 3 else records), positions, last_ms


def _commit_behind_the_fence(self: MemoryTables, number: int, commit: Commit) -> Any:
    """Compare positions alone: whoever has counted as far has counted the same."""
    found = self._partitions[number]
    same = found.head is not None and commit.expected is not None
    if same and positions_of(found.head) == positions_of(commit.expected):
        commit = commit._replace(expected=found.head)
    return _commit(self, number, commit)


async def _mend_by_believing(self: MemoryTables, number: int) -> None:
    """Go on with what is there, where half of a commit is in it."""
    self._partitions[number].torn = False


def _take_away_and_forget(*arguments: Any) -> Any:
    """Take events of other partitions' customers out, and leave them to whoever reads these."""
    return _take_away(*arguments)._replace(forwards=[])


def _take_nothing_away(*_: Any) -> Any:
    """Count events where they lie."""
    return applying._NOTHING_AWAY


def _know_no_copy(*_: Any) -> bool:
    """Take a record that came from another partition for one like any other."""
    return False


async def _send_no_dead_letters(self: LogOutbox, delivery: Delivery) -> None:
    """Send what counts."""
    delivery.waiting = [parcel for parcel in delivery.waiting if not isinstance(parcel, DeadLetter)]
    await _send(self, delivery)


def _write_down_the_new(self: FoldContext, customer: Any, before: Any, since: int) -> Any:
    """Write down what a customer adds now, as of the change."""
    return _write_down(self, customer, before, since + 1)


async def _know_no_offsets(self: EmbeddedConsumer, tps: Any) -> dict[Any, Any]:
    """Take tables that are lost for those of a new stream."""
    del self, tps
    return {}


async def _read_what_there_is(
    self: LocatingConsumer, tp: Any, position: int, lease: Any, *, is_stored: bool = True
) -> None:
    """Go on with the first record that the log still has."""
    del position, is_stored
    ranges = await self._ranges([tp])
    if lease.valid:
        self._begin(tp, ranges[tp].earliest, lease)


def _see_no_difference(known: str | None, found: str | None) -> bool:
    """Take a topic for the one of that name."""
    del known, found
    return False


async def _bury_without_a_tombstone(
    self: Partition, customer_id: str, state: bytes | None, request: Any, key: Any
) -> Any:
    """Forget the customer, and let whatever comes later begin anew."""
    sender, self._context.outbox.send = self._context.outbox.send, _send_nothing  # type: ignore[method-assign]
    try:
        return await _bury(self, customer_id, state, request, key)
    finally:
        self._context.outbox.send = sender  # type: ignore[method-assign]


async def _send_nothing(delivery: Delivery) -> None:
    del delivery


async def _commit_and_keep_the_state(self: MemoryTables, number: int, commit: Commit) -> None:
    """Let the state of a forgotten customer be: nobody will ask for it."""
    await _commit(self, number, commit._replace(erasure=commit.erasure._replace(gone=())))


async def _take_without_holding(self: Hold, number: int, **_: Any) -> bytes | None:
    """Look at a partition, and trust that it stays as it is."""
    return unheld(await self._tables.read_head(number))


async def _finish_without_another_look(self: TablesBuilder, heads: Any) -> None:
    """Store what was taken over: little can have come since."""
    self._pass = _nothing_more  # type: ignore[method-assign]
    await _finish(self, heads)


async def _nothing_more() -> None:
    """Do nothing."""


async def _never_look(self: MarkWatch) -> None:
    """Stay with the tables that were there at the start."""
    del self


def _ask_again(self: SentRequests, *_: Any) -> bool:
    """Ask whoever is due."""
    del self
    return False


def _change_twice(self: RollingCounts, *arguments: Any) -> None:
    """Have what was committed in the counts at once, and when it is there."""
    _change(self, *arguments)
    _change(self, *arguments)


async def _show_what_was(self: Exporter) -> bytes:
    """Show every other time what was shown first, to spare a scrape the sums."""
    text = await _exposition(self)
    first: bytes = self.__dict__.setdefault("first_counts", self._counts)
    turn: int = self.__dict__.setdefault("turn", 0)
    self.__dict__["turn"] = turn + 1
    return text.replace(self._counts, first) if turn % 2 and self._counts and first else text


_ZOMBIES: Final = ("freeze", "freeze_within", "swizzle", "fail_over")
_LOSSES: Final = ("lose_commits", "restore_a_backup", "fail_over", "lose_within", "start_empty")
_KILLS: Final = ("crash", "kill_within")
_TORN: Final = ("tear_a_commit",)


class Mutant(NamedTuple):
    """A bug.

    Attributes:
        owner: The class or module in which it is planted.
        name: Of what it replaces there.
        wrong: The bug.
        family: In which kind of runs it is looked for.
        faults: Runs without any of these are passed over: none of them would find it.
    """

    owner: Any
    name: str
    wrong: Callable[..., Any]
    family: str = "usual"
    faults: Collection[str] = ()

    def plans(self, seeds: int) -> Iterator[Plan]:
        """Yield those of the first plans in which it is looked for; none that takes hours."""
        for plan in map(Plan, range(seeds)):
            kinds = {fault.kind for fault in plan.planned_faults()}
            if plan.kind == self.family and not plan.is_long and (not self.faults or kinds & {*self.faults}):
                yield plan


MUTANTS: Final[dict[str, Mutant]] = {
    "tables without a fence": Mutant(MemoryTables, "commit", _commit_without_a_fence, faults=_ZOMBIES),
    "a fence of positions alone": Mutant(MemoryTables, "commit", _commit_behind_the_fence, faults=_ZOMBIES),
    "a partition that ignores conflicts": Mutant(Partition, "_reload", _reload_only_the_head, faults=_LOSSES),
    "states kept over a conflict": Mutant(Partition, "_reload", _reload_but_keep_states, faults=_LOSSES),
    "a commit that does not wait for dead letters": Mutant(LogOutbox, "send", _send_and_do_not_wait, faults=_KILLS),
    "half of a commit taken for a whole one": Mutant(MemoryTables, "_whole", _trust_a_torn_commit, faults=_TORN),
    "half of a commit mended by believing it": Mutant(MemoryTables, "clear", _mend_by_believing, faults=_TORN),
    "batches applied twice": Mutant(Partition, "_accept", _accept_twice),
    "a batch whose last record is skipped": Mutant(Partition, "_accept", _accept_all_but_the_last),
    "states written to their places before the fence": Mutant(
        MemoryTables, "commit", _write_before_the_fence, faults=_ZOMBIES
    ),
    "a redo log that is cut without writing": Mutant(PartitionState, "_written", _let_entries_go_unwritten),
    "a redo log that is cut one entry too far": Mutant(
        PartitionState, "_written", _let_one_entry_too_many_go, faults=_KILLS
    ),
    "a successor that does not read the redo log": Mutant(
        PartitionState, "__init__", _begin_without_the_log, faults=_KILLS
    ),
    "a successor that takes no cells out of it": Mutant(
        PartitionState, "__init__", _begin_without_the_cells_of_the_log, faults=_KILLS
    ),
    "a successor that takes it for written": Mutant(
        Unwritten, "__init__", _begin_with_entries_taken_for_written, faults=_KILLS
    ),
    "the oldest cells of the log": Mutant(state, "newest", _newest_the_other_way),
    "the oldest states of the log": Mutant(Unwritten, "__init__", _begin_with_the_oldest_states),
    "a redo log kept over a conflict": Mutant(Partition, "_reload", _reload_but_keep_the_log, faults=_LOSSES),
    "cells in their places that replace newer ones": Mutant(PartitionState, "_take", _take_all, faults=_KILLS),
    "spans written without the cells that were not read": Mutant(PartitionState, "unread_of", _know_all_spans),
    "a group of cells taken for read": Mutant(PartitionState, "take_group", _take_a_group_for_read),
    "changes stored as amounts": Mutant(partition, "added", _store_the_change),
    "names that are not stored": Mutant(PartitionState, "commit", _commit_without_names),
    "rows that miss the bucket of a change": Mutant(FoldContext, "write_down", _write_down_the_new),
    "events of other partitions dropped": Mutant(applying, "_take_away", _take_away_and_forget),
    "events of other partitions kept": Mutant(applying, "_take_away", _take_nothing_away),
    "copies taken for records": Mutant(applying, "is_copy", _know_no_copy, faults=_LOSSES),
    "dead letters that nobody sends": Mutant(LogOutbox, "send", _send_no_dead_letters),
    "counts changed twice": Mutant(RollingCounts, "change", _change_twice, "observed"),
    "lost tables taken for a new stream": Mutant(EmbeddedConsumer, "_committed", _know_no_offsets, "losing"),
    "lost records that nobody misses": Mutant(LocatingConsumer, "_halt_unless_found", _read_what_there_is, "losing"),
    "a topic made anew taken for the old one": Mutant(locating, "_differ", _see_no_difference, "losing"),
    "a customer forgotten without a tombstone": Mutant(Partition, "_bury", _bury_without_a_tombstone, "forgetting"),
    "a state that stays when its customer is forgotten": Mutant(
        MemoryTables, "commit", _commit_and_keep_the_state, "forgetting"
    ),
    "tables that are copied while they change": Mutant(Hold, "take", _take_without_holding, "rebuilding"),
    "new tables without what came meanwhile": Mutant(
        TablesBuilder, "finish", _finish_without_another_look, "rebuilding"
    ),
    "workers that stay with the old tables": Mutant(MarkWatch, "run", _never_look, "rebuilding"),
    "customers who are asked again": Mutant(SentRequests, "is_quiet", _ask_again, "asking"),
    "counts that go back": Mutant(Exporter, "exposition", _show_what_was, "observed"),
}
"""By what a colleague would say of it."""


@contextlib.contextmanager
def planted(name: str) -> Iterator[Mutant]:
    """Run with a bug."""
    mutant = MUTANTS[name]
    right = getattr(mutant.owner, mutant.name)
    setattr(mutant.owner, mutant.name, mutant.wrong)
    try:
        yield mutant
    finally:
        setattr(mutant.owner, mutant.name, right)
