"""Small worked examples of the ratios, for docs/kpis.md; the golden case of the churn lenses among them."""

from typing import Final

# 100 at the start, 10 new, 12 cancellations: 10 of the start who stay away, 1 of the start who comes back, 1 new.
GOLDEN: Final = {
    "customers_at_start": 100,
    "customers_lost": 10,
    "customers_retained": 90,
    "customers_new": 10,
    "customers_reactivated": 1,
    "cancellations": 12,
    "cancellations_of_new": 1,
    "customers_active": 99,
}

EXAMPLES: Final[dict[str, dict[str, int]]] = {
    "arpa": {"mrr": 495_000, "customers_active": 99},
    "retention": GOLDEN,
    "churn_standard": GOLDEN,
    "churn_stripe": GOLDEN,
    "churn_baremetrics": GOLDEN,
    "churn_profitwell": GOLDEN,
    "dropoff_7d": {"dropoff_matured": 40, "dropoff_cancelled": 3},
    "dropoff_silent_7d": {"dropoff_silent_matured": 36, "dropoff_silent": 9},
    "onboarding": {"onboarding_matured": 40, "onboarding_completed": 28},
    "engagement": {"customers_engaged": 66, "customers_active": 99},
    "trial_conversion": {"trials_matured": 50, "trials_converted": 16},
    "cross_sell": {"customers_with_several": 12, "customers_active": 99},
    "renewal": {"renewals_renewed": 45, "renewals_declined": 3, "renewals_failed": 2},
    "expansion": {"upgrades": 6, "customers_at_start": 100},
    "gross_revenue_retention": {"mrr_retained_gross": 441_000, "mrr_at_start": 500_000},
    "net_revenue_retention": {"mrr_retained_net": 515_000, "mrr_at_start": 500_000},
    "quick_ratio": {
        "mrr_new": 50_000,
        "mrr_expansion": 30_000,
        "mrr_reactivated": 5_000,
        "mrr_contraction": 4_000,
        "mrr_churned": 30_000,
    },
    "nps": {"nps_promoters": 50, "nps_passives": 30, "nps_detractors": 20},
    "csat": {"csat_satisfied": 34, "csat_answered": 40},
    "survey_response": {"survey_answered": 60, "survey_sent": 200},
}
