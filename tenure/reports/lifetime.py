"""The lifetimes of a stream's or a file's customers as documents: what `tenure lifetime --json` prints.

The curve in the terminal is `tenure.reports.lifetime_text`. What the numbers mean: docs/cohorts-and-lifetime.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import replace

from kpis.instants import instant_text
from kpis.population.episodes import Stretches
from kpis.population.lifetime import Durations, Point, durations, survival
from schemas.catalogue.windows import LIFETIME_DAYS
from schemas.documents.lifetime import LifetimeCurve, LifetimePoint, LifetimeReport, LifetimeShare
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, stretches_of, where_text


async def read_lifetime(settings: Settings, scope: Scope) -> LifetimeReport:
    """Return the lifetimes of the customers of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Whose lifetimes.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`.
    """
    async with open_source(settings, scope) as source:
        stretches = await stretches_of(source)
    bucket_ms = settings.bucket_minutes * 60_000
    report = lifetime_report(stretches, at_ms=source.at_ms, bucket_ms=bucket_ms, by=scope.by)
    return lacking(replace(report, where=where_text(scope)), source)


def lifetime_report(stretches: Sequence[Stretches], *, at_ms: int, bucket_ms: int, by: Sequence[str]) -> LifetimeReport:
    """Return the curve of all customers, and of each value of some dimensions, by name."""
    split = {name: durations(stretches, at_ms=at_ms, bucket_ms=bucket_ms, dimension=name) for name in by}
    segments = {name: {value: curve_of(found[value]) for value in sorted(found)} for name, found in split.items()}
    return LifetimeReport(
        as_of=instant_text(at_ms),
        all=curve_of(durations(stretches, at_ms=at_ms, bucket_ms=bucket_ms)[""]),
        segments=segments if by else UNSET,
    )


def curve_of(found: Durations) -> LifetimeCurve:
    """Return the survival curve of episodes, with its figures."""
    curve = survival(found)
    return LifetimeCurve(
        episodes=found.episodes,
        deaths=sum(found.deaths.values()),
        censored=sum(found.censored.values()),
        median_days=curve.median_days(),
        restricted_mean_days=curve.restricted_mean_days(),
        longest_days=curve.longest_days,
        survival=[share_of(days, curve.at(days)) for days in LIFETIME_DAYS],
        points=[_point(point) for point in curve.points],
    )


def share_of(days: int, point: Point | None) -> LifetimeShare:
    """Return S at a day and its interval; what does not exist is None."""
    low, high = _interval(point)
    return LifetimeShare(days=days, share=None if point is None else point.survival, low=low, high=high)


def _point(point: Point) -> LifetimePoint:
    low, high = _interval(point)
    return LifetimePoint(
        days=point.days,
        at_risk=point.at_risk,
        deaths=point.deaths,
        censored=point.censored,
        share=point.survival,
        low=low,
        high=high,
    )


def _interval(point: Point | None) -> tuple[float | None, float | None]:
    return (None, None) if point is None or point.interval is None else point.interval
