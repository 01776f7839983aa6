"""Lifetime value as a document: what `tenure value --json` prints.

In the terminal: `tenure.reports.value_text`. What the numbers mean: docs/value.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import UNSET
from msgspec.structs import replace

from kpis.choosing.groups import ScanQuestion
from kpis.instants import instant_text
from kpis.population.value import Cell, Value, ValueScan, sums_of, value_of
from schemas.dimensions import CHANNEL
from schemas.documents.value import CustomerValue, ValueReport
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, scanned, where_text


async def read_value(settings: Settings, scope: Scope) -> ValueReport:
    """Return the lifetime value of the customers of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean and cost.
        scope: Of whom.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        question = ScanQuestion[ValueScan](
            ("value", scope.by, source.at_ms),
            lambda choice: ValueScan(
                at_ms=source.at_ms,
                bucket_ms=settings.bucket_minutes * 60_000,
                what=settings.what_counts,
                dimensions=scope.by,
                where=choice,
            ),
            lambda scan, each: scan.take(each.names, each.customer),
        )
        scan = await scanned(source, question)
    report = ValueReport(
        as_of=instant_text(source.at_ms),
        currency=settings.default_currency,
        all=_value(value_of(scan.stays)),
        segments={name: _segment_values(settings, name, scan.segments[name]) for name in scope.by} or UNSET,
        where=where_text(scope),
    )
    return lacking(report, source)


def _segment_values(settings: Settings, dimension: str, stays: Mapping[str, Counter[Cell]]) -> dict[str, CustomerValue]:
    found = {name: _value(value_of(cells)) for name, cells in sorted(stays.items())}
    if dimension != CHANNEL:
        return found
    costs = settings.acquisition_costs
    return {
        name: replace(
            value,
            acquisition_cost=float(costs[name]),
            over_cost=None if value.value is None or not costs[name] else value.value / costs[name],
            payback_days=sums_of(stays[name]).payback_days(costs[name]),
        )
        if name in costs
        else value
        for name, value in found.items()
    }


def _value(found: Value) -> CustomerValue:
    low, high = found.interval or (None, None)
    return CustomerValue(
        customers=found.customers,
        arpa=found.arpa,
        mean_days=found.mean_days,
        value=found.value,
        low=low,
        high=high,
    )
