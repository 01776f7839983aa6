"""Effects of facts in words: what each did to its subscription, and what that made of the customer.

Pure, of one customer's timeline; no number depends on it.
Definitions: docs/definitions.md, section "Subscriptions and customers".
"""

from __future__ import annotations

from kpis.customer.facts import CANCEL, CHANGE, PAUSE, RESUME, SIGNUP
from kpis.customer.movements import Movement
from kpis.customer.timeline import Standing, Step, Subscription
from kpis.customer.what_counts import WhatCounts
from kpis.members.fact_texts import subscription_text
from kpis.members.rules import why_without_effect
from kpis.members.view import View
from kpis.names import Names

NEW = "new"
REACTIVATION = "reactivation"
CANCELLATION = "cancellation"
UPGRADE = "upgrade"
DOWNGRADE = "downgrade"
#: MRR or plan moved, and no price: a pause beside another subscription, a switch of equal prices.
OTHER_MOVE = "other"


def effect_text(view: View, step: Step, names: Names) -> str:
    """Return what a fact did, in words; of one without effect, why it did nothing."""
    if not step.has_effect:
        return f"without effect: {why_without_effect(view, step)}"
    known, now = step.before.find(step.fact.subscription), step.after.find(step.fact.subscription)
    parts = [_own_effect(step, known, now, names)]
    if now is not None and not now.counts and (known is None or known.counts or step.fact.KIND in (SIGNUP, CHANGE)):
        parts.append(f"it does not count: {why_not_counting(now, view.what)}")
    if step.after.active and not step.before.active:
        parts.append("the customer became active")
    elif step.before.active and not step.after.active:
        parts.append("the customer became inactive")
    return "; ".join(parts)


def _own_effect(step: Step, known: Subscription | None, now: Subscription | None, names: Names) -> str:
    named, kind = subscription_text(step.fact.subscription), step.fact.KIND
    if kind == CANCEL:
        return f"ended {named}"
    if kind == PAUSE:
        return f"paused {named}"
    if kind == RESUME:
        return f"resumed {named}"
    assert now is not None, "a signup and a change leave their subscription open"
    if known is None:
        return f"opened {named} on plan {names.plan_names[now.plan]}, MRR {now.price}"
    moves = []
    if known.plan != now.plan:
        moves.append(f"plan {names.plan_names[known.plan]} to {names.plan_names[now.plan]}")
    if known.price != now.price:
        moves.append(f"MRR {known.price} to {now.price}")
    if known.on_trial != now.on_trial:
        moves.append("a trial began" if now.on_trial else "the trial ended")
    if known.is_paused and not now.is_paused:
        moves.append("it was paused, and is not any more")
    return f"changed {named}: {', '.join(moves)}" if moves else f"said again what {named} was"


def why_not_counting(each: Subscription, what: WhatCounts) -> str:
    """Return why a subscription that is open does not count."""
    if each.on_trial:
        return "on a trial"
    if each.price == 0 and not what.free_plans:
        return "on a free plan, and free_plans is leads"
    assert each.is_paused, each
    return "paused, and paused_customers is lost"


def kinds_of_movement(movement: Movement) -> list[str]:
    """Return what a bucket's facts come to, as counts have it: one kind, or an arrival and then a cancellation."""
    kinds = []
    if movement.arrival is not None:
        kinds.append(REACTIVATION if movement.is_known else NEW)
    if movement.departure is not None:
        kinds.append(CANCELLATION)
    rise = movement.after.full_mrr - movement.before.full_mrr
    if movement.stays and rise:
        kinds.append(UPGRADE if rise > 0 else DOWNGRADE)
    if not kinds and _looks(movement.before) != _looks(movement.after):
        kinds.append(OTHER_MOVE)
    return kinds


def _looks(standing: Standing) -> tuple[int, int, bool, bool]:
    return standing.mrr, standing.plan, standing.is_open, standing.is_paused
