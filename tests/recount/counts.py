"""What one customer adds to every count, as of T over one window: the table of counts, one statement a row.

Definitions: section 3.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.recount.customers import Customer
from tests.recount.instants import DAY_MS
from tests.recount.options import Options

STOCKS = (
    "customers_active",
    "customers_paused",
    "customers_with_several",
    "subscriptions_active",
    "subscription_mrr",
    "mrr",
)
WINDOW_COUNTS = (
    "customers_at_start",
    "customers_lost",
    "customers_retained",
    "signups",
    "customers_new",
    "customers_reactivated",
    "cancellations",
    "cancellations_involuntary",
    "cancellations_of_new",
    "upgrades",
    "downgrades",
    "dropoff_matured",
    "dropoff_cancelled",
    "dropoff_silent_matured",
    "dropoff_silent",
    "onboarding_matured",
    "onboarding_completed",
    "trials_matured",
    "trials_converted",
    "customers_engaged",
    "renewals_renewed",
    "renewals_declined",
    "renewals_failed",
    "subscriptions_started",
    "subscriptions_ended",
    "mrr_at_start",
    "mrr_retained_gross",
    "mrr_retained_net",
    "mrr_new",
    "mrr_expansion",
    "mrr_contraction",
    "mrr_churned",
    "mrr_reactivated",
    "survey_sent",
    "survey_answered",
    "survey_dismissed",
    "nps_promoters",
    "nps_passives",
    "nps_detractors",
    "csat_satisfied",
    "csat_answered",
)
KINDS_WITHOUT_EFFECT = ("change", "pause", "resume", "cancel", "revoke")
SURVEY_KINDS = ("nps", "csat")
SURVEY_WAYS = ("in_app", "email", "outreach", "other")
SURVEY_STATUSES = ("sent", "answered", "dismissed")


class Share(NamedTuple):
    """A customer's share in one count.

    Attributes:
        name: Its name; surveys by kind, way and status are `nps/in_app/sent` and so on.
        plan: The value by which the share is segmented in the dimension `plan`.
        amount: Customers, facts or minor units of the default currency.
    """

    name: str
    plan: str
    amount: int


def stock_shares(customer: Customer, at_ms: int) -> Iterator[Share]:
    """Yield the customer's shares in the counts that have no window."""
    now = customer.timeline.state_at(at_ms)
    if now.active:
        yield Share("customers_active", now.plan, 1)
        yield Share("mrr", now.plan, now.mrr_minor)
    if now.paused:
        yield Share("customers_paused", now.plan, 1)
    if len(now.counting) >= 2:
        yield Share("customers_with_several", now.plan, 1)
    for subscription in now.counting:
        yield Share("subscriptions_active", subscription.plan, 1)
        yield Share("subscription_mrr", subscription.plan, subscription.mrr_minor)


def window_shares(customer: Customer, start_ms: int, at_ms: int, options: Options) -> Iterator[Share]:
    """Yield the customer's shares in the counts of the window [start_ms, at_ms)."""
    yield from _standing_shares(customer, start_ms, at_ms)
    yield from _movement_shares(customer, start_ms, at_ms)
    yield from _signup_shares(customer, start_ms, at_ms)
    yield from _trial_shares(customer, start_ms, at_ms, options)
    yield from _engagement_shares(customer, start_ms, at_ms)
    yield from _survey_shares(customer, start_ms, at_ms)


def without_effect(customer: Customer, start_ms: int, at_ms: int) -> Iterator[str]:
    """Yield the kind of each lifecycle fact without effect, and of each revocation that hits no event, in a window."""
    for step in customer.timeline.steps:
        if not step.has_effect and start_ms <= step.fact.at_ms < at_ms:
            yield step.fact.kind
    for time_ms in customer.revokes_without_effect_ms:
        if start_ms <= time_ms < at_ms:
            yield "revoke"


def _standing_shares(customer: Customer, start_ms: int, at_ms: int) -> Iterator[Share]:
    start, now = customer.timeline.state_at(start_ms), customer.timeline.state_at(at_ms)
    if not start.active:
        return
    yield Share("customers_at_start", start.plan, 1)
    yield Share("mrr_at_start", start.plan, start.mrr_minor)
    if not now.active:
        yield Share("customers_lost", start.plan, 1)
        return
    yield Share("customers_retained", start.plan, 1)
    yield Share("mrr_retained_gross", start.plan, min(start.mrr_minor, now.mrr_minor))
    yield Share("mrr_retained_net", start.plan, now.mrr_minor)


def _movement_shares(customer: Customer, start_ms: int, at_ms: int) -> Iterator[Share]:
    active_at_start = customer.timeline.state_at(start_ms).active
    for movement in customer.timeline.movements:
        if not start_ms <= movement.bucket_start_ms < at_ms:
            continue
        plan = movement.plan
        match movement.name:
            case "new":
                yield Share("customers_new", plan, 1)
                yield Share("mrr_new", plan, movement.mrr_minor)
            case "reactivation":
                yield Share("customers_reactivated", plan, 1)
                yield Share("mrr_reactivated", plan, movement.mrr_minor)
            case "cancellation":
                yield Share("cancellations", plan, 1)
                yield Share("mrr_churned", plan, movement.mrr_minor)
                if movement.involuntary:
                    yield Share("cancellations_involuntary", plan, 1)
                if not active_at_start:
                    yield Share("cancellations_of_new", plan, 1)
            case "upgrade" | "downgrade":
                yield Share(f"{movement.name}s", plan, 1)
        yield Share("mrr_expansion", plan, movement.expansion_minor)
        yield Share("mrr_contraction", plan, movement.contraction_minor)
    for each in customer.timeline.subscription_movements:
        if start_ms <= each.bucket_start_ms < at_ms:
            yield Share(f"subscriptions_{each.name}", each.plan, 1)


def _signup_shares(customer: Customer, start_ms: int, at_ms: int) -> Iterator[Share]:
    first = customer.timeline.first_signup
    if first is None:
        return
    day_7_ms, day_14_ms = first.at_ms + 7 * DAY_MS, first.at_ms + 14 * DAY_MS
    is_open = customer.timeline.state_at(day_7_ms).open
    if start_ms <= first.at_ms < at_ms:
        yield Share("signups", first.plan, 1)
    if start_ms <= day_7_ms < at_ms:
        yield Share("dropoff_matured", first.plan, 1)
        yield Share("onboarding_matured", first.plan, 1)
        if not is_open:
            yield Share("dropoff_cancelled", first.plan, 1)
        if any(first.at_ms <= done_ms < day_7_ms for done_ms in customer.completions_ms):
            yield Share("onboarding_completed", first.plan, 1)
    if start_ms <= day_14_ms < at_ms and is_open:
        yield Share("dropoff_silent_matured", first.plan, 1)
        if not any(day_7_ms <= sign_ms < day_14_ms for sign_ms in customer.signs_of_life_ms()):
            yield Share("dropoff_silent", first.plan, 1)


def _trial_shares(customer: Customer, start_ms: int, at_ms: int, options: Options) -> Iterator[Share]:
    timeline, trial = customer.timeline, customer.timeline.first_trial
    if trial is None or timeline.is_active_after_fact(None, trial.at_ms):
        return
    matured_ms = trial.at_ms + options.trial_days * DAY_MS
    if start_ms <= matured_ms < at_ms:
        yield Share("trials_matured", trial.plan, 1)
        if timeline.is_active_after_fact(trial.at_ms, matured_ms):
            yield Share("trials_converted", trial.plan, 1)


def _engagement_shares(customer: Customer, start_ms: int, at_ms: int) -> Iterator[Share]:
    now = customer.timeline.state_at(at_ms)
    if now.active and any(start_ms <= sign_ms < at_ms for sign_ms in customer.signs_of_life_ms()):
        yield Share("customers_engaged", now.plan, 1)
    for renewal, plan in customer.renewals:
        if start_ms <= renewal.at_ms < at_ms:
            yield Share(f"renewals_{renewal.outcome}", plan, 1)


def _survey_shares(customer: Customer, start_ms: int, at_ms: int) -> Iterator[Share]:
    for survey, plan in customer.surveys:
        if not start_ms <= survey.at_ms < at_ms:
            continue
        yield Share(f"survey_{survey.status}", plan, 1)
        yield Share(f"{survey.survey_kind}/{survey.via}/{survey.status}", plan, 1)
        if survey.status != "answered":
            continue
        if survey.survey_kind == "csat":
            yield Share("csat_answered", plan, 1)
            if survey.score >= 4:
                yield Share("csat_satisfied", plan, 1)
        elif survey.score >= 9:
            yield Share("nps_promoters", plan, 1)
        elif survey.score >= 7:
            yield Share("nps_passives", plan, 1)
        else:
            yield Share("nps_detractors", plan, 1)
