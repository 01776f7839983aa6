"""Lifetime value as a document: what `tenure value --json` prints.

In the terminal: `tenure.reports.value_text`. What the numbers mean: docs/value.md.
"""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from kpis.instants import instant_text
from kpis.population.value import Value, ValueScan
from schemas.documents.value import CustomerValue, ValueReport
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, customers_of, lacking, open_source, where_text

_CHANNEL = "channel"


async def read_value(settings: Settings, scope: Scope) -> ValueReport:
    """Return the lifetime value of the customers of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean and cost.
        scope: Of whom.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `customers_of`.
    """
    async with open_source(settings, scope) as source:
        scans = {
            dimension: ValueScan(
                at_ms=source.at_ms,
                bucket_ms=settings.bucket_minutes * 60_000,
                what=settings.what_counts,
                dimension=dimension,
                where=source.where,
            )
            for dimension in scope.by or (None,)
        }
        async for names, _, customer in customers_of(source):
            for scan in scans.values():
                scan.take(names, customer)
    first = next(iter(scans.values()))
    report = ValueReport(
        as_of=instant_text(source.at_ms),
        currency=settings.default_currency,
        all=_value(first.values()[""]),
        segments={name: _segments(settings, name, scans[name]) for name in scope.by} if scope.by else UNSET,
        where=where_text(scope),
    )
    return lacking(report, source)


def _segments(settings: Settings, dimension: str, scan: ValueScan) -> dict[str, CustomerValue]:
    found = {name: _value(value) for name, value in scan.values().items() if name}
    if dimension != _CHANNEL:
        return found
    costs = settings.acquisition_costs
    return {
        name: replace(
            value,
            acquisition_cost=float(costs[name]),
            over_cost=None if value.value is None or not costs[name] else value.value / costs[name],
            payback_days=scan.payback_days(name, costs[name]),
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
