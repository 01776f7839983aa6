"""What one customer adds to every count, as of T over one window.

A transcript of the table of counts: one statement a row, in the order of the table.
Definitions: docs/definitions.md, section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.oracle.options import DAY_MS
from tests.oracle.timelines import Timeline

SURVEY_KINDS = ("nps", "csat")
SURVEY_WAYS = ("in_app", "email", "outreach")
SURVEY_STATUSES = ("sent", "answered", "dismissed")

STOCKS = ("customers_active", "mrr")
WINDOW_COUNTS = (
    "customers_at_start",
    "customers_lost",
    "customers_retained",
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
    "customers_engaged",
    "renewals_renewed",
    "renewals_declined",
    "renewals_failed",
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


@dataclass(frozen=True)
class Share:
    """What a customer adds to one count; plan is the one that the count is segmented by.

    Attributes:
        count: Name of the count; surveys by kind, way and status are `nps/in_app/sent` and so on.
        amount: Customers, facts or minor units of the default currency.
    """

    count: str
    plan: str
    amount: int


def stock_shares(customer: Timeline, at_ms: int) -> Iterator[Share]:
    """Yield what the customer adds to the counts that have no window."""
    now = customer.state_at(at_ms)
    if now.active:
        yield Share("customers_active", now.plan, 1)
        yield Share("mrr", now.plan, now.mrr_minor)


def window_shares(customer: Timeline, start_ms: int, at_ms: int) -> Iterator[Share]:
    """Yield what the customer adds to the counts of the window [start_ms, at_ms)."""
    yield from _standing_shares(customer, start_ms, at_ms)
    yield from _movement_shares(customer, start_ms, at_ms)
    yield from _first_days_shares(customer, start_ms, at_ms)
    yield from _engagement_shares(customer, start_ms, at_ms)
    yield from _survey_shares(customer, start_ms, at_ms)


def _standing_shares(customer: Timeline, start_ms: int, at_ms: int) -> Iterator[Share]:
    start, now = customer.state_at(start_ms), customer.state_at(at_ms)
    if start.active:
        yield Share("customers_at_start", start.plan, 1)
        yield Share("mrr_at_start", start.plan, start.mrr_minor)
    if start.active and not now.active:
        yield Share("customers_lost", start.plan, 1)
    if start.active and now.active:
        yield Share("customers_retained", start.plan, 1)
        yield Share("mrr_retained_gross", start.plan, min(start.mrr_minor, now.mrr_minor))
        yield Share("mrr_retained_net", start.plan, now.mrr_minor)


def _movement_shares(customer: Timeline, start_ms: int, at_ms: int) -> Iterator[Share]:
    at_start = customer.state_at(start_ms)
    for step in customer.steps:
        if not start_ms <= step.at_ms < at_ms:
            continue
        before, after = step.before, step.after
        match step.effect:
            case "new":
                yield Share("customers_new", step.fact.plan, 1)
                yield Share("mrr_new", step.fact.plan, after.mrr_minor)
            case "reactivation":
                yield Share("customers_reactivated", step.fact.plan, 1)
                yield Share("mrr_reactivated", step.fact.plan, after.mrr_minor)
            case "upgrade":
                yield Share("upgrades", before.plan, 1)
                yield Share("mrr_expansion", before.plan, after.mrr_minor - before.mrr_minor)
            case "downgrade":
                yield Share("downgrades", before.plan, 1)
                yield Share("mrr_contraction", before.plan, before.mrr_minor - after.mrr_minor)
            case "cancellation":
                yield Share("cancellations", before.plan, 1)
                yield Share("mrr_churned", before.plan, before.mrr_minor)
                if step.fact.involuntary:
                    yield Share("cancellations_involuntary", before.plan, 1)
                if not at_start.active:
                    yield Share("cancellations_of_new", before.plan, 1)


def _first_days_shares(customer: Timeline, start_ms: int, at_ms: int) -> Iterator[Share]:
    first = customer.first_signup()
    if first is None:
        return
    signup_ms = first.occurred_at_ms
    day_7_ms, day_14_ms = signup_ms + 7 * DAY_MS, signup_ms + 14 * DAY_MS
    active_on_day_7 = customer.state_at(day_7_ms).active
    if start_ms <= day_7_ms < at_ms:
        yield Share("dropoff_matured", first.plan, 1)
        yield Share("onboarding_matured", first.plan, 1)
        if not active_on_day_7:
            yield Share("dropoff_cancelled", first.plan, 1)
        if any(signup_ms <= instant_ms < day_7_ms for instant_ms in customer.onboardings_ms):
            yield Share("onboarding_completed", first.plan, 1)
    if start_ms <= day_14_ms < at_ms and active_on_day_7:
        yield Share("dropoff_silent_matured", first.plan, 1)
        if not any(day_7_ms <= instant_ms < day_14_ms for instant_ms in _signs_of_life_ms(customer)):
            yield Share("dropoff_silent", first.plan, 1)


def _signs_of_life_ms(customer: Timeline) -> list[int]:
    answers = [survey.occurred_at_ms for survey in customer.surveys if survey.status == "answered"]
    return [*customer.activities_ms, *answers]


def _engagement_shares(customer: Timeline, start_ms: int, at_ms: int) -> Iterator[Share]:
    now = customer.state_at(at_ms)
    if now.active and any(start_ms <= instant_ms < at_ms for instant_ms in _signs_of_life_ms(customer)):
        yield Share("customers_engaged", now.plan, 1)
    for renewal in customer.renewals:
        if start_ms <= renewal.occurred_at_ms < at_ms:
            yield Share(f"renewals_{renewal.outcome}", customer.state_at(renewal.occurred_at_ms).plan, 1)


def _survey_shares(customer: Timeline, start_ms: int, at_ms: int) -> Iterator[Share]:
    for survey in customer.surveys:
        if not start_ms <= survey.occurred_at_ms < at_ms:
            continue
        plan = customer.state_at(survey.occurred_at_ms).plan
        yield Share(f"survey_{survey.status}", plan, 1)
        yield Share(f"{survey.survey_kind}/{survey.via}/{survey.status}", plan, 1)
        if survey.status != "answered":
            continue
        if survey.survey_kind == "nps" and survey.score >= 9:
            yield Share("nps_promoters", plan, 1)
        if survey.survey_kind == "nps" and 7 <= survey.score <= 8:
            yield Share("nps_passives", plan, 1)
        if survey.survey_kind == "nps" and survey.score <= 6:
            yield Share("nps_detractors", plan, 1)
        if survey.survey_kind == "csat":
            yield Share("csat_answered", plan, 1)
        if survey.survey_kind == "csat" and survey.score >= 4:
            yield Share("csat_satisfied", plan, 1)
