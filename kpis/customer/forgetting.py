"""Forgetting a customer's state: the same facts under names that say nothing.

What numbers are made of stays: times, plans, prices, reasons, segments. What leads back to a person goes: ids of
subscriptions, ids that revokes name, and where the records lie.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kpis.customer.customer import feedback_of, life_of, set_feedback, set_life
from kpis.customer.deduplication import life_order
from kpis.customer.facts import Rare
from kpis.customer.state import Customer, decode, encode
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
    set_feedback(found, [item._replace(reference=0) for item in feedback_of(customer)])
    rare = customer.rare
    if rare is not None:
        revocations = [each._replace(revokes="", reference=0) for each in rare.revocations]
        found.rare = Rare(revocations, dict(rare.sequences), {})
    return found
