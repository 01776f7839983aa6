"""Passes over all customers: what they come to is kept, and only partitions that have changed are read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from kpis.customer.state import Customer, decode
from kpis.names import Names
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.stored.customers import Slice, scan_all


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
    """

    def __init__(
        self,
        begin: Callable[[Settings], Callable[[Names], Taking]],
        end: Callable[[Taking], Made],
        *,
        unpacked: Callable[[Slice], Iterable[Any]] = _decoded,
    ) -> None:
        self._begin, self._end, self._unpacked = begin, end, unpacked
        self._last: _Pass[Made] = _Pass({}, {})

    @property
    def heads(self) -> Mapping[int, bytes | None]:
        """The heads of partitions as the last pass found them; none before the first."""
        return self._last.heads

    async def read(self, settings: Settings, tables: Tables, partitions: int) -> Mapping[int, Made]:
        """Return what is made of each partition; the same mapping where none has changed.

        Raises:
            TenureError: As `scan_all`.
        """
        last = self._last
        heads = {partition: await tables.read_head(partition) for partition in range(partitions)}
        if last.heads == heads:
            return last.made
        stale = [each for each, head in heads.items() if each not in last.heads or last.heads[each] != head]
        collector, found = self._begin(settings), dict[int, Taking]()
        async for part in scan_all(settings, tables, stale):
            if part.partition not in found:
                found[part.partition] = collector(part.names)
            found[part.partition].take(self._unpacked(part))
        known = {each: made for each, made in last.made.items() if each in heads and each not in stale}
        made = known | {partition: self._end(taken) for partition, taken in found.items()}
        self._last = _Pass(heads, {each: made[each] for each in sorted(made)})
        return self._last.made
