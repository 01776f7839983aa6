"""A customer's history: all that rows, the cache of a state and explanations are made of, worked out once.

Who has the history of a state before can have that of the state after a later fact for the price of that fact.
"""

from __future__ import annotations

import msgspec

from kpis.customer.customer import activity_of, feedback_of, life_of
from kpis.customer.facts import Feedback, LifecycleFact, SignupFact, facts_of
from kpis.customer.feedback_codes import ANSWERED
from kpis.customer.movements import Movement, movements_of
from kpis.customer.state import Customer
from kpis.customer.timeline import NOTHING, Standing, Step, effective_facts, first_signup, steps_of
from kpis.customer.touchpoints import stored_touchpoints
from kpis.customer.what_counts import WhatCounts


class History(msgspec.Struct, frozen=True, gc=False):
    """A customer's facts, run through the machines, with all that is derived from them."""

    steps: list[Step]
    movements: list[Movement]
    #: the first of the signups, whose segments are the customer's
    signup: SignupFact | None
    #: surveys and renewals, earliest first, without revoked ones
    feedback: list[Feedback]
    #: the buckets with activity or an answered survey, in order
    engaged: list[int]

    @property
    def now(self) -> Standing:
        """The customer after all facts."""
        return self.steps[-1].after if self.steps else NOTHING


class CustomerPast:
    """The facts of a customer that has revoked none, run through the machines, and what they come to by the bucket."""

    __slots__ = ("_bucket_ms", "_movements", "steps")

    def __init__(self, steps: list[Step], bucket_ms: int, movements: list[Movement] | None = None) -> None:
        """Take the steps; movements that are not given are made when they are asked for."""
        self.steps = steps
        self._bucket_ms = bucket_ms
        self._movements = movements

    @property
    def movements(self) -> list[Movement]:
        """The movements, in order."""
        if self._movements is None:
            self._movements = movements_of(self.steps, self._bucket_ms)
        return self._movements

    def with_one_more(self, fact: LifecycleFact, what: WhatCounts) -> CustomerPast:
        """Return the past with a fact that is later than all others; what is made of it is not made again."""
        steps, known = steps_of((fact,), what, self.steps), self._movements
        if known is None:
            return CustomerPast(steps, self._bucket_ms)
        if known and known[-1].bucket == fact.at_ms // self._bucket_ms:
            known = known[:-1]
        return CustomerPast(steps, self._bucket_ms, movements_of(steps, self._bucket_ms, known))


def past_of(customer: Customer, bucket_ms: int, what: WhatCounts) -> CustomerPast:
    """Return the past of a state; `bucket_ms` is the length of a bucket."""
    return CustomerPast(steps_of(life_of(customer), what), bucket_ms)


def history_of(customer: Customer, bucket_ms: int, what: WhatCounts) -> History:
    """Return the history of a state; `bucket_ms` is the length of a bucket."""
    steps = steps_of(effective_facts(customer), what) if customer.facts else []
    feedback = effective_feedback(customer)
    return _history(customer, steps, feedback, bucket_ms)


def history_after(customer: Customer, before: Customer, history: History, bucket_ms: int, what: WhatCounts) -> History:
    """Return the history of a state, of which one before is known with its history."""
    if customer.rare is not None or before.rare is not None:
        return history_of(customer, bucket_ms, what)
    feedback = history.feedback if customer.feedback == before.feedback else effective_feedback(customer)
    if customer.life == before.life:
        steps = history.steps
    elif history.steps and customer.life.startswith(before.life):
        facts = facts_of(customer.life[len(before.life) :], customer.facts - before.facts)
        is_later = facts[0].at_ms > history.steps[-1].fact.at_ms
        steps = steps_of(facts, what, history.steps) if is_later else steps_of(effective_facts(customer), what)
    else:
        steps = steps_of(effective_facts(customer), what)
    return _history(customer, steps, feedback, bucket_ms)


def _history(customer: Customer, steps: list[Step], feedback: list[Feedback], bucket_ms: int) -> History:
    return History(
        steps, movements_of(steps, bucket_ms), first_signup(steps), feedback, _engaged(customer, feedback, bucket_ms)
    )


def effective_feedback(customer: Customer) -> list[Feedback]:
    """Return surveys and renewals, earliest first, without revoked ones."""
    if not customer.feedback:
        return []
    feedback = feedback_of(customer)
    if customer.rare is None or not customer.rare.revocations:
        return feedback
    revoked = customer.rare.revoked()
    return [item for item in feedback if item.identity not in revoked]


def revocations_without_effect(customer: Customer) -> list[int]:
    """Return the event times of revocations that hit no event (ms since 1970)."""
    if customer.rare is None or not customer.rare.revocations:
        return []
    known = {item.identity for item in feedback_of(customer)}
    known.update(fact.identity for fact in life_of(customer))
    known.update(fact.identity for fact in stored_touchpoints(customer))
    return [each.at_ms for each in customer.rare.revocations if known.isdisjoint(each.targets)]


def _engaged(customer: Customer, feedback: list[Feedback], bucket_ms: int) -> list[int]:
    buckets = activity_of(customer) if customer.acts else []
    answered = {item.at_ms // bucket_ms for item in feedback if item.code in ANSWERED}
    return sorted(answered.union(buckets)) if answered else buckets


def refresh(customer: Customer, history: History) -> None:
    """Bring the cache of a state up to date with its history."""
    now, signup = history.now, history.signup
    customer.is_open, customer.active, customer.plan = now.is_open, now.active, now.plan
    customer.last_at = history.steps[-1].fact.at_ms if history.steps else -1
    if customer.rare is not None and customer.facts:  # the last one may have been revoked
        customer.last_at = life_of(customer)[-1].at_ms
    if signup is None:
        customer.first_at, customer.first_plan, customer.profile = -1, 0, 0
    else:
        customer.first_at, customer.first_plan, customer.profile = signup.at_ms, signup.plan, signup.profile
    customer.feedback_at = history.feedback[-1].at_ms if history.feedback else -1
    customer.engaged_bucket = history.engaged[-1] if history.engaged else -1
