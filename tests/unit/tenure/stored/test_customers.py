"""Scans of a stream that goes on meanwhile: no customer is missed, and no number is without its name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection

import pytest

from kpis.counting.cells import EMPTY
from kpis.customer.facts import STATE_VERSION
from streams import errors
from streams.embedded.tables import MemoryTables
from streams.errors import StateUnreadable
from streams.settings.settings import Settings
from streams.tables import Commit, Head, encode_head
from tenure.reports.customers import Source, stretches_of
from tenure.stored.customers import Slice, scan_all
from tests.property.folding import Folded
from tests.recount.options import DEFAULTS
from tests.recount.short_events import Event, signup


class Writer:
    """Folds events into one partition of some tables, a commit a call."""

    def __init__(self, tables: MemoryTables) -> None:
        """Take the tables."""
        self._tables = tables
        self._folded = Folded(DEFAULTS)
        self._head: bytes | None = None
        self._commits = 0

    async def write(self, *events: Event) -> None:
        """Fold and commit; names that are new go with the states that need them."""
        known = dict(self._folded.states[0])
        self._folded.batch([json.dumps(event).encode() for event in events])
        self._commits += 1
        head = encode_head(Head(STATE_VERSION, commits=self._commits))
        states = {name: state for name, state in self._folded.states[0].items() if known.get(name) != state}
        await self._tables.commit(0, Commit(self._head, head, states, EMPTY, self._folded.names[0].take_new()))
        self._head = head


class Overtaken(MemoryTables):
    """Tables to which somebody commits while they are scanned, in slices of one customer."""

    writer: Writer

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """Yield a customer, then have another one sign up to a plan that nobody knew."""
        assert 0 in partitions
        seen: set[str] = set()
        while fresh := [name for name in self.states(0) if name not in seen][:1]:
            seen.update(fresh)
            if len(seen) < 4:
                await self.writer.write(signup(f"new {len(seen)}", "2026-01-05", f"plan {len(seen)}"))
            yield 0, [(name, self.states(0)[name]) for name in fresh]


async def test_names_that_come_during_a_scan_are_known_when_they_are_needed() -> None:
    """A state whose plan has no name yet would be counted under another plan, or end the scan."""
    tables = Overtaken()
    tables.writer = Writer(tables)
    await tables.writer.write(signup("old", "2026-01-05", "plan 0"))
    (stretches,) = await stretches_of(Source(Settings(), tables, partitions=2, at_ms=0))
    names, plans = stretches.values("plan")
    assert [names[plan] for plan in plans.tolist()] == ["plan 0", "plan 1", "plan 2", "plan 3"]


class CountedAnew(MemoryTables):
    """Tables that are removed while they are scanned; names then come in another order."""

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """Yield a customer of before, then one of after."""
        for partition in partitions:
            yield partition, list(self.states(partition).items())
            self.tear(partition)
            await self.clear(partition)
            await Writer(self).write(signup("a", "2026-01-05", "plan 1"))
            yield partition, list(self.states(partition).items())


async def test_a_scan_of_a_partition_that_is_counted_anew_meanwhile_ends() -> None:
    """A name's number is its place; customers of before and after would be told apart by the wrong names."""
    tables = CountedAnew()
    writer = Writer(tables)
    await writer.write(signup("a", "2026-01-05", "plan 0"))
    await writer.write(signup("b", "2026-01-05", "plan 1"))
    with pytest.raises(errors.Overtaken, match="counted anew"):
        async for _ in scan_all(Settings(), tables, [0]):
            pass


async def test_a_scan_of_tables_that_another_version_wrote_is_refused() -> None:
    """Bytes of another layout may decode to another customer's life."""
    tables = MemoryTables()
    await tables.commit(0, Commit(None, encode_head(Head(STATE_VERSION + 1)), {"a": b"?"}, EMPTY, {}))

    async def first() -> Slice:
        return await anext(aiter(scan_all(Settings(), tables, [0])))

    with pytest.raises(StateUnreadable):
        await first()
