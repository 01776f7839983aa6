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
    Count(
        "customers_active",
        "customers",
        "stock",
        "Customers at T with a subscription that counts.",
        "plan at T",
        LIFECYCLE_TYPES,
    ),
    _window("customers_at_start", "customers", "Customers active at the start of the window.", "start plan"),
    _window("customers_lost", "customers", "Customers active at the start and not active at T.", "start plan"),
    _window("customers_retained", "customers", "Customers active at the start and at T.", "start plan"),
    _window("signups", "customers", "First signups in the window, to a trial or a free plan too.", "the fact's plan"),
    _window(
        "customers_new", "customers", "Customers who became active for the first time in the window.", "plan after"
    ),
    _window(
        "customers_reactivated",
        "movements",
        "Returns of former customers in the window; one customer may come back more than once.",
        "plan after",
    ),
    _window(
        "cancellations",
        "movements",
        "Customers' cancellations in the window; one customer may leave more than once.",
        "plan before",
    ),
    _window(
        "cancellations_involuntary",
        "movements",
        "Cancellations in the window that were involuntary, such as a failed payment.",
        "plan before",
    ),
    _window(
        "cancellations_of_new",
        "movements",
        "Cancellations in the window by customers who were not active at its start, returning ones included.",
        "plan before",
    ),
    _window(
        "upgrades",
        "movements",
        "Buckets of the window at whose end a customer who stayed active paid more than at its start.",
        "plan before",
    ),
    _window(
        "downgrades",
        "movements",
        "Buckets of the window at whose end a customer who stayed active paid less than at its start.",
        "plan before",
    ),
    _window("dropoff_matured", "customers", "First signups whose seventh day ended in the window.", "the fact's plan"),
    _window(
        "dropoff_cancelled",
        "customers",
        "First signups whose seventh day ended in the window and who had no open subscription then.",
        "the fact's plan",
    ),
    _window(
        "dropoff_silent_matured",
        "customers",
        "First signups whose fourteenth day ended in the window and who had an open subscription after seven.",
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
        "onboarding_matured", "customers", "First signups whose seventh day ended in the window.", "the fact's plan"
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
        "trials_matured",
        "customers",
        "First trials of people who had not been customers, whose time to convert ended in the window.",
        "the fact's plan",
    ),
    _window("trials_converted", "customers", "Those of them who became active in that time.", "the fact's plan"),
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
        "customers_paused",
        "customers",
        "stock",
        "Customers at T with a paused subscription that would count were it not, and none that counts unpaused.",
        "plan at T",
        LIFECYCLE_TYPES,
    ),
    Count(
        "customers_with_several",
        "customers",
        "stock",
        "Customers active at T with two or more subscriptions that count.",
        "plan at T",
        LIFECYCLE_TYPES,
    ),
    Count(
        "subscriptions_active",
        "subscriptions",
        "stock",
        "Subscriptions that count at T.",
        "the subscription's own",
        LIFECYCLE_TYPES,
    ),
    _window(
        "subscriptions_started",
        "subscriptions",
        "Subscriptions that count after a bucket of the window and not before it.",
        "the subscription's own, after",
    ),
    _window(
        "subscriptions_ended",
        "subscriptions",
        "Subscriptions that count before a bucket of the window and not after it.",
        "the subscription's own, before",
    ),
    Count(
        "subscription_mrr",
        "minor units",
        "stock",
        "Monthly recurring revenue at T of the subscriptions that count.",
        "the subscription's own",
        LIFECYCLE_TYPES,
    ),
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
        "mrr_retained_net", "minor units", "Of customers active at the start and at T: their MRR at T.", "start plan"
    ),
    _window("mrr_new", "minor units", "MRR that new customers of the window brought.", "plan after"),
    _window(
        "mrr_expansion",
        "minor units",
        "MRR that customers who stayed active gained, bucket by bucket of the window.",
        "plan before",
    ),
    _window(
        "mrr_contraction",
        "minor units",
        "MRR that customers who stayed active lost, bucket by bucket of the window.",
        "plan before",
    ),
    _window("mrr_churned", "minor units", "MRR that cancellations in the window took away.", "plan before"),
    _window("mrr_reactivated", "minor units", "MRR that reactivations in the window brought.", "plan after"),
    _window("survey_sent", "surveys", "Surveys sent in the window.", "plan at the time", "survey"),
    _window("survey_answered", "surveys", "Surveys answered in the window.", "plan at the time", "survey"),
    _window("survey_dismissed", "surveys", "Surveys dismissed in the window.", "plan at the time", "survey"),
    _window("nps_promoters", "surveys", "NPS answers of 9 and 10 in the window.", "plan at the time", "survey"),
    _window("nps_passives", "surveys", "NPS answers of 7 and 8 in the window.", "plan at the time", "survey"),
    _window("nps_detractors", "surveys", "NPS answers from 0 to 6 in the window.", "plan at the time", "survey"),
    _window("csat_satisfied", "surveys", "CSAT answers of 4 and 5 in the window.", "plan at the time", "survey"),
    _window("csat_answered", "surveys", "CSAT answers in the window.", "plan at the time", "survey"),
)
FACTS_WITHOUT_EFFECT: Final = _window(
    "facts_without_effect",
    "facts",
    "Facts of subscriptions in the window that did nothing, and revocations that hit no event.",
    "none",
)
"""Counted by kind and for all customers alone, so that it stands beside the others."""
COUNT_BY_NAME: Final = {count.name: count for count in COUNTS}
MATURING: Final = (
    "dropoff_matured",
    "dropoff_cancelled",
    "dropoff_silent_matured",
    "dropoff_silent",
    "onboarding_matured",
    "onboarding_completed",
    "trials_matured",
    "trials_converted",
)
"""Counts that time alone changes: the running bucket's are not final; alerts take those of the last closed boundary."""
