"""Traits that go with staying as a document: what `tenure drivers --json` prints.

The table in the terminal is `tenure.reports.drivers_text`. What the numbers mean: docs/drivers.md.
"""

from __future__ import annotations

from kpis.choosing.groups import ScanQuestion
from kpis.instants import instant_text
from kpis.population.lifetime import Durations, survival
from kpis.population.traits import COMPARED_DAYS, LANDMARK_DAYS, TraitEffect, TraitScan
from schemas.documents.drivers import DriversReport, TraitComparison, TraitGroup
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, scanned, where_text
from tenure.reports.feedback import difference_document, tested
from tenure.reports.lifetime import share_of


async def read_drivers(settings: Settings, scope: Scope) -> DriversReport:
    """Return what goes with staying of the customers of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Which customers.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        question = ScanQuestion[TraitScan](
            ("drivers", source.at_ms),
            lambda choice: TraitScan(
                at_ms=source.at_ms, bucket_ms=settings.bucket_minutes * 60_000, what=settings.what_counts, where=choice
            ),
            lambda scan, each: scan.take(each.names, each.customer),
        )
        scan = await scanned(source, question)
    report = DriversReport(
        as_of=instant_text(source.at_ms),
        landmark_days=LANDMARK_DAYS,
        customers=scan.customers(),
        traits=[_comparison(effect) for effect in scan.effects()],
        where=where_text(scope),
    )
    return lacking(report, source)


def _comparison(effect: TraitEffect) -> TraitComparison:
    return TraitComparison(
        kind=effect.trait.kind,
        value=effect.trait.value,
        having=_group(effect.having),
        lacking=_group(effect.lacking),
        difference=difference_document(effect.difference, COMPARED_DAYS),
        log_rank=tested(effect.test),
        adjusted_p=effect.adjusted_p,
        reported=effect.is_reported,
    )


def _group(found: Durations) -> TraitGroup:
    return TraitGroup(
        customers=found.episodes,
        left=sum(found.deaths.values()),
        stay=share_of(COMPARED_DAYS, survival(found).at(COMPARED_DAYS)),
    )
