"""Tickets and the staying after them as a document: what `tenure support --json` prints.

In the terminal: `tenure.reports.care_text`. What the numbers mean: docs/support.md.
"""

from __future__ import annotations

from kpis.choosing.groups import ScanQuestion
from kpis.instants import instant_text
from kpis.population.lifetime import Durations, survival
from kpis.population.support import DAY_MINUTES, SupportScan
from schemas.documents.support import SupportReport, TicketWait
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, scanned, where_text
from tenure.reports.explain import window_until
from tenure.reports.feedback import churn_of
from tenure.reports.lifetime import curve_of


async def read_support(settings: Settings, scope: Scope, *, window: str) -> SupportReport:
    """Return the tickets of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose tickets.
        window: Its name, such as "30d": waiting is told of tickets that were opened in it.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        question = ScanQuestion[SupportScan](
            ("support", window, source.at_ms),
            lambda choice: SupportScan(
                start_ms=window_until(settings, window, source.at_ms).start_ms,
                at_ms=source.at_ms,
                bucket_ms=settings.bucket_minutes * 60_000,
                what=settings.what_counts,
                where=choice,
            ),
            lambda scan, each: scan.take(each.names, each.customer),
        )
        scan = await scanned(source, question)
    spells = scan.spells()
    report = SupportReport(
        as_of=instant_text(source.at_ms),
        window=window,
        opened=scan.waits("answer").episodes,
        answer=_wait(scan.waits("answer")),
        solution=_wait(scan.waits("solution")),
        churn=churn_of(spells),
        curve=curve_of(spells),
        where=where_text(scope),
    )
    return lacking(report, source)


def _wait(found: Durations) -> TicketWait:
    curve = survival(found)
    within = curve.at(DAY_MINUTES)
    return TicketWait(
        done=sum(found.deaths.values()),
        waiting=sum(found.censored.values()),
        median_minutes=curve.median_days(),
        within_day=None if within is None else 1 - within.survival,
    )
