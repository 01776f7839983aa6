"""Handlers of the facts of the timeline: signups, changes, pauses, resumes and cancels."""

from __future__ import annotations

from bisect import insort
from typing import Any, TypedDict

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
from kpis.fold.context import FoldContext
from schemas.instants import milliseconds


def signup(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a signup; True where the state changed."""
    names = context.names
    profile = names.profile(names.key_of(event))
    fact = SignupFact(**_common(context, event, at_ms, n), **_price(context, event, at_ms), profile=profile)
    return _add(context, customer, fact)


def change(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold an upgrade or a downgrade; True where the state changed."""
    return _add(context, customer, ChangeFact(**_common(context, event, at_ms, n), **_price(context, event, at_ms)))


def pause(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a pause; True where the state changed."""
    return _add(context, customer, PauseFact(**_common(context, event, at_ms, n)))


def resume(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a resume; True where the state changed."""
    return _add(context, customer, ResumeFact(**_common(context, event, at_ms, n)))


def cancel(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a cancel; True where the state changed."""
    reason = context.names.reason(event.reason)
    fact = CancelFact(**_common(context, event, at_ms, n), reason=reason, involuntary=event.involuntary)
    return _add(context, customer, fact)


class _Common(TypedDict):
    """What all facts have."""

    at_ms: int
    sequence: int
    identity: bytes
    reference: int
    subscription: str
    own_ms: int


class _Price(TypedDict):
    """What facts with a plan have."""

    plan: int
    mrr: int
    price: int
    currency: int
    trial: bool


def _common(context: FoldContext, event: Any, at_ms: int, n: int) -> _Common:
    own_ms = 0 if event.effective_at is None else milliseconds(event.time)
    return {
        "at_ms": at_ms,
        "sequence": event.sequence,
        "identity": context.identity_of(event.source, event.id),
        "reference": context.references[n],
        "subscription": event.subscription_id,
        "own_ms": 0 if own_ms == at_ms else own_ms,
    }


def _price(context: FoldContext, event: Any, at_ms: int) -> _Price:
    names = context.names
    currency = names.currency(event.currency)
    mrr: int = event.mrr_minor
    if currency:
        mrr = names.money.convert(mrr, event.currency, at_ms)
    return {
        "plan": names.plan(event.plan),
        "mrr": mrr,
        "price": event.mrr_minor if currency else 0,
        "currency": currency,
        "trial": event.trial,
    }


def _add(context: FoldContext, customer: Customer, fact: LifecycleFact) -> bool:
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
