"""The pure part of the product as one function: records -> report, on partitions of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

from kpis.cells import Cells, cells_of, merged
from kpis.contribution import contribution
from kpis.customer import decode
from kpis.fold import Fold
from kpis.instants import milliseconds
from kpis.money import Money
from kpis.names import Names
from kpis.report import Table, report
from kpis.windows import Windows
from schemas.decoding import Decoder
from schemas.refusals import Reason
from tests.oracle.options import Options

LATEST_MS = milliseconds(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))


class Line(NamedTuple):
    """A record as decoding reads it."""

    value: bytes
    timestamp: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Folded:
    """Partitions with their states and cells, folded batch by batch."""

    def __init__(self, options: Options, *, partitions: int = 1, short_cuts: bool = True) -> None:
        self.windows = Windows(
            options.windows_days, time_zone=options.time_zone, bucket_ms=options.bucket_minutes * 60_000
        )
        self.decoder = Decoder(
            dimensions=options.dimensions,
            default_currency=options.default_currency,
            currencies=frozenset(options.rates),
            latest_ms=LATEST_MS,
        )
        money = Money(options.default_currency, options.rates)
        self.names = [Names(money=money, dimensions=options.dimensions) for _ in range(partitions)]
        self.folds = [
            Fold(names, bucket_ms=self.windows.bucket_ms, short_cuts=short_cuts, max_facts=options.max_facts)
            for names in self.names
        ]
        self.states: list[dict[str, bytes]] = [{} for _ in range(partitions)]
        self.cells = [Cells(*(merged_nothing())) for _ in range(partitions)]
        self.tests = 0
        self.dead_letters = {reason.value: 0 for reason in Reason}

    def batch(self, records: Sequence[bytes]) -> None:
        """Fold one batch."""
        decoded = self.decoder.decode([Line(record) for record in records])
        self.tests += decoded.tests
        for _, refusal in decoded.refused:
            self.dead_letters[refusal.reason.value] += 1
        count = len(self.folds)
        for number, fold in enumerate(self.folds):
            mine = [n for n, event in enumerate(decoded.events) if crc32(event.customer_id.encode()) % count == number]
            new, rows = fold.fold(
                [decoded.events[n] for n in mine], [decoded.times[n] for n in mine], self.states[number]
            )
            self.states[number].update(new)
            self._add(number, cells_of(rows, self.names[number], self.windows))

    def _add(self, number: int, cells: Cells) -> None:
        old = self.cells[number]
        import numpy as np

        self.cells[number] = merged(
            np.concatenate((old.keys, cells.keys)), np.concatenate((old.amounts, cells.amounts))
        )

    def pure_cells(self, number: int) -> Cells:
        """Return the cells that the states amount to, by the pure function alone."""
        rows = [
            row for state in self.states[number].values() for row in contribution(decode(state), self.windows.bucket_ms)
        ]
        return cells_of(rows, self.names[number], self.windows)

    def report(self, at: Sequence[dt.datetime], by: Sequence[str]) -> list[dict[str, Any]]:
        """Return the report."""
        tables = [Table(names, cells) for names, cells in zip(self.names, self.cells, strict=True)]
        boundaries = [milliseconds(moment) // self.windows.bucket_ms for moment in at]
        events = {
            "applied": sum(fold.folding.applied for fold in self.folds),
            "duplicate": sum(fold.folding.duplicates for fold in self.folds),
            "test": self.tests,
            "dead_letters": self.dead_letters,
        }
        return report(tables, self.windows, boundaries, by=by, events=events)


def merged_nothing() -> tuple[Any, Any]:
    """Return no cells."""
    import numpy as np

    return np.empty(0, np.int64), np.empty(0, np.int64)
