"""A report made by hand, as the plain objects of `kpi --json`, which a test may change: for tests of what renders it.

The numbers are believable and satisfy the identities of docs/kpis.md, but nobody counted them.
"""

from __future__ import annotations

from typing import Any

from schemas.documents.document import read
from schemas.documents.report import WINDOW_COUNTS, Report

Json = dict[str, Any]


def fake_window(customers: int, days: int, *, price: int = 4900) -> Json:
    """Return the counts and ratios of one window of a company with so many customers."""
    start = customers - customers * days // 2000
    lost = start * days // 900
    retained = start - lost
    cancellations_of_new = lost // 10
    cancellations = lost + cancellations_of_new + lost // 20
    reactivated = lost // 8
    new = customers - start + cancellations - reactivated
    matured, cancelled = new, new // 12
    sent, answered = customers // 8 + days, customers // 11 + days // 2
    promoters, detractors = answered // 2, answered // 6
    counts: Json = {count.name: 0 for count in WINDOW_COUNTS} | {
        "customers_at_start": start,
        "customers_lost": lost,
        "customers_retained": retained,
        "customers_new": new,
        "customers_reactivated": reactivated,
        "cancellations": cancellations,
        "cancellations_involuntary": cancellations // 4,
        "cancellations_of_new": cancellations_of_new,
        "upgrades": start // 50,
        "downgrades": start // 120,
        "signups": new + new // 3,
        "dropoff_matured": matured,
        "dropoff_cancelled": cancelled,
        "mrr_at_start": start * price,
        "mrr_retained_gross": retained * price * 99 // 100,
        "mrr_retained_net": retained * price * 103 // 100,
        "mrr_new": new * price,
        "mrr_expansion": start // 50 * price,
        "mrr_contraction": start // 120 * price,
        "mrr_churned": cancellations * price,
        "mrr_reactivated": reactivated * price,
        "survey_sent": sent,
        "survey_answered": answered,
        "survey_dismissed": sent - answered,
        "nps_promoters": promoters,
        "nps_passives": answered - promoters - detractors,
        "nps_detractors": detractors,
        "csat_satisfied": answered // 3,
        "csat_answered": answered // 2,
        "surveys": {"nps": {"in_app": {"sent": sent, "answered": answered, "dismissed": sent - answered}}},
    }
    counts["ratios"] = _ratios(counts)
    return counts


def _ratios(c: Json) -> Json:
    start, mrr_start = c["customers_at_start"], c["mrr_at_start"]
    answers = c["nps_promoters"] + c["nps_passives"] + c["nps_detractors"]
    gained = c["mrr_new"] + c["mrr_expansion"] + c["mrr_reactivated"]
    return {
        "retention": _share(c["customers_retained"], start),
        "churn": {
            "standard": _share(c["customers_lost"], start),
            "stripe": _share(c["cancellations"], start + c["customers_new"]),
            "baremetrics": _share(c["cancellations"], start),
            "profitwell": _share(c["cancellations"] - c["cancellations_of_new"], start),
        },
        "dropoff_7d": _share(c["dropoff_cancelled"], c["dropoff_matured"]),
        "dropoff_silent_7d": None,
        "onboarding": None,
        "engagement": None,
        "trial_conversion": _share(c["trials_converted"], c["trials_matured"]),
        "cross_sell": None,
        "renewal": None,
        "expansion": _share(c["upgrades"], start),
        "gross_revenue_retention": _share(c["mrr_retained_gross"], mrr_start),
        "net_revenue_retention": _share(c["mrr_retained_net"], mrr_start),
        "quick_ratio": _share(gained, c["mrr_contraction"] + c["mrr_churned"]),
        "nps": _share(c["nps_promoters"] - c["nps_detractors"], answers),
        "csat": _share(c["csat_satisfied"], c["csat_answered"]),
        "survey_response": _share(c["survey_answered"], c["survey_sent"]),
    }


def _share(over: int, under: int) -> float | None:
    return over / under if under else None


def fake_part(customers: int, *, price: int = 4900) -> Json:
    """Return totals and all windows of so many customers."""
    totals = {
        "customers_active": customers,
        "customers_paused": 0,
        "customers_with_several": 0,
        "subscriptions_active": customers,
        "subscription_mrr": customers * price,
        "mrr": customers * price,
        "arpa": float(price) if customers else None,
    }
    days_by_name = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "365d": 365, "month": 14}
    return {
        "totals": totals,
        "windows": {name: fake_window(customers, days, price=price) for name, days in days_by_name.items()},
    }


def fake_report(customers: int = 2000, as_of: str = "2026-03-15T00:00:00Z") -> Json:
    """Return one object of a report, by plan."""
    plans = {"starter": (customers * 5 // 10, 1900), "team": (customers * 3 // 10, 4900)}
    plans |= {"business": (customers // 10, 14900), "enterprise": (customers // 10, 49900)}
    return {
        "as_of": as_of,
        **fake_part(customers),
        "segments": {"plan": {plan: fake_part(number, price=price) for plan, (number, price) in plans.items()}},
        "events": {
            "applied": 123_456,
            "duplicate": 1_234,
            "conflict": 0,
            "test": 12,
            "mended": {"reason": 0, "country": 0},
            "forgotten": 0,
            "dead_letters": {"malformed_json": 7, "missing_member": 2, "unknown_type": 0},
        },
    }


def empty_report(as_of: str = "2026-03-15T00:00:00Z") -> Json:
    """Return the report of a stream that has seen no event."""
    part = fake_part(0)
    for counts in part["windows"].values():
        counts.update({name: 0 for name, value in counts.items() if isinstance(value, int)})
        counts["surveys"] = {}
        counts["ratios"] = _ratios(counts)
    events = {"applied": 0, "duplicate": 0, "conflict": 0, "test": 0, "mended": {}, "forgotten": 0, "dead_letters": {}}
    return {"as_of": as_of, **part, "segments": {"plan": {}}, "events": events}


def told(report: Json) -> Report:
    """Return it as what renders it takes it."""
    return read(Report, report)
