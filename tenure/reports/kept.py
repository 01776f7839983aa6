"""Scans that are kept between questions: what each report has found last, by groups of customers.

A further filter adds up groups, and only partitions that have changed are read again. An answer is as of one instant:
the next bucket's is scanned anew. Truth: `kpis.choosing.groups`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, Final, TypeVar

from kpis.choosing.groups import GroupCollector, Groups, ScanQuestion, Summable, Taken
from kpis.customer.state import decode
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.reports.filtered import CombinedScans
from tenure.reports.passes import Passes
from tenure.stored.customers import Slice

#: Questions whose scans are kept (count), those that were asked last.
MOST_KEPT: Final = 8

S = TypeVar("S", bound=Summable)


class KeptScans:
    """The last scans of a stream by question; several threads may ask at once."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        #: cells by combination, of which the numbers themselves are made
        self.combined = CombinedScans()
        self._lock, self._passes = Lock(), OrderedDict[tuple[object, ...], Passes[Any, Any]]()

    async def read(
        self, settings: Settings, tables: Tables, partitions: int, question: ScanQuestion[S]
    ) -> Mapping[int, Groups[S]]:
        """Return what is found in the customers of each partition.

        Raises:
            TenureError: As `scan_all`.
        """
        return await self._passes_of(question).read(settings, tables, partitions)

    def _passes_of(self, question: ScanQuestion[S]) -> Passes[GroupCollector[S], Groups[S]]:
        with self._lock:
            found = self._passes.pop(question.key, None)
            if found is None:
                found = Passes(
                    lambda _: lambda names: GroupCollector(names, question), GroupCollector.groups, unpacked=taken_of
                )
            self._passes[question.key] = found
            while len(self._passes) > MOST_KEPT:
                self._passes.popitem(last=False)
            return found


def taken_of(part: Slice) -> Iterator[Taken]:
    """Yield the customers of a slice."""
    for customer_id, state in part.states:
        yield Taken(part.partition, part.names, customer_id, state, decode(state))
