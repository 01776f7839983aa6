"""Every number of the product, recomputed from the whole log by the words of the definitions.

Independent of the product and slow on purpose: it rebuilds every customer's timeline and looks at it once for each
instant and window, so that there is nothing clever in it to be wrong.
Definitions: docs/definitions.md, sections 1 to 4; docs/report.md.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tests.oracle.counting import (
    STOCKS,
    SURVEY_KINDS,
    SURVEY_STATUSES,
    SURVEY_WAYS,
    WINDOW_COUNTS,
    Share,
    stock_shares,
    window_shares,
)
from tests.oracle.options import DAY_MS, DEFAULTS, EPOCH, Options, instant_ms
from tests.oracle.timelines import Reading, Timeline, read

__all__ = ["Options", "period_bounds", "recompute", "recompute_period", "window_starts"]

Json: TypeAlias = dict[str, object]


def recompute(
    log: Iterable[bytes | Mapping[str, object]],
    *,
    at: Sequence[datetime],
    by: Sequence[str] = (),
    options: Options = DEFAULTS,
) -> list[Json]:
    """Return what `tenure replay` has to print for a log.

    Args:
        log: Records in any order, as bytes or as parsed objects.
        at: Instants to report as of; aware, each a boundary of a bucket.
        by: Dimensions to break down by: `plan`, `country`, `channel` or one of the options' dimensions.
        options: Settings that the numbers depend on.

    Returns:
        One report for each instant, in the order given; counts are integers, MRR in minor units of the default
        currency, ratios floats or None when there is nothing to divide by.

    Raises:
        ValueError: an instant is no bucket boundary, or a dimension does not exist.
    """
    for moment in at:
        if instant_ms(moment) % (options.bucket_minutes * 60_000) or moment.microsecond % 1_000:
            raise ValueError(f"{moment} is not on a boundary of {options.bucket_minutes} minutes; take the next one")
    unknown = set(by) - {"plan", "country", "channel", *options.dimensions}
    if unknown:
        raise ValueError(f"there is no dimension {sorted(unknown)}; add it to the options")
    reading = read(log, options)
    return [_report(reading, moment, window_starts(moment, options), by) for moment in at]


def recompute_period(
    log: Iterable[bytes | Mapping[str, object]], period: str, *, by: Sequence[str] = (), options: Options = DEFAULTS
) -> Json:
    """Return the report of a calendar month, "2026-10", or year, "2026", as of its own end.

    Args:
        log: Records in any order, as bytes or as parsed objects.
        period: Its name; it begins and ends at local midnights of the business time zone.
        by: Dimensions to break down by.
        options: Settings that the numbers depend on.

    Returns:
        A report with one window, `month` or `year`, which is the period.
    """
    first, end = period_bounds(period, options)
    window = "month" if "-" in period else "year"
    return _report(read(log, options), end, {window: instant_ms(first)}, by)


def period_bounds(period: str, options: Options) -> tuple[datetime, datetime]:
    """Return the first instant of a month or a year, and the first one after it, in UTC."""
    zone = ZoneInfo(options.time_zone)
    if "-" in period:
        year, month = (int(part) for part in period.split("-"))
        after = (year + 1, 1) if month == 12 else (year, month + 1)
    else:
        year, month, after = int(period), 1, (int(period) + 1, 1)
    first, end = datetime(year, month, 1, tzinfo=zone), datetime(*after, 1, tzinfo=zone)
    return first.astimezone(UTC), end.astimezone(UTC)


def window_starts(moment: datetime, options: Options) -> dict[str, int]:
    """Return the first instant (milliseconds since 1970) of each window as of a moment, by the window's name."""
    starts = {f"{days}d": instant_ms(moment) - days * DAY_MS for days in options.windows_days}
    zone = ZoneInfo(options.time_zone)
    just_before = (moment.astimezone(UTC) - timedelta(microseconds=1)).astimezone(zone)
    first = datetime(just_before.year, just_before.month, 1, tzinfo=zone)
    return starts | {"month": instant_ms(first.astimezone(UTC))}


def _report(reading: Reading, moment: datetime, starts: Mapping[str, int], by: Sequence[str]) -> Json:
    at_ms = instant_ms(moment)
    shares: dict[str, list[tuple[Timeline, Share]]] = {"totals": []}
    shares |= {window: [] for window in starts}
    for customer in reading.timelines.values():
        shares["totals"] += [(customer, share) for share in stock_shares(customer, at_ms)]
        for window, start_ms in starts.items():
            shares[window] += [(customer, share) for share in window_shares(customer, start_ms, at_ms)]
    everyone = {window: _summed(share for _, share in pairs) for window, pairs in shares.items()}
    report: Json = {"as_of": (EPOCH + timedelta(milliseconds=at_ms)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    report |= _numbers(everyone)
    if by:
        report["segments"] = {dimension: _segments(shares, dimension) for dimension in by}
    report["events"] = {
        "applied": reading.applied,
        "duplicate": reading.duplicate,
        "conflict": reading.conflict,
        "test": reading.test,
        "dead_letters": dict(reading.dead_letters),
    }
    return report


def _summed(shares: Iterable[Share]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for share in shares:
        sums[share.count] += share.amount
    return sums


def _segments(shares: Mapping[str, Sequence[tuple[Timeline, Share]]], dimension: str) -> Json:
    """Return the numbers of every value of a dimension that has a count other than zero."""

    def value_of(customer: Timeline, share: Share) -> str:
        return share.plan if dimension == "plan" else customer.attributes[dimension]

    def of_value(value: str, pairs: Sequence[tuple[Timeline, Share]]) -> Iterator[Share]:
        return (share for customer, share in pairs if value_of(customer, share) == value)

    values = {value_of(customer, share) for pairs in shares.values() for customer, share in pairs}
    segments: Json = {}
    for value in sorted(values):
        sums = {window: _summed(of_value(value, pairs)) for window, pairs in shares.items()}
        if any(amount != 0 for window in sums.values() for amount in window.values()):
            segments[value] = _numbers(sums)
    return segments


def _numbers(sums: Mapping[str, Counter[str]]) -> Json:
    stocks = sums["totals"]
    totals: Json = {count: stocks[count] for count in STOCKS}
    totals["arpa"] = _ratio(stocks["mrr"], stocks["customers_active"])
    windows = {window: _window_numbers(counts, stocks) for window, counts in sums.items() if window != "totals"}
    return {"totals": totals, "windows": windows}


def _window_numbers(counts: Counter[str], stocks: Counter[str]) -> Json:
    numbers: Json = {count: counts[count] for count in WINDOW_COUNTS}
    numbers["surveys"] = {
        kind: {way: {status: counts[f"{kind}/{way}/{status}"] for status in SURVEY_STATUSES} for way in SURVEY_WAYS}
        for kind in SURVEY_KINDS
    }
    numbers["ratios"] = _ratios(counts, stocks)
    return numbers


def _ratio(numerator: int, denominator: int) -> float | None:
    return None if denominator == 0 else numerator / denominator


def _ratios(n: Counter[str], stocks: Counter[str]) -> Json:
    at_start = n["customers_at_start"]
    answered_nps = n["nps_promoters"] + n["nps_passives"] + n["nps_detractors"]
    renewals = n["renewals_renewed"] + n["renewals_declined"] + n["renewals_failed"]
    return {
        "retention": _ratio(n["customers_retained"], at_start),
        "churn": {
            "standard": _ratio(n["customers_lost"], at_start),
            "stripe": _ratio(n["cancellations"], at_start + n["customers_new"]),
            "baremetrics": _ratio(n["cancellations"], at_start),
            "profitwell": _ratio(n["cancellations"] - n["cancellations_of_new"], at_start),
        },
        "dropoff_7d": _ratio(n["dropoff_cancelled"], n["dropoff_matured"]),
        "dropoff_silent_7d": _ratio(n["dropoff_silent"], n["dropoff_silent_matured"]),
        "onboarding": _ratio(n["onboarding_completed"], n["onboarding_matured"]),
        "engagement": _ratio(n["customers_engaged"], stocks["customers_active"]),
        "renewal": _ratio(n["renewals_renewed"], renewals),
        "expansion": _ratio(n["upgrades"], at_start),
        "gross_revenue_retention": _ratio(n["mrr_retained_gross"], n["mrr_at_start"]),
        "net_revenue_retention": _ratio(n["mrr_retained_net"], n["mrr_at_start"]),
        "quick_ratio": _ratio(
            n["mrr_new"] + n["mrr_expansion"] + n["mrr_reactivated"], n["mrr_contraction"] + n["mrr_churned"]
        ),
        "nps": _ratio(n["nps_promoters"] - n["nps_detractors"], answered_nps),
        "csat": _ratio(n["csat_satisfied"], n["csat_answered"]),
        "survey_response": _ratio(n["survey_answered"], n["survey_sent"]),
    }
