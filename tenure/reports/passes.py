"""Passes over all customers: what they come to is kept, and only partitions that have changed are read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from kpis.customer.state import Customer, decode
from kpis.names import Names
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.reports.scan_thread import Progress, Scanning, ScanThread
from tenure.stored.customers import Slice, scan_all
from tenure.stored.opening import running_tables
from tenure.stored.reading import stored_heads


class Collector(Protocol):
    """A collector of the customers of one partition; its names may grow meanwhile."""

    def take(self, taken: Iterable[Any], /) -> None:
        """Take some customers, as they were unpacked."""


Taking = TypeVar("Taking", bound=Collector)
Made = TypeVar("Made")


class _Pass(NamedTuple, Generic[Made]):
    heads: Mapping[int, bytes | None]
    made: Mapping[int, Made]


def _decoded(part: Slice) -> Iterable[Customer]:
    return (decode(state) for _, state in part.states)


class Passes(Generic[Taking, Made]):
    """The last pass over all customers; several threads may ask at once, for a pass is replaced as a whole.

    Args:
        begin: Returns what makes a collector for the names of a partition.
        end: Returns what is kept of a collector that has taken all customers of its partition.
        unpacked: Makes of stored customers what a collector takes.
        thread: Where passes over a running stream go on when whoever asked is given up; None: they end with who asked.
    """

    def __init__(
        self,
        begin: Callable[[Settings], Callable[[Names], Taking]],
        end: Callable[[Taking], Made],
        *,
        unpacked: Callable[[Slice], Iterable[Any]] = _decoded,
        thread: ScanThread | None = None,
    ) -> None:
        self._begin, self._end, self._unpacked = begin, end, unpacked
        self._last: _Pass[Made] = _Pass({}, {})
        self._thread, self._lock = thread, Lock()
        self._scanning: Scanning[Mapping[int, Made]] | None = None

    @property
    def heads(self) -> Mapping[int, bytes | None]:
        """The heads of partitions as the last pass found them; none before the first."""
        return self._last.heads

    def heads_of(self, made: Mapping[int, Made]) -> Mapping[int, bytes | None]:
        """Return the heads of partitions as the pass found them that made this; none where another came since."""
        last = self._last
        return last.heads if last.made is made else {}

    @property
    def answers(self) -> bool:
        """True where a pass goes on, or has ended when nobody waited: it answers who asks now."""
        return self._scanning is not None and self._scanning.answers

    def give_up(self) -> None:
        """End a pass that goes on."""
        if self._scanning is not None:
            self._scanning.give_up()

    async def read(self, settings: Settings, tables: Tables, partitions: int) -> Mapping[int, Made]:
        """Return what is made of each partition; the same mapping where none has changed.

        A pass that goes on already, or has ended when nobody waited, answers too: as of when it began.

        Raises:
            NotScannedYet: The report was given up, and its pass goes on.
            TenureError: As `scan_all`.
        """
        last = self._last
        heads = await stored_heads(tables, partitions)
        if last.heads == heads:
            return last.made
        if self._thread is None:
            return await self._pass(settings, tables, heads, lambda _: None)
        with self._lock:
            scanning = self._scanning
            if scanning is None or not scanning.answers:
                scanning = self._scanning = Scanning(self._thread, lambda progress: self._beside(settings, progress))
        return await scanning.wait()

    async def _beside(self, settings: Settings, progress: Progress) -> Mapping[int, Made]:
        async with running_tables(settings) as (tables, mark):
            return await self._pass(settings, tables, await stored_heads(tables, mark.partitions), progress)

    async def _pass(
        self, settings: Settings, tables: Tables, heads: Mapping[int, bytes | None], progress: Progress
    ) -> Mapping[int, Made]:
        last = self._last
        stale = [each for each, head in heads.items() if each not in last.heads or last.heads[each] != head]
        collector, found = self._begin(settings), dict[int, Taking]()
        async for part in scan_all(settings, tables, stale):
            if part.partition not in found:
                found[part.partition] = collector(part.names)
            found[part.partition].take(self._unpacked(part))
            progress(len(part.states))
        known = {each: made for each, made in last.made.items() if each in heads and each not in stale}
        made = known | {partition: self._end(taken) for partition, taken in found.items()}
        self._last = _Pass(heads, {each: made[each] for each in sorted(made)})
        return self._last.made
