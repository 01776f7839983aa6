"""Forgetting a customer's state: the same facts under names that say nothing.

What numbers are made of stays: times, plans, prices, reasons, segments, measures. What leads back to a person goes: ids
of subscriptions, tickets and surveys, ids that revokes name, and where the records lie.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kpis.customer.customer import feedback_of, life_of, set_feedback, set_life
from kpis.customer.deduplication import life_order
from kpis.customer.facts import Rare
from kpis.customer.state import Customer, decode, encode
from kpis.customer.touchpoints import (
    AnyTouchpoint,
    ContactFact,
    SupportFact,
    set_touchpoints,
    stored_touchpoints,
)
from kpis.names import Names


def subscriptions_of(customer: Customer) -> list[str]:
    """Return the ids of all subscriptions that a customer's facts name, in order, without the empty one."""
    return sorted({fact.subscription for fact in life_of(customer)} - {""})


def forgotten_state(customer: Customer, subscription: Callable[[str], str], names: Names) -> Customer:
    """Return the state of a customer without what leads back to them; its cache is stale.

    Args:
        customer: The state, which stays as it is.
        subscription: Returns what stands for the id of a subscription.
        names: Of the partition.
    """
    found = decode(encode(customer))
    life = [
        msgspec.structs.replace(fact, subscription=subscription(fact.subscription), reference=0)
        for fact in life_of(customer)
    ]
    set_life(found, sorted(life, key=lambda fact: life_order(fact, names)))
    set_touchpoints(found, [_without_names(fact, subscription) for fact in stored_touchpoints(customer)])
    set_feedback(found, [item._replace(reference=0) for item in feedback_of(customer)])
    rare = customer.rare
    if rare is not None:
        revocations = [each._replace(revokes="", reference=0) for each in rare.revocations]
        found.rare = Rare(revocations, dict(rare.sequences), {})
    return found


def _without_names(fact: AnyTouchpoint, name_of: Callable[[str], str]) -> AnyTouchpoint:
    """Return a touchpoint without the ids that it names; a ticket gets a name that says nothing."""
    if isinstance(fact, ContactFact):
        return msgspec.structs.replace(fact, about="", reference=0)
    if isinstance(fact, SupportFact):
        return msgspec.structs.replace(fact, ticket=name_of(fact.ticket), reference=0)
    return msgspec.structs.replace(fact, reference=0)
