"""Reasons and features as documents: what `tenure reasons --json` and `tenure features --json` print.

What the numbers mean: docs/explain.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from kpis.choosing.groups import ScanQuestion
from kpis.instants import instant_text
from kpis.population.reasons import Line, Ranking, Reasons
from schemas.documents.reasons import Ranked, RankedLine, RankedSegments, ReasonsReport
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, Source, lacking, open_source, scanned
from tenure.reports.explain import window_until

WHAT: Final = ("cancellations", "survey_answers", "features")


async def read_reasons(settings: Settings, scope: Scope, *, window: str) -> ReasonsReport:
    """Return reasons and features of the running stream, or of a file, in a window and in the one before it.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose reasons and features.
        window: Its name, such as "30d".

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        return lacking(await reasons_of(source, window=window, by=scope.by), source)


async def reasons_of(source: Source, *, window: str, by: Sequence[str]) -> ReasonsReport:
    """Return reasons and features as of the source's instant; one pass over all customers."""
    span = window_until(source.settings, window, source.at_ms)
    windows = windows_of(source.settings)
    before_ms = windows.start(window, span.start_ms // windows.bucket_ms) * windows.bucket_ms
    what_counts = source.settings.what_counts
    question = ScanQuestion[Reasons](
        ("reasons", window, *by, source.at_ms),
        lambda choice: Reasons(span, what_counts, before_ms=before_ms, by=by, where=choice),
        lambda scan, each: scan.take(each.names, [each.customer]),
    )
    reasons = await scanned(source, question)
    found = dict(zip(WHAT, (reasons.cancellations(), reasons.answers(), reasons.features()), strict=True))
    everyone = {what: _ranked(what, rankings["", ""]) for what, rankings in found.items()}
    return ReasonsReport(
        as_of=instant_text(source.at_ms),
        window=window,
        start=instant_text(span.start_ms),
        before=instant_text(before_ms),
        cancellations=everyone["cancellations"],
        survey_answers=everyone["survey_answers"],
        features=everyone["features"],
        segments={
            dimension: RankedSegments(**{what: _values(what, rankings, dimension) for what, rankings in found.items()})
            for dimension in by
        }
        if by
        else UNSET,
        where=UNSET if source.where is None else source.where.text,
    )


def only(report: ReasonsReport, kinds: Sequence[str]) -> ReasonsReport:
    """Return a report with nothing but some kinds of WHAT."""
    left_out = {what: UNSET for what in WHAT if what not in kinds}
    segments = {} if report.segments is UNSET else report.segments
    kept = {dimension: replace(found, **left_out) for dimension, found in segments.items()}
    return replace(report, segments=kept if segments else UNSET, **left_out)


def _values(what: str, rankings: dict[tuple[str, str], Ranking], dimension: str) -> dict[str, Ranked]:
    return {value: _ranked(what, ranking) for (of, value), ranking in rankings.items() if of == dimension}


def _ranked(what: str, ranking: Ranking) -> Ranked:
    return Ranked(total=_line(what, ranking.total), lines=[_line(what, line) for line in ranking.lines])


def _line(what: str, line: Line) -> RankedLine:
    of_cancellations = what == "cancellations"
    return RankedLine(
        name=line.name or UNSET,
        count=line.amount,
        voluntary=line.amount - line.involuntary if of_cancellations else UNSET,
        involuntary=line.involuntary if of_cancellations else UNSET,
        lost_mrr=line.lost_mrr if of_cancellations else UNSET,
        before=line.before,
        change=line.change,
    )
