"""Frequency of use as a document: what `tenure usage --json` prints.

In the terminal: `tenure.reports.usage_text`. What the numbers mean: docs/usage.md.
"""

from __future__ import annotations

from kpis.choosing.groups import ScanQuestion
from kpis.instants import instant_text
from kpis.population.frequency import DAYS, FrequencyScan
from schemas.documents.usage import DaysOfUse, SleepersOfWindow, UsageReport
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, scanned, where_text


async def read_usage(settings: Settings, scope: Scope) -> UsageReport:
    """Return how often the customers of the running stream, or of a file, use the product.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Of whom.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        question = ScanQuestion[FrequencyScan](
            ("usage", source.at_ms),
            lambda choice: FrequencyScan(
                at_ms=source.at_ms, bucket_ms=settings.bucket_minutes * 60_000, what=settings.what_counts, where=choice
            ),
            lambda scan, each: scan.take(each.names, each.customer),
        )
        scan = await scanned(source, question)
    customers = scan.by_days.total()
    used = sum(days * count for days, count in scan.by_days.items())
    report = UsageReport(
        as_of=instant_text(source.at_ms),
        customers=customers,
        mean_days=used / customers if customers else None,
        days=[DaysOfUse(days=days, customers=scan.by_days[days]) for days in range(DAYS + 1)],
        windows={
            f"{days}d": SleepersOfWindow(
                dormant=found.dormant.total(),
                resurrected=found.resurrected.total(),
                dormant_by_plan=dict(sorted(found.dormant.items())),
                resurrected_by_plan=dict(sorted(found.resurrected.items())),
            )
            for days, found in scan.sleepers.items()
        },
        where=where_text(scope),
    )
    return lacking(report, source)
