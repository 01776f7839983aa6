"""Marks as a document: what `tenure marks --json` prints, and what other reports name of them.

In the terminal: `tenure.reports.marks_text`. What the numbers mean: docs/marks.md.
"""

from __future__ import annotations

from typing import Final

from kpis.customer.touchpoints import MarkFact
from kpis.instants import instant_text
from kpis.population.episodes import joined
from kpis.population.marks import Churn, MarkEffect, effects_of, newest
from schemas.documents.marks import MarkChurn, MarkedChurn, MarksReport
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, stretches_of, where_text

#: Marks that are compared (count).
COMPARED: Final = 100


async def read_marked(settings: Settings, scope: Scope, *, days: int) -> MarksReport:
    """Return the marks of the running stream, or of a file, with churn before and after each.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose churn.
        days: Before and after (count).

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`.
    """
    async with open_source(settings, scope) as source:
        stretches = await stretches_of(source)
    found = newest([mark for mark in source.marks if mark.at_ms < source.at_ms], COMPARED)
    people = joined(stretches, source.at_ms, None)
    bucket_ms = settings.bucket_minutes * 60_000
    effects = effects_of(found, people, at_ms=source.at_ms, bucket_ms=bucket_ms, days=days)
    report = MarksReport(
        as_of=instant_text(source.at_ms),
        days=days,
        marks=[_marked(mark, effect) for mark, effect in zip(found, effects, strict=True)],
        where=where_text(scope),
    )
    return lacking(report, source._replace(marks=()))


def _marked(mark: MarkFact, effect: MarkEffect) -> MarkedChurn:
    low, high = effect.interval or (None, None)
    return MarkedChurn(
        kind=mark.kind,
        title=mark.title,
        at=instant_text(mark.at_ms),
        until=None if mark.until_ms < 0 else instant_text(mark.until_ms),
        before=_churn(effect.before),
        after=None if effect.after is None else _churn(effect.after),
        difference=effect.difference,
        low=low,
        high=high,
    )


def _churn(found: Churn) -> MarkChurn:
    return MarkChurn(customers=found.at_start, lost=found.lost, share=found.share)
