"""The next twelve months as a document: what `tenure forecast --json` prints.

The table in the terminal is `tenure.reports.forecast_text`. What the numbers mean: docs/forecast.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from kpis.instants import instant_text
from kpis.names import PLAN
from kpis.population.episodes import Stretches, joined
from kpis.population.forecast import BAND, LEARNT_MONTHS, LEAST_MONTHS, Month, forecast
from kpis.population.forecast_trials import ORIGINS, HeldOut, held_out_months
from kpis.population.monthly_history import history_of, whole_months
from kpis.population.monthly_levels import SEEN_MONTHS
from schemas.documents.forecast import BandCoverage, ForecastBand, ForecastMonth, ForecastReport
from streams.errors import CheckFailed
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, stretches_of, where_text


async def read_forecast(settings: Settings, scope: Scope) -> ForecastReport:
    """Return the forecast of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Of which customers, and from which instant on.

    Raises:
        CheckFailed: There are too few months to learn from.
        TenureError: As `tenure.reports.customers.open_source` and `stretches_of`.
    """
    async with open_source(settings, scope) as source:
        stretches = await stretches_of(source)
    report = forecast_report(
        stretches,
        at_ms=source.at_ms,
        bucket_ms=settings.bucket_minutes * 60_000,
        currency=settings.default_currency,
    )
    return lacking(replace(report, where=where_text(scope)), source)


def forecast_report(stretches: Sequence[Stretches], *, at_ms: int, bucket_ms: int, currency: str) -> ForecastReport:
    """Return the forecast of all customers from an instant on.

    Raises:
        CheckFailed: There are too few months to learn from.
    """
    people = joined(stretches, at_ms, PLAN)
    months = whole_months(people, at_ms, SEEN_MONTHS + ORIGINS)
    if months < LEAST_MONTHS:
        raise CheckFailed(
            f"no forecast: there are {months} whole months of 365/12 days before {instant_text(at_ms)},"
            f" and {LEAST_MONTHS} are needed to learn from"
        )
    history = history_of(people, at_ms, months, bucket_ms=bucket_ms)
    customers, mrr = history.total()
    return ForecastReport(
        as_of=instant_text(at_ms),
        currency=currency,
        learnt_months=min(months, LEARNT_MONTHS),
        customers=customers,
        mrr=mrr,
        band=BAND,
        months=[_month(month) for month in forecast(history.before(0, SEEN_MONTHS), at_ms)],
        coverage=_coverage(held_out_months(history, at_ms)),
    )


def _month(month: Month) -> ForecastMonth:
    return ForecastMonth(at=instant_text(month.at_ms), customers=_band(month.customers), mrr=_band(month.mrr))


def _band(found: tuple[float, float, float]) -> ForecastBand:
    middle, low, high = found
    return ForecastBand(middle=middle, low=low, high=high)


def _coverage(found: Sequence[HeldOut]) -> BandCoverage | None:
    if not found:
        return None
    return BandCoverage(
        months=len(found),
        origins=len({each.origin for each in found}),
        customers=sum(each.holds_customers for each in found) / len(found),
        mrr=sum(each.holds_mrr for each in found) / len(found),
    )
