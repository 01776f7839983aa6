"""Handlers of the facts of the timeline: signups, changes, pauses, resumes and cancels."""

from __future__ import annotations

from bisect import insort
from typing import Any

from kpis.customer.customer import life_of, set_life
from kpis.customer.deduplication import fact_content, life_order
from kpis.customer.facts import (
    CancelFact,
    ChangeFact,
    LifecycleFact,
    PauseFact,
    ResumeFact,
    SignupFact,
    encode_fact,
)
from kpis.customer.state import Customer
from kpis.fold.append import append
from kpis.fold.context import FoldContext
from schemas.instants import milliseconds


def signup(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a signup; True where the state changed."""
    names = context.names
    profile = names.profile(names.key_of(event))
    fact = SignupFact(*_common(context, event, at_ms, n), *_price(context, event, at_ms), profile)
    return _add(context, customer, fact)


def change(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold an upgrade or a downgrade; True where the state changed."""
    return _add(context, customer, ChangeFact(*_common(context, event, at_ms, n), *_price(context, event, at_ms)))


def pause(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a pause; True where the state changed."""
    return _add(context, customer, PauseFact(*_common(context, event, at_ms, n)))


def resume(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a resume; True where the state changed."""
    return _add(context, customer, ResumeFact(*_common(context, event, at_ms, n)))


def cancel(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a cancel; True where the state changed."""
    reason = context.names.reason(event.reason)
    fact = CancelFact(*_common(context, event, at_ms, n), reason, event.involuntary)
    return _add(context, customer, fact)


def _common(context: FoldContext, event: Any, at_ms: int, n: int) -> tuple[int, int, bytes, int, str, int]:
    """Return what all facts have, as `Fact` has it."""
    own_ms = 0 if event.effective_at is None else milliseconds(event.time)
    identity = context.identity_of(event.source, event.id)
    return (
        at_ms,
        event.sequence,
        identity,
        context.references[n],
        event.subscription_id,
        0 if own_ms == at_ms else own_ms,
    )


def _price(context: FoldContext, event: Any, at_ms: int) -> tuple[int, int, int, int, bool]:
    """Return what facts with a plan have more, as `PricedFact` has it."""
    names = context.names
    plan, mrr = names.plan(event.plan), event.mrr_minor
    currency = names.currency(event.currency) if event.currency else 0
    if not currency:
        return plan, mrr, 0, 0, event.trial
    return plan, names.money.convert(mrr, event.currency, at_ms), mrr, currency, event.trial


def _add(context: FoldContext, customer: Customer, fact: LifecycleFact) -> bool:
    if append(context, customer, fact):
        return True
    bucket = fact.at_ms // context.bucket_ms
    if not context.settle(customer, fact.identity, lambda: fact_content(fact, context.names), bucket):
        return context.remembers
    if fact.at_ms > customer.last_at:
        customer.life += encode_fact(fact)
        customer.facts += 1
        customer.last_at = fact.at_ms
    else:
        life = life_of(customer)
        insort(life, fact, key=lambda other: life_order(other, context.names))
        set_life(customer, life)
    return True
