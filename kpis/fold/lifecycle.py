"""Handlers of signups, plan changes and cancels."""

from __future__ import annotations

from bisect import insort
from typing import Any

from kpis.customer.customer import feedback_of, life_of, set_life
from kpis.customer.deduplication import fact_content, life_order
from kpis.customer.facts import ACTIVE, CANCEL, CHANGE, INACTIVE, NEVER, SIGNUP, Fact, encode_fact
from kpis.customer.feedback_codes import CLASS
from kpis.customer.state import Customer, may_hold
from kpis.customer.timeline import WEEK_MS, PieceValues, active_at, effective_facts, pieces_until, steps_of
from kpis.fold.context import FoldContext
from kpis.fold.contribution import effective_feedback, engagement_row, lively, step_rows
from kpis.rows import FEEDBACK, GONE, LIVELY, NEW
from schemas.instants import milliseconds


def signup(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a signup; True where the state changed."""
    names = context.names
    key = names.key_of(event)
    known = names.profiles.get(key)
    profile = names.profile(key[0], key[1:]) if known is None else known
    plan, mrr, foreign = _price(context, event, at_ms)
    identity = context.identity_of(event.source, event.id)
    fact = (at_ms, event.sequence, SIGNUP, identity, plan, mrr, profile, foreign, context.references[n])
    return _lifecycle(context, customer, fact)


def change(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold an upgrade or a downgrade; True where the state changed."""
    plan, mrr, foreign = _price(context, event, at_ms)
    identity = context.identity_of(event.source, event.id)
    currency = context.names.currency(event.currency) if event.currency else 0
    fact = (at_ms, event.sequence, CHANGE, identity, plan, mrr, currency, foreign, context.references[n])
    return _lifecycle(context, customer, fact)


def cancel(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a cancel; True where the state changed."""
    identity = context.identity_of(event.source, event.id)
    own_time = 0 if event.effective_at is None else milliseconds(event.time)
    reason = context.names.reason(event.reason)
    fact = (at_ms, event.sequence, CANCEL, identity, reason, int(event.involuntary), own_time, 0, context.references[n])
    return _lifecycle(context, customer, fact)


def _price(context: FoldContext, event: Any, at_ms: int) -> tuple[int, int, int]:
    """Return the plan, MRR in the default currency, and MRR as given where that is another currency."""
    names = context.names
    plan = names.plan(event.plan)
    raw: int = event.mrr_minor
    currency: str = event.currency
    if not currency or currency == names.money.default:
        return plan, raw, 0
    return plan, names.money.convert(raw, currency, at_ms), raw


def _lifecycle(context: FoldContext, customer: Customer, fact: Fact) -> bool:
    if context.short_cuts and not may_hold(customer, fact[3]):
        context.need_room_of_many(customer)
        if fact[0] > customer.last_at:
            if _append(context, customer, fact):
                customer.life += encode_fact(fact)
                customer.facts += 1
                customer.last_at = fact[0]
                context.applied += 1
                return True
        elif _is_ignored(customer, fact):
            _insert(context, customer, fact)
            context.applied += 1
            return True
    before = context.settle(customer, fact[3], fact_content(fact, context.names))
    if before is None:
        return context.remembers
    _insert(context, customer, fact)
    context.rebuild(before)
    return True


def _insert(context: FoldContext, customer: Customer, fact: Fact) -> None:
    """Put a fact where it belongs in the timeline."""
    life = life_of(customer)
    insort(life, fact, key=lambda other: life_order(other, context.names))
    set_life(customer, life)


def _is_ignored(customer: Customer, fact: Fact) -> bool:
    """Return whether a late fact of a customer without revocations changes nothing where it belongs, and so nowhere."""
    life = life_of(customer)
    if any(other[0] == fact[0] for other in life):
        return False  # which of the two comes first is for the general path to say
    return (fact[2] == SIGNUP) == active_at(steps_of(life), fact[0])


def _append(context: FoldContext, customer: Customer, fact: Fact) -> bool:
    """Fold the latest fact of a customer.

    False, with nothing changed: something after it depends on it, take the general path.
    """
    at_ms, kind, phase = fact[0], fact[2], customer.phase
    if (kind == SIGNUP) == (phase == ACTIVE):
        return True  # it is ignored
    bucket = at_ms // context.bucket_ms
    if phase == NEVER:
        return _first(context, customer, fact, bucket)
    if customer.feedback_at > at_ms or customer.engaged_bucket > bucket:
        return False
    plan = customer.plan
    if kind == SIGNUP:
        mrr, next_plan, next_mrr = 0, fact[4], fact[5]
    elif kind == CHANGE:
        mrr, next_plan, next_mrr = customer.mrr, fact[4], fact[5]
        if next_plan == plan and next_mrr == mrr:
            customer.simple = False
            return True
    else:
        mrr, next_plan, next_mrr = customer.mrr, plan, 0
    rows = context.rows
    step = (fact, phase, plan, mrr, next_plan, next_mrr)
    step_rows(rows, customer.profile, bucket, step, _past(context, customer, bucket))
    engaged = customer.engaged_bucket
    if engaged >= 0 and (kind != CHANGE or plan != next_plan):
        if kind != SIGNUP:
            engagement_row(rows, plan, customer.profile, engaged, bucket, -1)
        if kind != CANCEL:
            engagement_row(rows, next_plan, customer.profile, engaged, bucket, 1)
    if kind != CHANGE:
        if at_ms < customer.first_at + WEEK_MS:
            _week_rows(context, customer, 1 if kind == CANCEL else -1)
        customer.phase = ACTIVE if kind == SIGNUP else INACTIVE
    customer.plan, customer.mrr, customer.simple = next_plan, next_mrr, False
    return True


def _first(context: FoldContext, customer: Customer, fact: Fact, bucket: int) -> bool:
    """Fold the fact that makes a customer new."""
    at_ms, plan, profile = fact[0], fact[4], fact[6]
    engaged = customer.engaged_bucket
    if customer.feedback_at > at_ms or engaged > bucket or customer.onboarded:
        return False
    rows = context.rows
    rows.append((NEW, plan, profile, bucket, bucket, 1, fact[5]))
    if engaged >= 0:
        engagement_row(rows, plan, profile, engaged, bucket, 1)
    if customer.feedback and profile != customer.profile:  # what came before moves to the signup's segments
        for noted_ms, code, _, _, _ in feedback_of(customer):
            noted = noted_ms // context.bucket_ms
            rows.append((FEEDBACK + CLASS[code], customer.plan, customer.profile, noted, noted, -1, 0))
            rows.append((FEEDBACK + CLASS[code], customer.plan, profile, noted, noted, 1, 0))
    customer.phase, customer.simple = ACTIVE, True
    customer.plan = customer.first_plan = plan
    customer.mrr, customer.profile, customer.first_at = fact[5], profile, at_ms
    return True


def _past(context: FoldContext, customer: Customer, bucket: int) -> list[PieceValues]:
    """Return the pieces of activity up to a bucket."""
    if customer.simple:
        start = customer.first_at // context.bucket_ms
        return [(start, bucket, customer.plan, customer.mrr)] if bucket > start else []
    return pieces_until(effective_facts(customer), context.bucket_ms, bucket)


def _week_rows(context: FoldContext, customer: Customer, gone: int) -> None:
    """Append what a cancel (1) or a reactivation (-1) in the first week does to drop-off."""
    bucket = customer.first_at // context.bucket_ms
    plan, profile = customer.first_plan, customer.profile
    context.rows.append((GONE, plan, profile, bucket, bucket, gone, 0))
    week = customer.first_at + WEEK_MS
    may_be_lively = customer.feedback_at >= week or customer.active_bucket >= week // context.bucket_ms
    if may_be_lively and lively(customer, effective_feedback(customer), context.bucket_ms):
        context.rows.append((LIVELY, plan, profile, bucket, bucket, -gone, 0))
