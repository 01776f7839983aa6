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
from tenure.reports.scan_thread import ScanThread
from tenure.stored.customers import Slice
from tenure.stored.reading import stored_heads

#: Questions whose scans are kept (count), those that were asked last.
MOST_KEPT: Final = 8

S = TypeVar("S", bound=Summable)


class _KeptQuestion:
    """The passes of one question, and the heads of partitions that a scan without them has seen since."""

    def __init__(self, question: ScanQuestion[Any], thread: ScanThread | None) -> None:
        begin, end = (lambda _: lambda names: GroupCollector(names, question)), GroupCollector.groups
        self.passes = Passes[GroupCollector[Any], Groups[Any]](begin, end, unpacked=taken_of, thread=thread)
        self.seen: Mapping[int, bytes | None] = {}


class KeptScans:
    """The last scans of a stream by question; several threads may ask at once."""

    def __init__(self, thread: ScanThread | None = None) -> None:
        """Begin with nothing read; scans go on in a thread, if there is one, when whoever asked is given up."""
        #: cells by combination, of which the numbers themselves are made
        self.combined = CombinedScans(thread)
        self._thread = thread
        self._lock, self._kept = Lock(), OrderedDict[tuple[object, ...], _KeptQuestion]()

    async def read(
        self, settings: Settings, tables: Tables, partitions: int, question: ScanQuestion[S]
    ) -> Mapping[int, Groups[S]] | None:
        """Return what is found in the customers of each partition.

        Returns:
            None where all partitions have changed since they were grouped, and again since the last question: while
            the stream goes on, groups would take longer to make than a scan of those who are asked for.

        Raises:
            NotScannedYet: The report was given up, and its scan goes on.
            TenureError: As `scan_all`.
        """
        kept = self._kept_of(question)
        if kept.passes.answers:
            return await kept.passes.read(settings, tables, partitions)
        heads = await stored_heads(tables, partitions)
        known = kept.passes.heads
        if known and all(known.get(each) != head for each, head in heads.items()) and kept.seen != heads:
            kept.seen = heads
            return None
        return await kept.passes.read(settings, tables, partitions)

    def heads_of(self, question: ScanQuestion[S], groups: Mapping[int, Groups[S]]) -> Mapping[int, bytes | None]:
        """Return the heads of partitions as they were when these groups were made; none where that is not known."""
        return self._kept_of(question).passes.heads_of(groups)

    def _kept_of(self, question: ScanQuestion[Any]) -> _KeptQuestion:
        with self._lock:
            found = self._kept.pop(question.key, None) or _KeptQuestion(question, self._thread)
            self._kept[question.key] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)[1].passes.give_up()
            return found


def taken_of(part: Slice) -> Iterator[Taken]:
    """Yield the customers of a slice."""
    for customer_id, state in part.states:
        yield Taken(part.partition, part.names, customer_id, state, decode(state))
