"""A customer's subscriptions one by one, as of an instant: what each is, and since when.

For comparison with other books. What the customer is as a whole: `kpis.customer.timeline`.
"""

from __future__ import annotations

from typing import NamedTuple

from kpis.customer.facts import CANCEL, PricedFact
from kpis.customer.state import Customer
from kpis.customer.timeline import Subscription, effective_facts, standing_at, steps_of
from kpis.customer.what_counts import WhatCounts
from kpis.names import Names
from schemas.documents.reconciliation import HeldStatus


class Holding(NamedTuple):
    """One subscription as of T.

    Attributes:
        status: What it is.
        plan: Its name.
        currency: ISO 4217.
        price: MRR at the full price (minor units of the currency).
        counted: MRR that counts (minor units of the default currency).
        since_ms: When it began, or ended where it has (ms since 1970).
        changed_ms: Its last fact before T.
        later_ms: Its first fact from T on; -1 where there is none.
    """

    status: HeldStatus
    plan: str = ""
    currency: str = ""
    price: int = 0
    counted: int = 0
    since_ms: int = -1
    changed_ms: int = -1
    later_ms: int = -1

    @property
    def is_open(self) -> bool:
        """True where it is neither ended nor absent."""
        return self.status not in ("ended", "absent")

    @property
    def mrr(self) -> int:
        """MRR that counts (minor units of the currency)."""
        return self.price if self.status == "active" else 0


ABSENT = Holding("absent")


def holdings_of(customer: Customer, names: Names, what: WhatCounts, at_ms: int) -> dict[str, Holding]:
    """Return every subscription that a customer's facts name, by id.

    Args:
        customer: Their state.
        names: The tables of its partition.
        what: What counts.
        at_ms: T (ms since 1970).
    """
    steps = steps_of(effective_facts(customer), what)
    standing = standing_at(steps, at_ms)
    found: dict[str, Holding] = {}
    for step in steps:
        fact, known = step.fact, found.get(step.fact.subscription, ABSENT)
        if fact.at_ms >= at_ms:
            known = known if known.later_ms >= 0 else known._replace(later_ms=fact.at_ms)
        elif step.has_effect:
            known = known._replace(changed_ms=fact.at_ms)
            if fact.KIND == CANCEL:
                known = known._replace(status="ended", since_ms=fact.at_ms)
            elif isinstance(fact, PricedFact):
                currency = names.currency_names[fact.currency]
                known = known._replace(plan=names.plan_names[fact.plan], currency=currency, price=fact.own_price)
        found[fact.subscription] = known
    return {each: _as_of(holding, standing.find(each)) for each, holding in found.items()}


def _as_of(holding: Holding, subscription: Subscription | None) -> Holding:
    if subscription is None:
        return holding
    return holding._replace(status=_status_of(subscription), counted=subscription.mrr, since_ms=subscription.open_since)


def _status_of(subscription: Subscription) -> HeldStatus:
    if subscription.is_paused:
        return "paused"
    if subscription.on_trial:
        return "trial"
    return "active" if subscription.counts else "free"
