"""The pure part of the product as one object: records -> states, cells and reports, on partitions of its own.

No Faust, no tables, no clock: what a test folds here differs from the live stream only in how records arrive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from kpis.counting.cells import EMPTY, Cells, cells_of, merged, unpack
from kpis.counting.report import Table, report
from kpis.counting.windows import Windows
from kpis.customer.state import decode
from kpis.customer.what_counts import WhatCounts
from kpis.fold.contribution import contribution
from kpis.fold.fold import Fold
from kpis.fold.reading import BatchReader
from kpis.money import Money
from kpis.names import Names
from kpis.packing import table_of
from kpis.references import reference_of
from schemas.decoding.decoder import Decoder
from schemas.dimensions import describing_members
from schemas.documents.document import plain
from schemas.documents.report import Events
from schemas.instants import milliseconds
from schemas.refusals import Reason
from tests.property.steps import at_once
from tests.recount.options import Options

LATEST_MS = milliseconds(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))


class Line(NamedTuple):
    """A record as decoding reads it."""

    value: bytes
    timestamp: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def windows_of(options: Options) -> Windows:
    """Return the windows that the options ask for."""
    return _windows(options.windows_days, options.business_time_zone, options.bucket_ms, options.trial_days)


@cache  # they look at a century of months
def _windows(days: tuple[int, ...], time_zone: str, bucket_ms: int, trial_days: int) -> Windows:
    return Windows(days, time_zone=time_zone, bucket_ms=bucket_ms, trial_days=trial_days)


def what_of(options: Options) -> WhatCounts:
    """Return what counts by the options."""
    return WhatCounts(
        free_plans=options.free_plans == "customers",
        paused=options.paused_customers == "kept",
        trial_days=options.trial_days,
    )


def money_of(options: Options) -> Money:
    """Return the default currency and the rates of the options."""
    return Money(options.default_currency, options.currency_rates, options.business_time_zone)


def names_of(options: Options) -> Names:
    """Return empty intern tables."""
    return Names(money=money_of(options), dimensions=options.dimensions)


def fold_of(
    names: Names, options: Options, *, max_facts: int | None = None, short_cuts: bool = True, native: bool = True
) -> Fold:
    """Return a fold by the options; without the short cuts it takes the general path always."""
    return Fold(
        names,
        bucket_ms=options.bucket_ms,
        what=what_of(options),
        max_facts=max_facts or options.max_facts,
        short_cuts=short_cuts,
        native=native,
    )


def decoder_of(options: Options) -> Decoder:
    """Return a decoder of files by the options."""
    return Decoder(
        dimensions=options.dimensions,
        default_currency=options.default_currency,
        currencies=money_of(options).rated_from_ms(),
        latest_ms=LATEST_MS,
        max_record_bytes=options.max_record_bytes,
    )


class Folded:
    """Partitions with their states and cells, folded batch by batch."""

    def __init__(self, options: Options, *, partitions: int = 1, short_cuts: bool = True, native: bool = True) -> None:
        """Start with nothing folded.

        Args:
            options: What numbers depend on.
            partitions: Customers are spread over so many (count).
            short_cuts: False takes the general path always.
            native: False folds all events in Python.
        """
        self.options = options
        self.windows = windows_of(options)
        self.decoder = decoder_of(options)
        self.reader = BatchReader(self.decoder, native=native)
        self.what = what_of(options)
        self.names = [names_of(options) for _ in range(partitions)]
        self.folds = [fold_of(names, options, short_cuts=short_cuts, native=native) for names in self.names]
        self.states: list[dict[str, bytes]] = [{} for _ in range(partitions)]
        self.cells: list[Cells] = [EMPTY] * partitions
        self.tests = 0
        self.mended = dict.fromkeys(describing_members(options.dimensions), 0)
        #: of the next record, as if all lay on one partition; files' records have no time, so it stands in its place
        self.offset = 0
        self.dead_letters = {reason.value: 0 for reason in Reason}

    def batch(self, records: Sequence[bytes]) -> list[Cells]:
        """Fold one batch; return what it added to the cells of each partition."""
        lines = [Line(record, self.offset + n) for n, record in enumerate(records)]
        decoded = at_once(self.reader.read_in_steps(lines))
        self.offset += len(records)
        self.tests += decoded.tests
        for _, refusal in decoded.refused:
            self.dead_letters[refusal.reason.value] += 1
        count = len(self.folds)
        added: list[Cells] = []
        for number, fold in enumerate(self.folds):
            mine = [n for n, event in enumerate(decoded.events) if crc32(event.customer_id.encode()) % count == number]
            states = self.states[number]
            before = dict(states)
            new, rows = fold.fold(
                *decoded.part(mine),
                states,
                [reference_of(decoded.records[n].timestamp, self.names[number].topic("log")) for n in mine],
            )
            self.dead_letters[Reason.TOO_MANY_FACTS.value] += len(fold.refused)
            refused = {mine[place] for place in fold.refused}
            for member in (each for n in mine if n not in refused for each in decoded.mended.get(n, ())):
                self.mended[member] += 1
            # What is committed is what is at hand: Redis would fall behind memory otherwise, and nobody would see it.
            assert new == {customer: state for customer, state in states.items() if before.get(customer) != state}
            added.append(cells_of(rows, self.names[number], self.windows))
            self.cells[number] = _sum(self.cells[number], added[-1])
        return added

    def batches(self, records: Sequence[bytes], size: int) -> None:
        """Fold records in batches of a size."""
        for start in range(0, len(records), size):
            self.batch(records[start : start + size])

    def pure_cells(self, number: int) -> Cells:
        """Return the cells that a partition's states amount to, by the pure function alone."""
        rows = [
            row
            for state in self.states[number].values()
            for row in contribution(decode(state), self.windows.bucket_ms, self.what)
        ]
        return cells_of(table_of(rows), self.names[number], self.windows)

    def tables(self) -> list[Table]:
        """Return the counters of all partitions."""
        return [Table(names, cells) for names, cells in zip(self.names, self.cells, strict=True)]

    def named_cells(self) -> dict[tuple[str, str, int, int], int]:
        """Return the cells of all partitions together: amount by (dimension, value, column, bucket)."""
        out: dict[tuple[str, str, int, int], int] = {}
        for names, cells in self.tables():
            for cell, amount in named(names, cells).items():
                out[cell] = out.get(cell, 0) + amount
        return {cell: amount for cell, amount in out.items() if amount}

    def events(self) -> Events:
        """Return the counts of events, as reports have them."""
        return Events(
            applied=sum(fold.context.applied for fold in self.folds),
            duplicate=sum(fold.context.duplicates for fold in self.folds),
            conflict=sum(fold.context.conflicts for fold in self.folds),
            test=self.tests,
            mended=dict(self.mended),
            forgotten=0,
            dead_letters=dict(self.dead_letters),
        )

    def report(self, at: Sequence[dt.datetime], by: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the report as of some instants, each on the boundary of a bucket, as plain objects."""
        boundaries = [milliseconds(moment) // self.windows.bucket_ms for moment in at]
        found: list[dict[str, Any]] = plain(
            report(self.tables(), self.windows, boundaries, by=by, events=self.events())
        )
        return found


def named(names: Names, cells: Cells) -> dict[tuple[str, str, int, int], int]:
    """Return cells under names instead of numbers, which depend on the order of arrival."""
    dimension, value, column, bucket = (part.tolist() for part in unpack(cells.keys))
    values = [names.values(name) for name in names.dimensions]
    return {
        (names.dimensions[d], values[d][v], c, b): amount
        for d, v, c, b, amount in zip(dimension, value, column, bucket, cells.amounts.tolist(), strict=True)
    }


def _sum(first: Cells, second: Cells) -> Cells:
    return merged(np.concatenate((first.keys, second.keys)), np.concatenate((first.amounts, second.amounts)))
