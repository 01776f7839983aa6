"""The recount's view of the same lines, in the words of `tests.unit.kpis.customers`: the other half of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from tests.recount.customers import read
from tests.recount.options import Options
from tests.recount.subscriptions import Subscription
from tests.recount.timelines import State, Step, Timeline
from tests.unit.kpis.customers import FIRST, HOUR_MS, records_of


def recounted(lines: Sequence[str], what: WhatCounts = BY_DEFAULT) -> Timeline:
    """Return the timeline of customer c."""
    return read(records_of(lines), options_of(what)).customers["c"].timeline


def options_of(what: WhatCounts) -> Options:
    """Return the same settings for the recount."""
    return Options(
        free_plans="customers" if what.free_plans else "leads",
        paused_customers="kept" if what.paused else "lost",
        trial_days=what.trial_days,
    )


def step_text(step: Step) -> str:
    """Return a step as `tests.unit.kpis.customers.step_text` does."""
    fact = step.fact
    hours = (fact.at_ms - FIRST * HOUR_MS) / HOUR_MS
    kind = f"{hours:g} {fact.kind}{'@' * bool(fact.subscription_id)}{fact.subscription_id} ->"
    return f"{kind} {standing_text(step.after)}" if step.has_effect else f"{kind} -"


def standing_text(state: State) -> str:
    """Return a customer as `tests.unit.kpis.customers.standing_text` does."""
    there = ", ".join(_subscription_text(each) for _, each in sorted(state.subscriptions.items())) or "closed"
    return f"{there} : {'active' if state.active else 'inactive'} {state.plan} {state.mrr_minor}"


def _subscription_text(each: Subscription) -> str:
    words = [each.id, each.plan, str(each.price_minor), "trial" * each.on_trial, "paused" * (each.phase == "paused")]
    return " ".join(word for word in words if word)
