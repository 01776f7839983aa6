"""The catalogue of KPIs: every count and every ratio, once.

Metrics, reports, rules, dashboards and docs/kpis.md are made from what stands here; nothing else names a KPI, its unit
or its formula. Declarations only. The worker's own metrics stand in `schemas.instruments`.
Definitions: docs/definitions.md. Rendered as docs/kpis.md.
"""

from typing import Final

from schemas.catalogue.formulas import Count, SegmentPlan, Unit
from schemas.events import LIFECYCLE_TYPES


def _window(name: str, unit: Unit, meaning: str, segment_plan: SegmentPlan, *fed_by: str) -> Count:
    return Count(name, unit, "window", meaning, segment_plan, fed_by or LIFECYCLE_TYPES)


COUNTS: Final = (
    Count("customers_active", "customers", "stock", "Customers active at T.", "plan at T", LIFECYCLE_TYPES),
    _window("customers_at_start", "customers", "Customers active at the start of the window.", "start plan"),
    _window("customers_lost", "customers", "Customers active at the start and not active at T.", "start plan"),
    _window("customers_retained", "customers", "Customers active at the start and at T.", "start plan"),
    _window("customers_new", "customers", "Customers whose first signup lies in the window.", "the fact's plan"),
    _window(
        "customers_reactivated",
        "facts",
        "Signups of inactive former customers in the window; one customer may come back more than once.",
        "the fact's plan",
    ),
    _window(
        "cancellations",
        "facts",
        "Cancels of active customers in the window; one customer may leave more than once.",
        "plan just before",
    ),
    _window(
        "cancellations_involuntary",
        "facts",
        "Cancellations in the window that were involuntary, such as a failed payment.",
        "plan just before",
    ),
    _window(
        "cancellations_of_new",
        "facts",
        "Cancellations in the window by customers who were not active at its start, returning ones included.",
        "plan just before",
    ),
    _window("upgrades", "facts", "Changes of active customers in the window that raised the MRR.", "plan just before"),
    _window(
        "downgrades", "facts", "Changes of active customers in the window that lowered the MRR.", "plan just before"
    ),
    _window("dropoff_matured", "customers", "First signups whose seventh day ended in the window.", "the fact's plan"),
    _window(
        "dropoff_cancelled",
        "customers",
        "First signups whose seventh day ended in the window and who were not active then.",
        "the fact's plan",
    ),
    _window(
        "dropoff_silent_matured",
        "customers",
        "First signups whose fourteenth day ended in the window and who were active after seven.",
        "the fact's plan",
    ),
    _window(
        "dropoff_silent",
        "customers",
        "Those of them with no activity and no answered survey from day seven to day fourteen.",
        "the fact's plan",
        *LIFECYCLE_TYPES,
        "activity",
        "survey",
    ),
    _window(
        "onboarding_matured",
        "customers",
        "First signups whose seventh day ended in the window.",
        "the fact's plan",
    ),
    _window(
        "onboarding_completed",
        "customers",
        "Those of them with a completed onboarding within their first seven days.",
        "the fact's plan",
        *LIFECYCLE_TYPES,
        "onboarding",
    ),
    _window(
        "customers_engaged",
        "customers",
        "Customers active at T with at least one activity or answered survey in the window.",
        "plan at T",
        *LIFECYCLE_TYPES,
        "activity",
        "survey",
    ),
    _window("renewals_renewed", "facts", "Terms in the window that were renewed.", "plan at the time", "renewal"),
    _window(
        "renewals_declined", "facts", "Terms in the window that the customer ended.", "plan at the time", "renewal"
    ),
    _window("renewals_failed", "facts", "Terms in the window whose renewal failed.", "plan at the time", "renewal"),
    Count(
        "mrr",
        "minor units",
        "stock",
        "Monthly recurring revenue of the customers active at T.",
        "plan at T",
        LIFECYCLE_TYPES,
    ),
    _window("mrr_at_start", "minor units", "MRR at the start of the customers active then.", "start plan"),
    _window(
        "mrr_retained_gross",
        "minor units",
        "Of customers active at the start and at T: the smaller of their MRR at both.",
        "start plan",
    ),
    _window(
        "mrr_retained_net",
        "minor units",
        "Of customers active at the start and at T: their MRR at T.",
        "start plan",
    ),
    _window("mrr_new", "minor units", "MRR that first signups in the window brought.", "the fact's plan"),
    _window("mrr_expansion", "minor units", "MRR that changes in the window added.", "plan just before"),
    _window("mrr_contraction", "minor units", "MRR that changes in the window took away.", "plan just before"),
    _window("mrr_churned", "minor units", "MRR that cancellations in the window took away.", "plan just before"),
    _window("mrr_reactivated", "minor units", "MRR that reactivations in the window brought.", "the fact's plan"),
    _window("survey_sent", "surveys", "Surveys sent in the window.", "plan at the time", "survey"),
    _window("survey_answered", "surveys", "Surveys answered in the window.", "plan at the time", "survey"),
    _window("survey_dismissed", "surveys", "Surveys dismissed in the window.", "plan at the time", "survey"),
    _window("nps_promoters", "surveys", "NPS answers of 9 and 10 in the window.", "plan at the time", "survey"),
    _window("nps_passives", "surveys", "NPS answers of 7 and 8 in the window.", "plan at the time", "survey"),
    _window("nps_detractors", "surveys", "NPS answers from 0 to 6 in the window.", "plan at the time", "survey"),
    _window("csat_satisfied", "surveys", "CSAT answers of 4 and 5 in the window.", "plan at the time", "survey"),
    _window("csat_answered", "surveys", "CSAT answers in the window.", "plan at the time", "survey"),
)
COUNT_BY_NAME: Final = {count.name: count for count in COUNTS}
MATURING: Final = (
    "dropoff_matured",
    "dropoff_cancelled",
    "dropoff_silent_matured",
    "dropoff_silent",
    "onboarding_matured",
    "onboarding_completed",
)
"""Counts that time alone changes: the running bucket's are not final; alerts take those of the last closed boundary."""
