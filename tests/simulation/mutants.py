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
from streams.tables import Commit

_commit: Final = MemoryTables.commit
_reload: Final = Partition._reload
_accept: Final = Partition._accept
_send: Final = LogOutbox.send


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


MUTANTS: Final[dict[str, tuple[type[Any], str, Callable[..., Any]]]] = {
    "tables without a fence": (MemoryTables, "commit", _commit_without_a_fence),
    "a partition that ignores conflicts": (Partition, "_reload", _reload_only_the_head),
    "states kept over a conflict": (Partition, "_reload", _reload_but_keep_states),
    "a commit that does not wait for dead letters": (LogOutbox, "send", _send_and_do_not_wait),
    "half of a commit taken for a whole one": (MemoryTables, "_whole", _trust_a_torn_commit),
    "batches applied twice": (Partition, "_accept", _accept_twice),
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
