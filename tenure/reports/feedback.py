"""Staying after an answer as a document: what `tenure feedback --json` prints.

The curves in the terminal are `tenure.reports.feedback_text`. What the numbers mean: docs/feedback.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple, overload

from kpis.choosing.chooser import Choice
from kpis.choosing.groups import ScanQuestion, Taken
from kpis.instants import instant_text
from kpis.population.comparison import Difference, LogRank, difference_at, log_rank
from kpis.population.feedback_scan import FeedbackScan
from kpis.population.follow_up import FollowUps
from kpis.population.lifetime import Durations, survival
from kpis.population.scales import AskedOn, ScaleScan
from kpis.proportions import wilson_bounds
from schemas.catalogue.feedback_bands import BANDS, CHURN_DAYS, COMPARED
from schemas.documents.comparisons import ChurnAfter, LogRankTest, SurvivalDifference
from schemas.documents.feedback import (
    AnswerFollowUp,
    ContactedDetractors,
    ContactedGroup,
    FeedbackBand,
    FeedbackKind,
    FeedbackReport,
    FurtherScale,
    OpenDetractorEntry,
    OpenDetractors,
    ScaleAnswers,
)
from schemas.survey_scales import FURTHER_SCALES, SCALES
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, Source, lacking, open_source, scanned, where_text
from tenure.reports.lifetime import curve_of, share_of

#: How long those whom somebody got in touch with are compared with the others (days).
_STAY_DAYS: Final = 90
_HOUR_MS: Final = 3_600_000


async def read_feedback(settings: Settings, scope: Scope, *, limit: int) -> FeedbackReport:
    """Return how long the customers of the running stream, or of a file, stay after an answer.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose answers.
        limit: Open detractors that are listed (count).

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        scan, scales = await _scanned(source, limit)
    found = scan.follow_ups
    report = FeedbackReport(
        as_of=instant_text(source.at_ms),
        kinds=kinds_of(scan.durations(), found.waits()),
        scales=scales_of(scales),
        currency=settings.default_currency,
        open_detractors=_open(found, source.at_ms),
        contacted=_contacted(found),
        where=where_text(scope),
    )
    return lacking(report, source)


async def _scanned(source: Source, limit: int) -> tuple[FeedbackScan, ScaleScan]:
    bucket_ms, what, at_ms = source.settings.bucket_minutes * 60_000, source.settings.what_counts, source.at_ms

    def begun(choice: Choice) -> _AnswerScans:
        scan = FeedbackScan(at_ms=at_ms, bucket_ms=bucket_ms, what=what, where=choice, limit=limit)
        return _AnswerScans(scan, ScaleScan(at_ms=at_ms, bucket_ms=bucket_ms, what=what, where=choice))

    found = await scanned(source, ScanQuestion(("feedback", limit, at_ms), begun, _AnswerScans.take))
    return found.feedback, found.scales


class _AnswerScans(NamedTuple):
    """The scans of one pass."""

    feedback: FeedbackScan
    scales: ScaleScan

    def take(self, taken: Taken) -> None:
        self.feedback.take(taken.names, taken.customer_id, taken.customer)
        self.scales.take(taken.names, taken.customer)

    def add(self, other: _AnswerScans) -> None:
        self.feedback.add(other.feedback)
        self.scales.add(other.scales)


def scales_of(scan: ScaleScan) -> dict[str, FurtherScale]:
    """Return the further scales on which somebody was asked as documents."""
    statuses, scores = scan.statuses(), scan.scores()

    def answers(kind: str, *incentives: bool) -> ScaleAnswers:
        keys = [AskedOn(kind, incentive) for incentive in incentives]
        asked = sum((statuses.get(key, Counter()) for key in keys), Counter[str]())
        given = sum((scores.get(key, Counter()) for key in keys), Counter[int]())
        good = sum(count for score, count in given.items() if score >= SCALES[kind].good_from)
        number = given.total()
        bounds = wilson_bounds(successes=good, trials=number)
        return ScaleAnswers(
            sent=asked["sent"],
            answered=number,
            dismissed=asked["dismissed"],
            mean=sum(score * count for score, count in given.items()) / number if number else None,
            good=good,
            share=good / number if number else None,
            low=None if bounds is None else bounds.low,
            high=None if bounds is None else bounds.high,
        )

    return {
        kind: FurtherScale(
            title=SCALES[kind].title,
            good_from=SCALES[kind].good_from,
            surveys=answers(kind, True, False),
            rewarded=answers(kind, True),
            not_rewarded=answers(kind, False),
        )
        for kind in FURTHER_SCALES
        if any(key.kind == kind for key in statuses)
    }


def kinds_of(
    found: Mapping[tuple[str, str], Durations], waits: Mapping[tuple[str, str], Durations]
) -> dict[str, FeedbackKind]:
    """Return spells by kind and band as documents; kinds of which nobody was asked have `never_asked` alone.

    Args:
        found: Spells, in days.
        waits: How long answers waited, in hours.
    """
    return {
        kind: FeedbackKind(
            bands={band: _band(found[kind, band]) for band in bands if (kind, band) in found},
            log_rank=tested(log_rank([found[kind, band] for band in COMPARED[kind] if (kind, band) in found])),
            follow_up={band: _follow_up(waits[kind, band]) for band in bands if (kind, band) in waits},
        )
        for kind, bands in BANDS.items()
    }


def _follow_up(waits: Durations) -> AnswerFollowUp:
    return AnswerFollowUp(
        answers=waits.episodes, followed=sum(waits.deaths.values()), median_hours=survival(waits).median_days()
    )


def _open(found: FollowUps, at_ms: int) -> OpenDetractors:
    return OpenDetractors(
        customers=found.open_customers,
        mrr=found.open_mrr,
        listed=[
            OpenDetractorEntry(
                customer_id=each.customer_id,
                plan=each.plan,
                mrr=each.mrr,
                score=each.score,
                reason=each.reason,
                answered_at=instant_text(each.answered_ms),
                hours=(at_ms - each.answered_ms) // _HOUR_MS,
            )
            for each in found.open()
        ],
    )


def _contacted(found: FollowUps) -> ContactedDetractors:
    contacted, others = found.after()
    return ContactedDetractors(
        contacted=_group(contacted),
        others=_group(others),
        difference=difference_document(difference_at(survival(contacted), survival(others), _STAY_DAYS), _STAY_DAYS),
        log_rank=tested(log_rank([contacted, others])),
    )


def _group(found: Durations) -> ContactedGroup:
    stay = share_of(_STAY_DAYS, survival(found).at(_STAY_DAYS))
    return ContactedGroup(customers=found.episodes, left=sum(found.deaths.values()), stay=stay)


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


def difference_document(found: Difference | None, days: int) -> SurvivalDifference | None:
    """Return a difference of two curves at a day as a document."""
    if found is None:
        return None
    return SurvivalDifference(days=days, value=found.value, low=found.interval.low, high=found.interval.high)


@overload
def tested(found: LogRank) -> LogRankTest: ...


@overload
def tested(found: LogRank | None) -> LogRankTest | None: ...


def tested(found: LogRank | None) -> LogRankTest | None:
    """Return a test as a document; None where there is none."""
    return None if found is None else LogRankTest(statistic=found.statistic, degrees=found.degrees, p=found.p)
