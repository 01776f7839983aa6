"""Handlers of contacts, tickets, referrals, exposures, further surveys and marks: facts that change no count."""

from __future__ import annotations

from typing import Any

from kpis.customer.deduplication import touchpoint_content
from kpis.customer.state import Customer, may_hold
from kpis.customer.touchpoints import (
    AnyTouchpoint,
    ContactFact,
    ExposureFact,
    MarkFact,
    RatingFact,
    ReferralFact,
    SupportFact,
    add_touchpoint,
    hash_of_customer,
)
from kpis.fold.context import FoldContext
from schemas.events import Survey
from schemas.instants import milliseconds


def contact(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a contact; True where the state changed."""
    sources = tuple(dict.fromkeys((event.source, Survey.TOPIC))) if event.about else ()
    surveys = tuple([context.identity_of(source, event.about) for source in sources])
    return _add(context, customer, ContactFact(*_common(context, event, at_ms, n), event.about, surveys))


def support(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold what became of a ticket; True where the state changed."""
    return _add(context, customer, SupportFact(*_common(context, event, at_ms, n), event.ticket, event.status))


def referral(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a referral; True where the state changed."""
    return _add(context, customer, ReferralFact(*_common(context, event, at_ms, n), hash_of_customer(event.referred)))


def exposure(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold an exposure; True where the state changed."""
    return _add(context, customer, ExposureFact(*_common(context, event, at_ms, n), event.measure, event.variant))


def rating(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a survey on one of `FURTHER_SCALES`; True where the state changed."""
    said = (event.kind, event.status, event.score, event.reason, event.via, event.incentive)
    return _add(context, customer, RatingFact(*_common(context, event, at_ms, n), *said))


def mark(context: FoldContext, nobody: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a mark into the state of those events that have no customer; True where it changed."""
    until_ms = -1 if event.until is None else milliseconds(event.until)
    return _add(context, nobody, MarkFact(*_common(context, event, at_ms, n), event.kind, event.title, until_ms))


def _common(context: FoldContext, event: Any, at_ms: int, n: int) -> tuple[int, int, bytes, int]:
    """Return what all touchpoints have, as `Touchpoint` has it."""
    return at_ms, event.sequence, context.identity_of(event.source, event.id), context.references[n]


def _add(context: FoldContext, customer: Customer, fact: AnyTouchpoint) -> bool:
    if may_hold(customer, fact.identity):
        if not context.settle(customer, fact.identity, lambda: touchpoint_content(fact), 0):
            return context.remembers
    else:
        context.need_room_of_many(customer)
        context.applied += 1
    add_touchpoint(customer, fact)
    return True
