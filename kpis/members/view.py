"""One customer as of two instants: where they stand at the start and the end of a window, and what moves between.

What `kpis.members.rules` and `kpis.members.exclusions` look at. Nothing here knows rows or cells: it is a second
opinion on them.
Definitions: docs/definitions.md, section "Subscriptions and customers".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple

from kpis.customer.customer import activity_of, feedback_of, life_of
from kpis.customer.facts import (
    CANCEL,
    CHANGE,
    SIGNUP,
    Fact,
    Feedback,
    LifecycleFact,
    PricedFact,
    Revocation,
    SignupFact,
)
from kpis.customer.feedback_codes import ANSWERED
from kpis.customer.history import effective_feedback
from kpis.customer.movements import Movement, movements_of
from kpis.customer.state import Customer
from kpis.customer.timeline import (
    Standing,
    Step,
    effective_facts,
    first_signup,
    first_trial,
    is_active_within,
    standing_at,
    steps_of,
)
from kpis.customer.touchpoints import Touchpoint, stored_touchpoints
from kpis.customer.what_counts import WhatCounts
from kpis.instants import instant_text

Mention = Fact | Feedback | Touchpoint | Revocation
_FOREVER_MS: Final = 1 << 53


class Window(NamedTuple):
    """As of when: the window is [start, end), in ms since 1970, both on boundaries of buckets."""

    start_ms: int
    end_ms: int
    bucket_ms: int

    def rule_text(self, why: str) -> str:
        """Return the rule by which something counts, or does not, with the instants of the window in it."""
        # Ids of subscriptions stand in rules too, whatever braces they have.
        return why.replace("{start}", instant_text(self.start_ms)).replace("{end}", instant_text(self.end_ms))


def all_time(bucket_ms: int) -> Window:
    """Return the window that holds all facts."""
    return Window(0, _FOREVER_MS, bucket_ms)


class View:
    """A customer, seen through a window; what is asked for is worked out once."""

    def __init__(self, customer: Customer, window: Window, what: WhatCounts) -> None:
        """Take a customer; `what` says what counts."""
        self.customer = customer
        self.window = window
        self.what = what
        self.steps = steps_of(effective_facts(customer), what)

    # -- where the customer stands

    @cached_property
    def start(self) -> Standing:
        """The customer at the start of the window."""
        return self.standing(self.window.start_ms)

    @cached_property
    def end(self) -> Standing:
        """The customer at T."""
        return self.standing(self.window.end_ms)

    def standing(self, at_ms: int) -> Standing:
        """Return the customer at an instant."""
        return standing_at(self.steps, at_ms)

    @cached_property
    def start_facts(self) -> tuple[LifecycleFact, ...]:
        """The facts that made the customer what it is at the start of the window."""
        return self.facts_at(self.window.start_ms)

    @cached_property
    def end_facts(self) -> tuple[LifecycleFact, ...]:
        """The facts that made the customer what it is at T."""
        return self.facts_at(self.window.end_ms)

    def facts_at(self, at_ms: int) -> tuple[LifecycleFact, ...]:
        """Return the facts that made a customer what it is at an instant, in order.

        Of the active, those behind the subscriptions that count; of others, the one that made them inactive. Of those
        who never were active, those behind the subscriptions that are open, or the cancel of the last one.
        """
        steps = [step for step in self.steps if step.fact.at_ms < at_ms and step.has_effect]
        if not steps:
            return ()
        now, behind = steps[-1].after, _behind(steps)
        if now.active:
            return self._in_order(fact for each in now.counting for fact in behind[each.id])
        left = [step.fact for step in steps if step.before.active and not step.after.active]
        if left:
            return (left[-1],)
        return self._in_order(fact for facts in behind.values() for fact in facts) or (steps[-1].fact,)

    def facts_of(self, subscription: str, at_ms: int) -> tuple[LifecycleFact, ...]:
        """Return the facts behind a subscription that is open at an instant, in order; none where it is closed."""
        return _behind([step for step in self.steps if step.fact.at_ms < at_ms and step.has_effect]).get(
            subscription, ()
        )

    def _in_order(self, facts: Iterable[LifecycleFact]) -> tuple[LifecycleFact, ...]:
        chosen = {fact.identity for fact in facts}
        return tuple(step.fact for step in self.steps if step.fact.identity in chosen)

    # -- what happens in the window

    def holds(self, at_ms: int) -> bool:
        """Return whether an instant lies in the window."""
        return self.window.start_ms <= at_ms < self.window.end_ms

    @cached_property
    def inside(self) -> list[Step]:
        """Facts in the window that have an effect, in order."""
        return [step for step in self.steps if step.has_effect and self.holds(step.fact.at_ms)]

    @cached_property
    def without_effect(self) -> list[Step]:
        """Facts in the window that have none, in order."""
        return [step for step in self.steps if not step.has_effect and self.holds(step.fact.at_ms)]

    @cached_property
    def movements(self) -> list[Movement]:
        """The movements of the window's buckets, in order."""
        if not self.inside:
            return []
        bucket_ms = self.window.bucket_ms
        return [each for each in movements_of(self.steps, bucket_ms) if self.holds(each.bucket * bucket_ms)]

    def steps_in(self, movement: Movement) -> list[Step]:
        """Return the facts of a movement's bucket that have an effect, in order."""
        return [step for step in self.inside if step.fact.at_ms // self.window.bucket_ms == movement.bucket]

    @cached_property
    def feedback(self) -> list[Feedback]:
        """Surveys and renewals in the window, in order, without revoked ones."""
        return [item for item in effective_feedback(self.customer) if self.holds(item.at_ms)]

    @cached_property
    def answers(self) -> list[Feedback]:
        """All answered surveys, whenever."""
        return [item for item in effective_feedback(self.customer) if item.code in ANSWERED]

    @cached_property
    def active_buckets(self) -> list[int]:
        """Buckets of the window with activity, in order."""
        first, end = self.window.start_ms // self.window.bucket_ms, self.window.end_ms // self.window.bucket_ms
        if self.customer.active_bucket < first:
            return []
        return [bucket for bucket in activity_of(self.customer) if first <= bucket < end]

    def plan_of_feedback(self, item: Feedback) -> int:
        """Return the plan at the time of a survey or a renewal."""
        return self.standing(item.at_ms).plan

    # -- how the customer began

    @cached_property
    def first(self) -> SignupFact | None:
        """The first signup, whatever it opened."""
        return first_signup(self.steps)

    @cached_property
    def trial(self) -> PricedFact | None:
        """The first trial, if the customer was active after no fact before it."""
        trial = first_trial(self.steps)
        return None if trial is None or self.was_active_before(trial.at_ms) else trial

    def was_active_before(self, at_ms: int) -> bool:
        """Return whether the customer was active after a fact before an instant."""
        return is_active_within(self.steps, 0, at_ms)

    def lived_between(self, start_ms: int, end_ms: int) -> bool:
        """Return whether there is activity or an answered survey in [start, end), a week or more apart.

        Of a bucket that an end of the week cuts, the state knows the instants that can matter: the ends of `runs`.
        """
        if any(start_ms <= at_ms < end_ms for at_ms in self.customer.runs):
            return True
        if any(start_ms <= item.at_ms < end_ms for item in self.answers):
            return True
        bucket_ms = self.window.bucket_ms
        whole = range(-(-start_ms // bucket_ms), end_ms // bucket_ms)
        return any(bucket in whole for bucket in activity_of(self.customer))

    # -- what is without effect

    @cached_property
    def _beginnings(self) -> dict[str, int]:
        """The place in the order of all facts at which each subscription is opened first."""
        return {step.fact.subscription: n for n, step in reversed([*enumerate(self.steps)]) if step.fact.KIND == SIGNUP}

    @cached_property
    def _places(self) -> dict[bytes, int]:
        return {step.fact.identity: n for n, step in enumerate(self.steps)}

    def closed_as(self, fact: LifecycleFact) -> str:
        """Return why the subscription of a fact is not open when it comes, in words: ended, or not begun."""
        begun = self._beginnings.get(fact.subscription)
        if begun is None:
            return "never began"
        return "had ended" if begun < self._places[fact.identity] else "had not begun yet"

    @cached_property
    def revocations_without_effect(self) -> list[Revocation]:
        """Revocations in the window that hit no event, in order."""
        if self.customer.rare is None:
            return []
        held = [*life_of(self.customer), *feedback_of(self.customer), *stored_touchpoints(self.customer)]
        known = {each.identity for each in held}
        return sorted(
            (each for each in self.customer.rare.revocations if self.holds(each.at_ms) and not known & {*each.targets}),
            key=lambda each: (each.at_ms, each.identity),
        )

    def revoked(self, *kinds: int) -> list[LifecycleFact]:
        """Return revoked facts of these kinds in the window, in order."""
        if self.customer.rare is None or not self.customer.rare.revocations:
            return []
        revoked = self.customer.rare.revoked()
        return [
            fact
            for fact in life_of(self.customer)
            if fact.identity in revoked and fact.KIND in kinds and self.holds(fact.at_ms)
        ]


def _behind(steps: Iterable[Step]) -> dict[str, tuple[LifecycleFact, ...]]:
    """Return, by subscription that is open after steps that all have an effect, the facts that made it what it is.

    That is the signup that opened it, the last signup or change since, and the last pause or resume since.
    """
    behind: dict[str, tuple[LifecycleFact, ...]] = {}
    for step in steps:
        fact = step.fact
        facts = behind.get(fact.subscription, ())
        if fact.KIND == CANCEL:
            behind.pop(fact.subscription, None)
        elif fact.KIND == SIGNUP:
            behind[fact.subscription] = (*facts[:1], fact)
        elif fact.KIND == CHANGE:
            known = step.before.find(fact.subscription)
            paused = facts[-1:] if known is not None and known.is_paused else ()
            behind[fact.subscription] = (facts[0], fact, *paused)
        else:
            behind[fact.subscription] = (*(each for each in facts if isinstance(each, PricedFact)), fact)
    return behind
