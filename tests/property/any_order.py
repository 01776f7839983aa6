"""Logs of `tests.recount.test_any_order` through the pure part of the product: decoding, fold, states and cells.

No streams and no tables. The other side of each comparison is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
from hypothesis import strategies as st

from kpis.counting.cells import EMPTY, Cells, cells_of, merged
from kpis.counting.report import Table, report
from kpis.counting.windows import Windows
from kpis.customer.what_counts import WhatCounts
from kpis.fold.fold import Fold
from kpis.money import Money
from kpis.names import Names
from kpis.references import reference_of
from schemas.decoding.decoder import Decoder
from schemas.documents.document import plain
from schemas.events import Event
from schemas.instants import milliseconds
from tests.recount.options import Options
from tests.recount.short_events import Event as Sent
from tests.recount.short_events import T
from tests.recount.test_any_order import LOGS, SETTINGS, arrivals

LATEST_MS: Final = milliseconds(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
#: Instants within the logs, at their end, and after what matures in them; each a boundary of buckets.
INSTANTS: Final = (
    T,
    dt.datetime(2026, 1, 9, 11, tzinfo=dt.UTC),
    dt.datetime(2026, 1, 16, 11, tzinfo=dt.UTC),
    dt.datetime(2026, 2, 15, 10, tzinfo=dt.UTC),
)


class Line(NamedTuple):
    """A record as decoding reads it; its time is its number, so that it can be found again."""

    value: bytes
    timestamp: int
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Arrival(NamedTuple):
    """A log in some order of arrival, with repetitions, and how it is folded."""

    log: list[Sent]
    options: Options
    #: records of a batch, and partitions that customers are spread over (count)
    batch: int = 50
    partitions: int = 1
    short_cuts: bool = True


def arrivals_of(logs: st.SearchStrategy[list[Sent]] = LOGS) -> st.SearchStrategy[Arrival]:
    """Return a strategy of arrivals."""
    return st.builds(
        Arrival,
        logs.flatmap(arrivals),
        SETTINGS,
        batch=st.sampled_from((1, 2, 7, 50)),
        partitions=st.sampled_from((1, 2)),
        short_cuts=st.booleans(),
    )


class FoldedLog:
    """An arrival's states and cells, by partition."""

    def __init__(self, arrival: Arrival) -> None:
        """Fold all of it."""
        options = arrival.options
        self.what = WhatCounts(
            options.free_plans == "customers", options.paused_customers == "kept", options.trial_days
        )
        self.windows = Windows(
            options.windows_days,
            time_zone=options.business_time_zone,
            bucket_ms=options.bucket_ms,
            trial_days=options.trial_days,
        )
        money = Money(options.default_currency, options.currency_rates, options.business_time_zone)
        self.decoder = Decoder(options.dimensions, options.default_currency, money.rated_from_ms(), latest_ms=LATEST_MS)
        self.names = [Names(money=money, dimensions=options.dimensions) for _ in range(arrival.partitions)]
        self.folds = [
            Fold(names, bucket_ms=options.bucket_ms, what=self.what, short_cuts=arrival.short_cuts)
            for names in self.names
        ]
        self.states: list[dict[str, bytes]] = [{} for _ in self.names]
        self.cells: list[Cells] = [EMPTY for _ in self.names]
        self.lines = [Line(json.dumps(sent).encode(), number) for number, sent in enumerate(arrival.log)]
        for start in range(0, len(self.lines), arrival.batch):
            self._batch(self.lines[start : start + arrival.batch])

    def _batch(self, lines: Sequence[Line]) -> None:
        decoded = self.decoder.decode(lines)
        found: list[list[tuple[Event, int, int]]] = [[] for _ in self.names]
        for event, at_ms, line in zip(decoded.events, decoded.times, decoded.records, strict=True):
            number = crc32(event.customer_id.encode()) % len(self.names)
            reference = reference_of(line.timestamp, self.names[number].topic("log"))
            found[number].append((event, at_ms, reference))
        for number, mine in enumerate(found):
            _, rows = self.folds[number].fold(
                [event for event, _, _ in mine],
                [at_ms for _, at_ms, _ in mine],
                self.states[number],
                [reference for _, _, reference in mine],
            )
            added, known = cells_of(rows, self.names[number], self.windows), self.cells[number]
            self.cells[number] = merged(
                np.concatenate((known.keys, added.keys)), np.concatenate((known.amounts, added.amounts))
            )

    def report(self, at: Sequence[dt.datetime], by: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the report of the counters as of some boundaries, as plain objects."""
        tables = [Table(names, cells) for names, cells in zip(self.names, self.cells, strict=True)]
        boundaries = [milliseconds(instant) // self.windows.bucket_ms for instant in at]
        found: list[dict[str, Any]] = plain(report(tables, self.windows, boundaries, by=by))
        return found
