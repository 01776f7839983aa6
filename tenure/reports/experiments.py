"""Measures and their variants as a document: what `tenure experiments --json` prints.

In the terminal: `tenure.reports.experiments_text`. What the numbers mean: docs/experiments.md.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from msgspec import UNSET

from kpis.choosing.groups import ScanQuestion
from kpis.instants import instant_text
from kpis.population.experiments import ExperimentScan, Measure
from kpis.population.sequential import SequentialComparison
from schemas.documents.experiments import Experiment, ExperimentsReport, ExperimentVariant, VariantComparison
from schemas.instants import DAY_MS
from streams.errors import UsageError
from streams.readable import readable
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, scanned, where_text
from tenure.reports.feedback import churn_of
from tenure.reports.lifetime import curve_of


async def read_experiments(
    settings: Settings, scope: Scope, *, measures: Sequence[str] = (), control: str | None = None
) -> ExperimentsReport:
    """Return the measures of the running stream, or of a file, with their variants compared.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose exposures.
        measures: Those wanted; all where none is named.
        control: The variant that others are compared with, where a measure has it.

    Raises:
        UsageError: Nobody was exposed to a measure that is named, or no measure has the control.
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        question = ScanQuestion[ExperimentScan](
            ("experiments", source.at_ms),
            lambda choice: ExperimentScan(
                at_ms=source.at_ms, bucket_ms=settings.bucket_minutes * 60_000, what=settings.what_counts, where=choice
            ),
            lambda scan, each: scan.take(each.names, each.customer),
        )
        scan = await scanned(source, question)
    found = scan.variants()
    _check(found.keys(), measures, "measure")
    if control is not None:
        _check({name for variants in found.values() for name in variants}, [control], "variant")
    report = ExperimentsReport(
        as_of=instant_text(source.at_ms),
        measures={name: _experiment(scan.measure(name, control)) for name in found if not measures or name in measures},
        where=where_text(scope),
    )
    return lacking(report, source)


def _check(known: Collection[str], wanted: Sequence[str], what: str) -> None:
    for name in wanted:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise UsageError(f"nobody was exposed to a {what} {readable(name)}; there is: {there}")


def _experiment(found: Measure) -> Experiment:
    return Experiment(
        control=found.control,
        variants={
            name: ExperimentVariant(
                not_active=variant.not_active,
                churn=churn_of(variant.durations),
                curve=curve_of(variant.durations),
                comparison=UNSET if name == found.control else _comparison(found.comparisons[name]),
            )
            for name, variant in found.variants.items()
        },
    )


def _comparison(found: SequentialComparison) -> VariantComparison:
    low, high = found.interval or (None, None)
    return VariantComparison(
        odds_ratio=found.odds_ratio,
        low=low or None,
        high=None if high is None or math.isinf(high) else high,
        p=found.p,
        differs=found.since is not None,
        since=None if found.since is None else instant_text(found.since * DAY_MS)[:10],
        left=found.left,
    )
