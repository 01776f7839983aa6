"""The report of `kpi` and `replay`: counts summed over customers, ratios out of counts, in the JSON of the contract.

Definitions: sections 1, 3 and 4; the contract, JSON of `kpi` and `replay`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import TypeAlias

from tests.recount.counts import (
    KINDS_WITHOUT_EFFECT,
    STOCKS,
    SURVEY_KINDS,
    SURVEY_STATUSES,
    SURVEY_WAYS,
    WINDOW_COUNTS,
    stock_shares,
    window_shares,
    without_effect,
)
from tests.recount.customers import Book, Customer, read
from tests.recount.instants import DAY_MS, day_start_ms, instant_ms, moment_of, month_start_ms, written
from tests.recount.mending import DESCRIBING
from tests.recount.options import DEFAULTS, Options
from tests.recount.records import Sent
from tests.recount.refusals import Reason

Json: TypeAlias = dict[str, object]
#: Counts by window, "" for the counts without one.
Sums: TypeAlias = dict[str, Counter[str]]


def recount(
    records: Iterable[Sent], at: Sequence[datetime], options: Options = DEFAULTS, by: Sequence[str] = ()
) -> list[Json]:
    """Return what `tenure replay --json` has to print for a log.

    Args:
        records: The log in the order of arrival: records, lines, or members.
        at: Instants to report as of; aware, each a boundary of a bucket.
        options: Settings that the numbers depend on.
        by: Dimensions to break down by: `plan`, `country`, `channel` or one of the options' dimensions.

    Returns:
        One report for each instant, in the order given. Counts are integers, MRR is in minor units of the default
        currency, ratios are floats, or None where the denominator is 0.
    """
    book = read(records, options)
    return [report(book, instant_ms(moment), windows_at(instant_ms(moment), options), by) for moment in at]


def recount_period(records: Iterable[Sent], period: str, options: Options = DEFAULTS, by: Sequence[str] = ()) -> Json:
    """Return the report of a calendar month, "2026-10", or year, "2026", as of its own end.

    Returns:
        A report with one window, `month` or `year`, which is the period.
    """
    start, end = period_bounds(period, options)
    starts = {"month" if "-" in period else "year": instant_ms(start)}
    return report(read(records, options), instant_ms(end), starts, by)


def period_bounds(period: str, options: Options = DEFAULTS) -> tuple[datetime, datetime]:
    """Return the first instant of a calendar month, "2026-10", or year, "2026", and the first one after it."""
    year, _, month = period.partition("-")
    first = date(int(year), int(month or 1), 1)
    after = date(first.year + (not month or first.month == 12), first.month % 12 + 1 if month else 1, 1)
    return moment_of(day_start_ms(first, options.zone)), moment_of(day_start_ms(after, options.zone))


def windows_at(at_ms: int, options: Options) -> dict[str, int]:
    """Return the first instant (milliseconds since 1970) of each window as of T, by the window's name."""
    starts = {f"{days}d": at_ms - days * DAY_MS for days in options.windows_days}
    return starts | {"month": month_start_ms(at_ms, options.zone)}


def report(book: Book, at_ms: int, starts: Mapping[str, int], by: Sequence[str] = ()) -> Json:
    """Return the numbers as of T over windows that begin at `starts` (milliseconds since 1970) and end at T."""
    for instant in (at_ms, *starts.values()):
        assert instant % book.options.bucket_ms == 0, f"{written(instant)} is no boundary of a bucket"
    unknown = set(by) - {"plan", *book.options.segment_members}
    assert not unknown, f"there is no dimension {sorted(unknown)}"
    everyone: Sums = {window: Counter() for window in ("", *starts)}
    segments: dict[str, dict[str, Sums]] = {
        dimension: defaultdict(lambda: {window: Counter() for window in ("", *starts)}) for dimension in by
    }
    facts_without_effect: dict[str, Counter[str]] = {window: Counter() for window in starts}
    for customer in book.customers.values():
        shares = {"": list(stock_shares(customer, at_ms))}
        for window, start_ms in starts.items():
            shares[window] = list(window_shares(customer, start_ms, at_ms, book.options))
            facts_without_effect[window].update(without_effect(customer, start_ms, at_ms))
        for window, found in shares.items():
            for share in found:
                everyone[window][share.name] += share.amount
                for dimension in by:
                    value = segment_of(customer, dimension, share.plan)
                    segments[dimension][value][window][share.name] += share.amount
    document: Json = {"as_of": written(at_ms)} | _numbers(everyone, facts_without_effect)
    if by:
        document["segments"] = {dimension: _segments(segments[dimension]) for dimension in by}
    return document | {"events": _events(book)}


def segment_of(customer: Customer, dimension: str, plan: str) -> str:
    """Return the value of a dimension under which a share of a customer counts; `plan` is the share's own."""
    return plan if dimension == "plan" else customer.segments[dimension]


def _segments(by_value: Mapping[str, Sums]) -> Json:
    """Return the numbers of every value that has a count other than 0."""
    return {
        value: _numbers(by_value[value], None)
        for value in sorted(by_value)
        if any(any(counts.values()) for counts in by_value[value].values())
    }


def _numbers(sums: Sums, facts_without_effect: Mapping[str, Counter[str]] | None) -> Json:
    """Return totals and windows; facts without effect are counted for all customers only."""
    stocks = sums[""]
    totals: Json = {count: stocks[count] for count in STOCKS}
    totals["arpa"] = ratio(stocks["mrr"], stocks["customers_active"])
    windows: Json = {}
    for window, counts in sums.items():
        if not window:
            continue
        numbers: Json = {count: counts[count] for count in WINDOW_COUNTS}
        if facts_without_effect is not None:
            numbers["facts_without_effect"] = {
                kind: facts_without_effect[window][kind] for kind in KINDS_WITHOUT_EFFECT
            }
        numbers["surveys"] = {
            kind: {way: {status: counts[f"{kind}/{way}/{status}"] for status in SURVEY_STATUSES} for way in SURVEY_WAYS}
            for kind in SURVEY_KINDS
        }
        windows[window] = numbers | {"ratios": ratios(counts, stocks)}
    return {"totals": totals, "windows": windows}


def ratio(numerator: int, denominator: int) -> float | None:
    """Return a ratio; one with a zero denominator is absent."""
    return float(Fraction(numerator, denominator)) if denominator else None


def ratios(n: Counter[str], stocks: Counter[str]) -> Json:
    """Return the ratios of one window."""
    at_start = n["customers_at_start"]
    answered_nps = n["nps_promoters"] + n["nps_passives"] + n["nps_detractors"]
    renewals = n["renewals_renewed"] + n["renewals_declined"] + n["renewals_failed"]
    grown = n["mrr_new"] + n["mrr_expansion"] + n["mrr_reactivated"]
    return {
        "retention": ratio(n["customers_retained"], at_start),
        "churn": {
            "standard": ratio(n["customers_lost"], at_start),
            "stripe": ratio(n["cancellations"], at_start + n["customers_new"]),
            "baremetrics": ratio(n["cancellations"], at_start),
            "profitwell": ratio(n["cancellations"] - n["cancellations_of_new"], at_start),
        },
        "dropoff_7d": ratio(n["dropoff_cancelled"], n["dropoff_matured"]),
        "dropoff_silent_7d": ratio(n["dropoff_silent"], n["dropoff_silent_matured"]),
        "onboarding": ratio(n["onboarding_completed"], n["onboarding_matured"]),
        "engagement": ratio(n["customers_engaged"], stocks["customers_active"]),
        "trial_conversion": ratio(n["trials_converted"], n["trials_matured"]),
        "cross_sell": ratio(stocks["customers_with_several"], stocks["customers_active"]),
        "renewal": ratio(n["renewals_renewed"], renewals),
        "expansion": ratio(n["upgrades"], at_start),
        "gross_revenue_retention": ratio(n["mrr_retained_gross"], n["mrr_at_start"]),
        "net_revenue_retention": ratio(n["mrr_retained_net"], n["mrr_at_start"]),
        "quick_ratio": ratio(grown, n["mrr_contraction"] + n["mrr_churned"]),
        "nps": ratio(n["nps_promoters"] - n["nps_detractors"], answered_nps),
        "csat": ratio(n["csat_satisfied"], n["csat_answered"]),
        "survey_response": ratio(n["survey_answered"], n["survey_sent"]),
    }


def _events(book: Book) -> Json:
    fates = book.fates
    members = (*DESCRIBING, *book.options.segment_members)
    return {
        "applied": fates.applied,
        "duplicate": fates.duplicate,
        "conflict": fates.conflict,
        "test": fates.test,
        "mended": {name: fates.mended[name] for name in members},
        "forgotten": 0,
        "dead_letters": {str(reason): fates.dead_letters[reason] for reason in Reason},
    }
