"""Bugs planted in the product, one at a time: a simulation that does not find them looks at nothing.

Each is what a tired colleague might write. Only for tests; nothing in the product knows of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from streams.embedded.tables import MemoryTables
from streams.errors import Conflict
from streams.partition.outbox import Delivery, LogOutbox
from streams.partition.partition import Partition
from streams.partition.state import PartitionState
from streams.partition.unwritten import Unwritten
from streams.tables import Commit, Written

_commit: Final = MemoryTables.commit
_reload: Final = Partition._reload
_accept: Final = Partition._accept
_send: Final = LogOutbox.send
_hold: Final = PartitionState.__init__
_written: Final = PartitionState._written
_take_over: Final = Unwritten.__init__


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


def _begin_with_entries_taken_for_written(self: Unwritten, entries: Any, limits: Any) -> None:
    """Leave to the writer before what the writer before had not written."""
    _take_over(self, entries, limits)
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


MUTANTS: Final[dict[str, tuple[type[Any], str, Callable[..., Any]]]] = {
    "tables without a fence": (MemoryTables, "commit", _commit_without_a_fence),
    "a partition that ignores conflicts": (Partition, "_reload", _reload_only_the_head),
    "states kept over a conflict": (Partition, "_reload", _reload_but_keep_states),
    "a commit that does not wait for dead letters": (LogOutbox, "send", _send_and_do_not_wait),
    "half of a commit taken for a whole one": (MemoryTables, "_whole", _trust_a_torn_commit),
    "batches applied twice": (Partition, "_accept", _accept_twice),
    "states written to their places before the fence": (MemoryTables, "commit", _write_before_the_fence),
    "a redo log that is cut without writing": (PartitionState, "_written", _let_entries_go_unwritten),
    "a redo log that is cut one entry too far": (PartitionState, "_written", _let_one_entry_too_many_go),
    "a successor that does not read the redo log": (PartitionState, "__init__", _begin_without_the_log),
    "a successor that takes no cells out of it": (PartitionState, "__init__", _begin_without_the_cells_of_the_log),
    "a successor that takes it for written": (Unwritten, "__init__", _begin_with_entries_taken_for_written),
    "a redo log kept over a conflict": (Partition, "_reload", _reload_but_keep_the_log),
    "cells in their places that replace newer ones": (PartitionState, "_take", _take_all),
    "spans written without the cells that were not read": (PartitionState, "unread_of", _know_all_spans),
}


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Run with a bug."""
    owner, method, wrong = MUTANTS[name]
    right = getattr(owner, method)
    setattr(owner, method, wrong)
    try:
        yield
    finally:
        setattr(owner, method, right)
