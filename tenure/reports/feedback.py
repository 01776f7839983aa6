"""Staying after an answer as a document: what `tenure feedback --json` prints.

The curves in the terminal are `tenure.reports.feedback_text`. What the numbers mean: docs/feedback.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from kpis.instants import instant_text
from kpis.population.comparison import LogRank, log_rank
from kpis.population.feedback import FeedbackScan
from kpis.population.lifetime import Durations, survival
from schemas.catalogue.feedback_bands import BANDS, CHURN_DAYS, COMPARED
from schemas.documents.comparisons import ChurnAfter, LogRankTest
from schemas.documents.feedback import FeedbackBand, FeedbackKind, FeedbackReport
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, Source, customers_of, lacking, open_source, where_text
from tenure.reports.lifetime import curve_of, share_of


async def read_feedback(settings: Settings, scope: Scope) -> FeedbackReport:
    """Return how long the customers of the running stream, or of a file, stay after an answer.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose answers.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `customers_of`.
    """
    async with open_source(settings, scope) as source:
        scan = await _scanned(source)
    report = FeedbackReport(as_of=instant_text(source.at_ms), kinds=kinds_of(scan.durations()), where=where_text(scope))
    return lacking(report, source)


async def _scanned(source: Source) -> FeedbackScan:
    settings = source.settings
    scan = FeedbackScan(
        at_ms=source.at_ms,
        bucket_ms=settings.bucket_minutes * 60_000,
        what=settings.what_counts,
        where=source.where,
    )
    async for names, _, customer in customers_of(source):
        scan.take(names, customer)
    return scan


def kinds_of(found: Mapping[tuple[str, str], Durations]) -> dict[str, FeedbackKind]:
    """Return spells by kind and band as documents; kinds of which nobody was asked have `never_asked` alone."""
    return {
        kind: FeedbackKind(
            bands={band: _band(found[kind, band]) for band in bands if (kind, band) in found},
            log_rank=tested(log_rank([found[kind, band] for band in COMPARED[kind] if (kind, band) in found])),
        )
        for kind, bands in BANDS.items()
    }


def _band(found: Durations) -> FeedbackBand:
    return FeedbackBand(churn=churn_of(found), curve=curve_of(found))


def churn_of(found: Durations) -> list[ChurnAfter]:
    """Return the shares that have left within CHURN_DAYS."""
    curve = survival(found)
    out: list[ChurnAfter] = []
    for days in CHURN_DAYS:
        stays = share_of(days, curve.at(days))
        share, low, high = (None if each is None else 1 - each for each in (stays.share, stays.high, stays.low))
        out.append(ChurnAfter(days=days, share=share, low=low, high=high))
    return out


def tested(found: LogRank | None) -> LogRankTest | None:
    """Return a test as a document."""
    return None if found is None else LogRankTest(statistic=found.statistic, degrees=found.degrees, p=found.p)
