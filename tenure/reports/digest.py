"""The digest of a week: KPIs beside the week before and the targets, and what was corrected of the last digest.

A week ends with the Monday after it, in the business time zone, and its counts are of the seven days before that:
where clocks change in it, of an hour more or less than the week. What is shown: `schemas.documents.digest` and
docs/digest.md.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import UnsetType

from kpis.instants import instant_of, instant_text
from kpis.proportions import Z_DEPARTS, Bounds, proportions_apart, scores_apart, wilson_bounds
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.lenses import Lens
from schemas.catalogue.ratios import RATIO_BY_NAME
from schemas.catalogue.verdicts import LEAST_LOSSES, LEAST_SAMPLE, Z_WARN, is_beyond
from schemas.documents.digest import (
    CorrectedWeek,
    Correction,
    DigestNumber,
    DigestReason,
    DigestReport,
    DigestSegment,
    DigestTarget,
    TargetVerdict,
    WeekVerdict,
)
from schemas.documents.report import Report, Segment
from schemas.instants import milliseconds
from streams.clock import Clock, WallClock
from streams.digests import DigestStore, IssuedDigest
from streams.errors import UsageError
from streams.settings.meaning import dimensions_of
from streams.settings.settings import Settings
from streams.targets import ALL, TargetChange, TargetStore
from tenure.reports.customers import Scope, Source, lacking, open_source
from tenure.reports.kpi_rows import CHURN, OPINION, REVENUE, STAYING, unseen_feeds
from tenure.reports.reasons import reasons_of
from tenure.stored.reading import report_of

WINDOW: Final = "7d"
SEGMENTS_SHOWN: Final = 8
REASONS_SHOWN: Final = 5
_WEEK: Final = re.compile(r"(\d{4})-?W(\d\d)")
_STOCKS: Final = ("customers_active", "mrr", "customers_paused", "customers_with_several")
_COUNTS: Final = (
    "customers_new",
    "customers_reactivated",
    "cancellations",
    "cancellations_involuntary",
    "upgrades",
    "downgrades",
    "mrr_new",
    "mrr_expansion",
    "mrr_reactivated",
    "mrr_contraction",
    "mrr_churned",
)
_NPS: Final = "nps"


class Week(NamedTuple):
    """A week: its name, and the instants between which it lies (ms since 1970)."""

    name: str
    start_ms: int
    end_ms: int


def week_of(name: str | None, time_zone: str, *, now_ms: int) -> Week:
    """Return a week by its name, or the last one that is over.

    Args:
        name: ISO 8601, such as 2026-W47; None: the last one that is over.
        time_zone: The business time zone (IANA name).
        now_ms: The time of day, or the end of a file (ms since 1970).

    Raises:
        UsageError: There is no such week, or it is not over.
    """
    zone = ZoneInfo(time_zone)
    if name is None:
        today = instant_of(now_ms).astimezone(zone).date()
        monday = today - dt.timedelta(days=today.weekday() + 7)
        if _start_ms(monday + dt.timedelta(days=7), zone) > now_ms:
            monday -= dt.timedelta(days=7)
    else:
        found = _WEEK.fullmatch(name.strip().upper())
        if found is None:
            raise UsageError(f"--week {name}: not a week; write for example 2026-W47")
        try:
            monday = dt.date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError as error:
            raise UsageError(f"--week {name}: there is no such week") from error
    end_ms = _start_ms(monday + dt.timedelta(days=7), zone)
    year, number, _ = monday.isocalendar()
    if end_ms > now_ms:
        raise UsageError(f"--week {year}-W{number:02}: it is not over before {instant_text(end_ms)}")
    return Week(f"{year}-W{number:02}", _start_ms(monday, zone), end_ms)


def _start_ms(day: dt.date, zone: ZoneInfo) -> int:
    return milliseconds(dt.datetime.combine(day, dt.time(), zone))


async def read_digest(
    settings: Settings, scope: Scope, week: str | None, *, issue: bool = False, clock: Clock | None = None
) -> DigestReport:
    """Return the digest of a week, of the running stream or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Which of the two; `by` are the dimensions whose segments are compared.
        week: Its name; None: the last one that is over.
        issue: Note it as shown, for the corrections of the next.
        clock: What time it is, for the running stream.

    Raises:
        UsageError: There is no such week, or the settings do not count seven days.
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`.
    """
    if WINDOW.removesuffix("d") not in {str(days) for days in settings.windows_days}:
        raise UsageError("a digest is of seven days, which windows_days does not have; add 7 to it")
    clock = clock or WallClock()
    async with open_source(settings, scope, clock=clock) as opened:
        # A running stream counts to the end of the running bucket; the last week is not over before its own end.
        now_ms = opened.at_ms if scope.file is not None else clock.now_ms()
        chosen = week_of(week, settings.business_time_zone, now_ms=now_ms)
        source = opened._replace(at_ms=chosen.end_ms)
        digest = await _digest_of(source, chosen, scope.by)
        if issue:
            await DigestStore(source.tables).issue(IssuedDigest(chosen.name, now_ms, numbers_of(digest)))
        return lacking(digest, source)


def numbers_of(digest: DigestReport) -> dict[str, int | float | None]:
    """Return the numbers of a digest by name, as they are noted."""
    return {number.name: number.now for number in digest.numbers}


async def _digest_of(source: Source, week: Week, by: Sequence[str]) -> DigestReport:
    settings = source.settings
    known = dimensions_of(settings)
    targets = await TargetStore(source.tables).current()
    aimed = [each.dimension for each in targets if each.dimension in known]
    dimensions = by or known
    past = week_of(None, settings.business_time_zone, now_ms=week.start_ms)
    ends = [week.end_ms, past.end_ms, past.start_ms]
    now, before, last = await report_of(
        settings, source.tables, partitions=source.partitions, at_ms=ends, by=list(dict.fromkeys((*dimensions, *aimed)))
    )
    issued = await DigestStore(source.tables).first_issue(past.name)
    reasons = await reasons_of(source, window=WINDOW, by=())
    lines = reasons.cancellations.lines if reasons.cancellations else []
    return DigestReport(
        week=week.name,
        starts_at=instant_text(week.start_ms),
        ends_at=instant_text(week.end_ms),
        currency=settings.default_currency,
        numbers=_numbers(now, before),
        targets=[_target(each, now, before) for each in targets if each.value is not None],
        segments=_segments(now, before, dimensions)[:SEGMENTS_SHOWN],
        reasons=[
            DigestReason(reason=str(line.name), count=line.count, before=line.before) for line in lines[:REASONS_SHOWN]
        ],
        corrected=_corrected(past.name, issued, _numbers(before, last)),
    )


# ------------------------------------------------------------------------- numbers


def _known(report: Report | Segment, window: str) -> dict[str, int]:
    """Return stocks and the counts of a window by name."""
    return {**report.totals.counts(), **report.windows[window].counts()}


def _numbers(now: Report, before: Report) -> list[DigestNumber]:
    counted, unseen = (_known(now, WINDOW), _known(before, WINDOW)), unseen_feeds(now)
    rows = [row for row in (*STAYING, *CHURN, *REVENUE, *OPINION) if row.feed not in unseen]
    ratios = [RATIO_BY_NAME["arpa"], *(row.ratio for row in rows)]
    return [
        *(_count(name, *counted) for name in (*_STOCKS, *_COUNTS)),
        *(_ratio(ratio, *counted) for ratio in ratios),
    ]


def _count(name: str, now: Mapping[str, int], before: Mapping[str, int]) -> DigestNumber:
    count = COUNT_BY_NAME[name]
    return DigestNumber(
        name=name,
        title=_title(name),
        unit=count.unit,
        now=now[name],
        before=before[name],
        low=None,
        high=None,
        verdict=None,
    )


def _title(name: str) -> str:
    """Return the name of a count in words."""
    return name.replace("_", " ").replace("mrr", "MRR").capitalize().replace("Mrr", "MRR")


def _ratio(ratio: Ratio, now: Mapping[str, int], before: Mapping[str, int]) -> DigestNumber:
    bounds = interval_of(ratio, now)
    return DigestNumber(
        name=ratio.name,
        title=ratio.title,
        unit=ratio.unit,
        now=ratio.evaluate(now),
        before=ratio.evaluate(before),
        low=None if bounds is None else bounds.low,
        high=None if bounds is None else bounds.high,
        verdict=_verdict(ratio, now, before),
    )


def interval_of(ratio: Ratio, counts: Mapping[str, int]) -> Bounds | None:
    """Return the 95 % Wilson interval of a proportion; None of what is none, or where there is no sample."""
    if not ratio.is_proportion:
        return None
    return wilson_bounds(successes=ratio.numerator.evaluate(counts), trials=ratio.denominator.evaluate(counts))


def _verdict(ratio: Ratio, now: Mapping[str, int], before: Mapping[str, int]) -> WeekVerdict | None:
    """Return whether a ratio moved by more than chance from one week to the next."""
    apart = None
    if ratio.is_proportion:
        first, second = (
            (ratio.numerator.evaluate(counts), ratio.denominator.evaluate(counts)) for counts in (now, before)
        )
        apart = proportions_apart(first, second)
    elif ratio.name == _NPS:
        one, other = (
            (counts["nps_promoters"], counts["nps_detractors"], ratio.denominator.evaluate(counts))
            for counts in (now, before)
        )
        apart = scores_apart(one, other)
    if apart is None:
        return None
    return "more_than_chance" if abs(apart) >= Z_DEPARTS else "within_chance"


def _target(change: TargetChange, now: Report, before: Report) -> DigestTarget:
    ratio, wanted = RATIO_BY_NAME[change.kpi], change.value
    assert wanted is not None, "one that was taken back does not hold"
    counts = [_counts_of(change, each) for each in (now, before)]
    value, earlier = (ratio.evaluate(known) if known else None for known in counts)
    bounds = interval_of(ratio, counts[0]) if counts[0] else None
    return DigestTarget(
        kpi=ratio.name,
        title=ratio.title,
        window=change.window,
        dimension=change.dimension,
        segment=change.segment,
        target=wanted,
        owner=change.owner,
        now=value,
        before=earlier,
        low=None if bounds is None else bounds.low,
        high=None if bounds is None else bounds.high,
        verdict=target_verdict(ratio, counts[0], wanted),
    )


def _counts_of(change: TargetChange, report: Report) -> dict[str, int]:
    """Return the counts of a target's customers in its window; empty where a report has none."""
    found: Report | Segment | None = report
    if change.dimension != ALL:
        found = _segments_of(report, change.dimension).get(change.segment)
    return {} if found is None or change.window not in found.windows else _known(found, change.window)


def target_verdict(ratio: Ratio, counts: Mapping[str, int], target: float) -> TargetVerdict:
    """Return whether a ratio meets a target; for sure is as the alerts have it.

    Args:
        ratio: The KPI.
        counts: Of the target's window; empty where the settings do not count it.
        target: As the ratio is counted.
    """
    value = ratio.evaluate(counts) if counts else None
    if value is None:
        return "no_data"
    if (value >= target) if ratio.higher_is_better else (value <= target):
        return "met"
    sure = ratio.is_proportion and is_beyond(ratio, counts, target, z=Z_WARN)
    return "missed_for_sure" if sure else "missed"


# ------------------------------------------------------------------------- segments


def _segments_of(report: Report, dimension: str) -> Mapping[str, Segment]:
    return {} if isinstance(report.segments, UnsetType) else report.segments.get(dimension, {})


def _segments(now: Report, before: Report, dimensions: Sequence[str]) -> list[DigestSegment]:
    """Return all segments that moved, those first whose MRR moved most, then whose customers did."""
    found = []
    for dimension in dimensions:
        values, earlier = (_segments_of(each, dimension) for each in (now, before))
        everyone = now.windows[WINDOW]
        lost, start = everyone.count("customers_lost"), everyone.count("customers_at_start")
        together = sorted({*values, *earlier})
        for value in together if len(together) > 1 else ():
            known, past = (
                {} if entry is None else _known(entry, WINDOW) for entry in (values.get(value), earlier.get(value))
            )
            segment = _segment(dimension, value, known, past, others=(lost, start))
            if segment.customers_change or segment.mrr_change or segment.departs:
                found.append(segment)
    found.sort(key=lambda each: (not each.departs, -abs(each.mrr_change), -abs(each.customers_change)))
    return found


def _segment(
    dimension: str, value: str, now: Mapping[str, int], before: Mapping[str, int], *, others: tuple[int, int]
) -> DigestSegment:
    churn = RATIO_BY_NAME[Lens.STANDARD.ratio]
    mine = (now.get("customers_lost", 0), now.get("customers_at_start", 0))
    rest = (others[0] - mine[0], others[1] - mine[1])
    apart = proportions_apart(mine, rest)
    enough = mine[0] >= LEAST_LOSSES and mine[1] >= LEAST_SAMPLE
    return DigestSegment(
        dimension=dimension,
        value=value,
        customers=now.get("customers_active", 0),
        customers_change=now.get("customers_active", 0) - before.get("customers_active", 0),
        mrr=now.get("mrr", 0),
        mrr_change=now.get("mrr", 0) - before.get("mrr", 0),
        churn=churn.evaluate(now) if now else None,
        churn_before=churn.evaluate(before) if before else None,
        departs=enough and apart is not None and apart >= Z_DEPARTS,
    )


# ------------------------------------------------------------------------- corrections


def _corrected(week: str, issued: IssuedDigest | None, now: Sequence[DigestNumber]) -> CorrectedWeek:
    """Return what became of the numbers of a week since they were shown."""
    if issued is None:
        return CorrectedWeek(week=week, issued_at=None, numbers=0, corrections=[])
    known = [number for number in now if number.name in issued.numbers]
    return CorrectedWeek(
        week=week,
        issued_at=instant_text(issued.issued_at_ms),
        numbers=len(known),
        corrections=[
            Correction(
                name=number.name,
                title=number.title,
                unit=number.unit,
                shown=issued.numbers[number.name],
                now=number.now,
            )
            for number in known
            if number.now != issued.numbers[number.name]
        ],
    )
