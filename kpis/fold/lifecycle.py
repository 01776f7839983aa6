"""FoldContext signups, plan changes and cancels."""

from __future__ import annotations

from bisect import insort
from typing import Any

from kpis.customer.customer import life_of, notes_of, set_life
from kpis.customer.deduplication import fact_content, life_order
from kpis.customer.facts import ACTIVE, CANCEL, CHANGE, INACTIVE, NEVER, SIGNUP, Fact, encode_fact
from kpis.customer.notes import CLASS
from kpis.customer.state import Customer, may_hold
from kpis.customer.timeline import WEEK_MS, PieceValues, active_at, effective_facts, pieces_until, steps_of
from kpis.fold.context import FoldContext
from kpis.fold.contribution import effective_notes, engagement_row, lively, step_rows
from kpis.fold.rows import GONE, LIVELY, NEW, NOTE
from schemas.instants import milliseconds


def signup(folding: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a signup; True where the state changed."""
    names = folding.names
    key = names.key_of(event)
    known = names.profiles.get(key)
    profile = names.profile(key[0], key[1:]) if known is None else known
    plan, mrr, foreign = _price(folding, event)
    identity = folding.identity_of(event.source, event.id)
    fact = (at_ms, event.sequence, SIGNUP, identity, plan, mrr, profile, foreign, folding.places[n])
    return _lifecycle(folding, customer, fact)


def change(folding: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold an upgrade or a downgrade; True where the state changed."""
    plan, mrr, foreign = _price(folding, event)
    identity = folding.identity_of(event.source, event.id)
    currency = folding.names.currency(event.currency) if event.currency else 0
    fact = (at_ms, event.sequence, CHANGE, identity, plan, mrr, currency, foreign, folding.places[n])
    return _lifecycle(folding, customer, fact)


def cancel(folding: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a cancel; True where the state changed."""
    identity = folding.identity_of(event.source, event.id)
    own_time = 0 if event.effective_at is None else milliseconds(event.time)
    reason = folding.names.reason(event.reason)
    fact = (at_ms, event.sequence, CANCEL, identity, reason, int(event.involuntary), own_time, 0, folding.places[n])
    return _lifecycle(folding, customer, fact)


def _price(folding: FoldContext, event: Any) -> tuple[int, int, int]:
    """Return the plan, MRR in the default currency, and MRR as given where that is another currency."""
    names = folding.names
    plan = names.plan(event.plan)
    raw: int = event.mrr_minor
    currency: str = event.currency
    if not currency or currency == names.money.default:
        return plan, raw, 0
    return plan, names.money.convert(raw, currency), raw


def _lifecycle(folding: FoldContext, customer: Customer, fact: Fact) -> bool:
    if folding.short_cuts and not may_hold(customer, fact[3]):
        folding.need_room_of_many(customer)
        if fact[0] > customer.last_at:
            if _append(folding, customer, fact):
                customer.life += encode_fact(fact)
                customer.facts += 1
                customer.last_at = fact[0]
                folding.applied += 1
                return True
        elif _is_ignored(customer, fact):
            _insert(folding, customer, fact)
            folding.applied += 1
            return True
    before = folding.settle(customer, fact[3], fact_content(fact, folding.names))
    if before is None:
        return folding.remembers
    _insert(folding, customer, fact)
    folding.rebuild(before)
    return True


def _insert(folding: FoldContext, customer: Customer, fact: Fact) -> None:
    """Put a fact where it belongs in the timeline."""
    life = life_of(customer)
    insort(life, fact, key=lambda other: life_order(other, folding.names))
    set_life(customer, life)


def _is_ignored(customer: Customer, fact: Fact) -> bool:
    """Whether a late fact, of a customer without revocations, changes nothing where it belongs, and so nowhere."""
    life = life_of(customer)
    if any(other[0] == fact[0] for other in life):
        return False  # which of the two comes first is for the general path to say
    return (fact[2] == SIGNUP) == active_at(steps_of(life), fact[0])


def _append(folding: FoldContext, customer: Customer, fact: Fact) -> bool:
    """Fold the latest fact of a customer.

    False, with nothing changed: something after it depends on it, take the general path.
    """
    at_ms, kind, phase = fact[0], fact[2], customer.phase
    if (kind == SIGNUP) == (phase == ACTIVE):
        return True  # it is ignored
    bucket = at_ms // folding.bucket_ms
    if phase == NEVER:
        return _first(folding, customer, fact, bucket)
    if customer.noted_at > at_ms or customer.engaged_bucket > bucket:
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
    rows = folding.rows
    step = (fact, phase, plan, mrr, next_plan, next_mrr)
    step_rows(rows, customer.profile, bucket, step, _past(folding, customer, bucket))
    engaged = customer.engaged_bucket
    if engaged >= 0 and (kind != CHANGE or plan != next_plan):
        if kind != SIGNUP:
            engagement_row(rows, plan, customer.profile, engaged, bucket, -1)
        if kind != CANCEL:
            engagement_row(rows, next_plan, customer.profile, engaged, bucket, 1)
    if kind != CHANGE:
        if at_ms < customer.first_at + WEEK_MS:
            _week_rows(folding, customer, 1 if kind == CANCEL else -1)
        customer.phase = ACTIVE if kind == SIGNUP else INACTIVE
    customer.plan, customer.mrr, customer.simple = next_plan, next_mrr, False
    return True


def _first(folding: FoldContext, customer: Customer, fact: Fact, bucket: int) -> bool:
    """Fold the fact that makes a customer new."""
    at_ms, plan, profile = fact[0], fact[4], fact[6]
    engaged = customer.engaged_bucket
    if customer.noted_at > at_ms or engaged > bucket or customer.onboarded:
        return False
    rows = folding.rows
    rows.append((NEW, plan, profile, bucket, bucket, 1, fact[5]))
    if engaged >= 0:
        engagement_row(rows, plan, profile, engaged, bucket, 1)
    if customer.notes and profile != customer.profile:  # what came before counts in the signup's segments from now on
        for noted_ms, code, _, _, _ in notes_of(customer):
            noted = noted_ms // folding.bucket_ms
            rows.append((NOTE + CLASS[code], customer.plan, customer.profile, noted, noted, -1, 0))
            rows.append((NOTE + CLASS[code], customer.plan, profile, noted, noted, 1, 0))
    customer.phase, customer.simple = ACTIVE, True
    customer.plan = customer.first_plan = plan
    customer.mrr, customer.profile, customer.first_at = fact[5], profile, at_ms
    return True


def _past(folding: FoldContext, customer: Customer, bucket: int) -> list[PieceValues]:
    """Return the pieces of activity up to a bucket."""
    if customer.simple:
        start = customer.first_at // folding.bucket_ms
        return [(start, bucket, customer.plan, customer.mrr)] if bucket > start else []
    return pieces_until(effective_facts(customer), folding.bucket_ms, bucket)


def _week_rows(folding: FoldContext, customer: Customer, gone: int) -> None:
    """Append what a cancel (1) or a reactivation (-1) in the first week does to drop-off."""
    bucket = customer.first_at // folding.bucket_ms
    plan, profile = customer.first_plan, customer.profile
    folding.rows.append((GONE, plan, profile, bucket, bucket, gone, 0))
    week = customer.first_at + WEEK_MS
    may_be_lively = customer.noted_at >= week or customer.active_bucket >= week // folding.bucket_ms
    if may_be_lively and lively(customer, effective_notes(customer), folding.bucket_ms):
        folding.rows.append((LIVELY, plan, profile, bucket, bucket, -gone, 0))
