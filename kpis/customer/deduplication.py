"""Deduplication: chooses between two events of one identity, and applies revocations.

An identity is (customer, source, id), the last two as a 64-bit hash. Order of arrival decides nothing: of two contents
that with the greater sequence counts, of equal ones that with the smaller (event time, kind, known members), and the
reference to its record is kept. These are the rare paths; the common case is that a hash was never seen.
"""

from __future__ import annotations

from typing import Any

import msgspec
from xxhash import xxh3_64_digest

from kpis.customer.customer import feedback_of, life_of, set_feedback, set_life
from kpis.customer.facts import (
    CONTENT_SIZE,
    MOST_OUTDONE,
    RENEWAL,
    REVOKE,
    SURVEY,
    CancelFact,
    Feedback,
    LifecycleFact,
    PricedFact,
    Rare,
    Revocation,
    SignupFact,
)
from kpis.customer.feedback_codes import RENEWAL_BASE, outcome_of, survey_of
from kpis.customer.state import Customer
from kpis.customer.touchpoints import AnyTouchpoint, set_touchpoints, stored_touchpoints
from kpis.names import NONE, Names

#: (sequence, negated; event time; kind; known members…): of two that with the smaller one counts
Content = tuple[Any, ...]

_encode = msgspec.msgpack.Encoder().encode


def identity_of(source: str, event_id: str) -> bytes:
    """Return the 64-bit hash that stands for (source, id); `kpis.fold.context` makes the same one faster."""
    return xxh3_64_digest(event_id.encode(), int.from_bytes(xxh3_64_digest(source.encode()), "big"))


def life_order(fact: LifecycleFact, names: Names) -> tuple[Any, ...]:
    """Return the key that sorts a timeline: (event time, sequence, kind, known members…)."""
    return (fact.at_ms, fact.sequence, fact.KIND, *_members(fact, names))


def _members(fact: LifecycleFact, names: Names) -> tuple[Any, ...]:
    own: tuple[Any, ...] = ()
    if isinstance(fact, PricedFact):
        own = (names.plan_names[fact.plan], fact.own_price, names.currency_names[fact.currency], fact.trial)
        if isinstance(fact, SignupFact):
            own += tuple("" if value == NONE else value for value in names.profile_names[fact.profile])
    elif isinstance(fact, CancelFact):
        own = (names.reason_names[fact.reason], fact.involuntary)
    return (*own, fact.subscription, fact.time_ms)


def fact_content(fact: LifecycleFact, names: Names) -> Content:
    """Return what a fact of the timeline says, for comparison."""
    return (-fact.sequence, fact.at_ms, fact.KIND, *_members(fact, names))


def feedback_content(item: Feedback, sequence: int, names: Names) -> Content:
    """Return what a survey or a renewal says, for comparison."""
    if item.code >= RENEWAL_BASE:
        return (-sequence, item.at_ms, RENEWAL, outcome_of(item.code))
    kind, status, score, way = survey_of(item.code)
    return (-sequence, item.at_ms, SURVEY, kind, status, score, names.reason_names[item.reason], way)


def revocation_content(revocation: Revocation) -> Content:
    """Return what a revocation says, for comparison."""
    return (-revocation.sequence, revocation.at_ms, REVOKE, revocation.revokes, revocation.names_source)


def touchpoint_content(fact: AnyTouchpoint) -> Content:
    """Return what a touchpoint says, for comparison."""
    return (-fact.sequence, fact.at_ms, fact.KIND, *fact.said())


def sequence_of(content: Content) -> int:
    """Return the sequence of what an event says."""
    sequence: int = -content[0]
    return sequence


def known_content(customer: Customer, identity: bytes, names: Names) -> Content | None:
    """Return what the customer's state holds under an identity; None where it holds nothing."""
    if identity in customer.life:
        for fact in life_of(customer):
            if fact.identity == identity:
                return fact_content(fact, names)
    if identity in customer.feedback:
        for item in feedback_of(customer):
            if item.identity == identity:
                sequence = customer.rare.sequences.get(identity, 0) if customer.rare else 0
                return feedback_content(item, sequence, names)
    for touchpoint in stored_touchpoints(customer):
        if touchpoint.identity == identity:
            return touchpoint_content(touchpoint)
    if customer.rare is not None:
        for revocation in customer.rare.revocations:
            if revocation.identity == identity:
                return revocation_content(revocation)
    return None


def remove(customer: Customer, identity: bytes) -> None:
    """Take whatever the state holds under an identity out of it; its cache is then stale."""
    if identity in customer.life:
        set_life(customer, [fact for fact in life_of(customer) if fact.identity != identity])
    if identity in customer.feedback:
        set_feedback(customer, [item for item in feedback_of(customer) if item.identity != identity])
    if customer.touchpoints:
        set_touchpoints(customer, [fact for fact in stored_touchpoints(customer) if fact.identity != identity])
    rare = customer.rare
    if rare is not None:
        rare.sequences.pop(identity, None)
        rare.revocations = [revocation for revocation in rare.revocations if revocation.identity != identity]


def outdo(customer: Customer, identity: bytes, content: Content) -> bool:
    """Remember what was said under an identity and does not count; False where it was said before.

    Up to MOST_OUTDONE contents of a customer are remembered: those beyond are new each time.
    """
    rare = rare_of(customer)
    said, known = xxh3_64_digest(_encode(content)), rare.outdone.get(identity, b"")
    if said in (known[n : n + CONTENT_SIZE] for n in range(0, len(known), CONTENT_SIZE)):
        return False
    if sum(map(len, rare.outdone.values())) < MOST_OUTDONE * CONTENT_SIZE:
        rare.outdone[identity] = known + said
    return True


def rare_of(customer: Customer) -> Rare:
    """Return the customer's rare part, made if need be."""
    if customer.rare is None:
        customer.rare = Rare()
    return customer.rare
