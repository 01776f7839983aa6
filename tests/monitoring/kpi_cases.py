"""Situations of the alerts of KPIs against their targets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from monitoring.alerts.kpi import PLAIN, PROPORTIONS
from schemas.catalogue.counts import MATURING
from schemas.catalogue.ratios import RATIO_BY_NAME, has_windows
from tests.monitoring.case import Case
from tests.monitoring.scenario import KPIS, Scenario, Track, healthy, put_counts

#: Targets by KPI and window, and what they are in a day and in a week.
TARGETS: Final[Mapping[str, Mapping[str, float]]] = {
    "churn_standard": {"30d": 0.05},
    "retention": {"30d": 0.95},
    "dropoff_7d": {"30d": 0.1},
    "dropoff_silent_7d": {"30d": 0.2},
    "onboarding": {"30d": 0.7},
    "trial_conversion": {"30d": 0.7},
    "renewal": {"30d": 0.9},
    "engagement": {"1d": 0.3, "7d": 0.6},
}
#: Counts whose ratio misses no target of its own sign by more than chance would.
PLAIN_COUNTS: Final[Mapping[str, Mapping[str, int]]] = {
    "churn_stripe": {"cancellations": 30, "customers_at_start": 280, "customers_new": 20},
    "churn_baremetrics": {"cancellations": 30, "customers_at_start": 300},
    "churn_profitwell": {"cancellations": 33, "cancellations_of_new": 3, "customers_at_start": 300},
    "expansion": {"upgrades": 3, "customers_at_start": 300},
    "cross_sell": {"customers_with_several": 60, "customers_active": 300},
    "gross_revenue_retention": {"mrr_retained_gross": 80_000, "mrr_at_start": 100_000, "customers_at_start": 300},
    "net_revenue_retention": {"mrr_retained_net": 90_000, "mrr_at_start": 100_000, "customers_at_start": 300},
    "quick_ratio": {
        "mrr_new": 5000,
        "mrr_expansion": 2000,
        "mrr_reactivated": 1000,
        "mrr_contraction": 4000,
        "mrr_churned": 6000,
        "customers_at_start": 300,
    },
    "nps": {"nps_promoters": 60, "nps_passives": 60, "nps_detractors": 30},
    "csat": {"csat_satisfied": 30, "csat_answered": 60},
    "survey_response": {"survey_answered": 30, "survey_sent": 300},
}


def _healthy() -> Scenario:
    """Return a healthy stream in steps of five minutes, which are enough where nothing moves."""
    return healthy(KPIS, minutes=6, interval="5m")


def outcomes(kpi: str, bad: int, sample: int) -> dict[str, int]:
    """Return the counts of a window in which so many of a sample came out badly."""
    good = sample - bad
    return {
        "churn_standard": {"customers_at_start": sample, "customers_lost": bad},
        "retention": {"customers_at_start": sample, "customers_retained": good},
        "dropoff_7d": {"dropoff_matured": sample, "dropoff_cancelled": bad},
        "dropoff_silent_7d": {"dropoff_silent_matured": sample, "dropoff_silent": bad},
        "onboarding": {"onboarding_matured": sample, "onboarding_completed": good},
        "trial_conversion": {"trials_matured": sample, "trials_converted": good},
        "renewal": {"renewals_renewed": good, "renewals_declined": bad - bad // 3, "renewals_failed": bad // 3},
        "engagement": {"customers_engaged": good},
    }[kpi]


def put_outcomes(scenario: Scenario, kpi: str, window: str, bad: int, sample: int) -> Scenario:
    """Add them, where alerts read them."""
    for name, count in outcomes(kpi, bad, sample).items():
        if name in MATURING:
            scenario.put("tenure_matured_customers", count, instance="a", count=name, window=window)
        put_counts(scenario, {name: count}, window=window)
    if kpi == "engagement":
        put_counts(scenario, {"customers_active": sample}, window="stock")
    return scenario


def put_targets(scenario: Scenario, kpi: str, targets: Mapping[str, float] | None = None) -> Scenario:
    """Add the targets of a KPI."""
    for window, value in (TARGETS[kpi] if targets is None else targets).items():
        scenario.put("tenure_target_ratio", value, instance="a", kpi=kpi, window=window)
    return scenario


def proportion(kpi: str, day: tuple[int, int], week: tuple[int, int], *, targets: bool = True) -> Scenario:
    """Return a stream with bad outcomes and samples of the last day and the last week."""
    scenario = _healthy()
    put_outcomes(scenario, kpi, "1d", *day)
    put_outcomes(scenario, kpi, "7d", *week)
    return put_targets(scenario, kpi) if targets else scenario


def plain(kpi: str, beyond: float, *, share: float = 1.0) -> Scenario:
    """Return a stream whose KPI is beyond its target by a factor, with a share of the customers."""
    counts: dict[str, Track] = {name: max(1, int(count * share)) for name, count in PLAIN_COUNTS[kpi].items()}
    value = RATIO_BY_NAME[kpi].evaluate(PLAIN_COUNTS[kpi])
    assert value is not None
    scenario = put_counts(_healthy(), counts, window="30d" if has_windows(RATIO_BY_NAME[kpi]) else "stock")
    return put_targets(scenario, kpi, {"30d": value * beyond})


def year(lost: int, sample: int = 1000) -> Scenario:
    """Return a stream with so many customers of a year ago lost."""
    return put_outcomes(_healthy(), "retention", "365d", lost, sample)


def _of(kpi: str) -> str:
    return next(watched.alert for watched in PROPORTIONS if watched.kpi == kpi)


_BAD: Final = {
    "churn_standard": 160,
    "retention": 160,
    "dropoff_7d": 600,
    "dropoff_silent_7d": 800,
    "onboarding": 1200,
    "trial_conversion": 1200,
    "renewal": 600,
    "engagement": 1800,
}
"""Of 2,000: far beyond the target of a day and of a week."""
_GOOD: Final = {
    "churn_standard": 2,
    "retention": 2,
    "dropoff_7d": 150,
    "dropoff_silent_7d": 300,
    "onboarding": 500,
    "trial_conversion": 500,
    "renewal": 150,
    "engagement": 700,
}

PROPORTIONS_FIRE: Final = [
    Case(
        _of(kpi), severity, "far beyond the target in both windows", partial(proportion, kpi, (bad, 2000), (bad, 2000))
    )
    for kpi, bad in _BAD.items()
    for severity in ("page", "warn")
]
PROPORTIONS_QUIET: Final = [
    case
    for kpi, bad in _BAD.items()
    for case in (
        Case(_of(kpi), "page", "only the week is bad", partial(proportion, kpi, (_GOOD[kpi], 2000), (bad, 2000))),
        Case(_of(kpi), "page", "only the day is bad", partial(proportion, kpi, (bad, 2000), (_GOOD[kpi], 2000))),
        Case(_of(kpi), "warn", "three of twenty", partial(proportion, kpi, (3, 20), (3, 20))),
        Case(_of(kpi), "page", "a sample of 49", partial(proportion, kpi, (45, 49), (45, 49))),
        Case(_of(kpi), "warn", "all is well", partial(proportion, kpi, (_GOOD[kpi], 2000), (_GOOD[kpi], 2000))),
        Case(_of(kpi), "warn", "no target", partial(proportion, kpi, (bad, 2000), (bad, 2000), targets=False)),
    )
]
PLAIN_FIRE: Final = [
    Case(
        watched.alert,
        "warn",
        f"{watched.kpi} a tenth beyond its target",
        partial(plain, watched.kpi, 1.1 if watched.ratio.higher_is_better else 0.9),
        labels=(("kpi", watched.kpi),),
    )
    for watched in PLAIN
]
PLAIN_QUIET: Final = [
    case
    for watched in PLAIN
    for case in (
        Case(
            watched.alert,
            "warn",
            f"{watched.kpi} a tenth better than its target",
            partial(plain, watched.kpi, 0.9 if watched.ratio.higher_is_better else 1.1),
        ),
        Case(
            watched.alert,
            "warn",
            f"{watched.kpi} beyond its target, but of a few customers",
            partial(plain, watched.kpi, 2.0 if watched.ratio.higher_is_better else 0.5, share=0.12),
        ),
    )
]
LINES_FIRE: Final = [
    Case("RetentionBelowStandard", "warn", "70 % are left after a year", partial(year, 300)),
    Case("RetentionBelowBest", "info", "85 % are left after a year", partial(year, 150)),
]
LINES_QUIET: Final = [
    Case("RetentionBelowStandard", "warn", "79 % of a thousand may be chance", partial(year, 210)),
    Case("RetentionBelowStandard", "warn", "a young company with forty customers then", partial(year, 30, 40)),
    Case("RetentionBelowBest", "info", "89 % of a thousand may be chance", partial(year, 110)),
]
FIRE: Final = [*PROPORTIONS_FIRE, *PLAIN_FIRE, *LINES_FIRE]
QUIET: Final = [*PROPORTIONS_QUIET, *PLAIN_QUIET, *LINES_QUIET]
