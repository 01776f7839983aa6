"""One customer as of two instants: the state of their timeline at the start and the end of a window, and between.

What `kpis.members.rules` and `kpis.members.exclusions` look at. Nothing here knows rows or cells: it is a second
opinion on them.
Definitions: docs/definitions.md, section "One customer's timeline".
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from kpis.customer.customer import activity_of, life_of
from kpis.customer.facts import ACTIVE_AFTER, CHANGE, SIGNUP, Fact, Feedback
from kpis.customer.feedback_codes import ANSWERED
from kpis.customer.state import Customer
from kpis.customer.timeline import Step, effective_facts, plan_at, steps_of
from kpis.fold.contribution import effective_feedback

Mention = Fact | Feedback


class Window(NamedTuple):
    """As of when: the window is [start, end), in ms since 1970, both on boundaries of buckets."""

    start_ms: int
    end_ms: int
    bucket_ms: int


class Standing(NamedTuple):
    """A customer's standing at an instant: the state after all facts before it."""

    active: bool
    plan: int
    mrr: int
    #: the facts that made it so: the signup and the last change of the active, the last cancel of others
    facts: tuple[Fact, ...]


class View:
    """A customer, seen through a window; what is asked for is worked out once."""

    def __init__(self, customer: Customer, window: Window) -> None:
        """Take a customer who has facts."""
        self.customer = customer
        self.window = window
        self.steps = steps_of(effective_facts(customer))

    @cached_property
    def start(self) -> Standing:
        """The state at the start of the window."""
        return self.standing(self.window.start_ms)

    @cached_property
    def end(self) -> Standing:
        """The state at T."""
        return self.standing(self.window.end_ms)

    def standing(self, at_ms: int) -> Standing:
        """Return the state at an instant."""
        active, plan, mrr = False, 0, 0
        facts: tuple[Fact, ...] = ()
        for step in self.steps:
            fact = step.fact
            if fact[0] >= at_ms:
                break
            plan, mrr = step.next_plan, step.next_mrr
            active = fact[2] in ACTIVE_AFTER
            facts = (facts[0], fact) if fact[2] == CHANGE else (fact,)
        return Standing(active, plan, mrr, facts)

    def holds(self, at_ms: int) -> bool:
        """Return whether an instant lies in the window."""
        return self.window.start_ms <= at_ms < self.window.end_ms

    @cached_property
    def inside(self) -> list[Step]:
        """Effective facts in the window, in order."""
        return [step for step in self.steps if self.holds(step.fact[0])]

    @cached_property
    def feedback(self) -> list[Feedback]:
        """Surveys and renewals in the window, in order, without revoked ones."""
        return [item for item in effective_feedback(self.customer) if self.holds(item[0])]

    @cached_property
    def answers(self) -> list[Feedback]:
        """All answered surveys, whenever."""
        return [item for item in effective_feedback(self.customer) if item[1] in ANSWERED]

    @cached_property
    def active_buckets(self) -> list[int]:
        """Buckets of the window with activity, in order."""
        first, end = self.window.start_ms // self.window.bucket_ms, self.window.end_ms // self.window.bucket_ms
        if self.customer.active_bucket < first:
            return []
        return [bucket for bucket in activity_of(self.customer) if first <= bucket < end]

    def plan_of_feedback(self, item: Feedback) -> int:
        """Return the plan at the time of a survey or a renewal."""
        return plan_at(self.steps, item[0])

    @cached_property
    def first(self) -> Step | None:
        """The signup that made the customer new."""
        return self.steps[0] if self.steps else None

    def lived_between(self, start_ms: int, end_ms: int) -> bool:
        """Return whether there is activity or an answered survey in [start, end), a week or more apart.

        Of a bucket that an end of the week cuts, the state knows the instants that can matter: the ends of `runs`.
        """
        if any(start_ms <= at_ms < end_ms for at_ms in self.customer.runs):
            return True
        if any(start_ms <= item[0] < end_ms for item in self.answers):
            return True
        bucket_ms = self.window.bucket_ms
        whole = range(-(-start_ms // bucket_ms), end_ms // bucket_ms)
        return any(bucket in whole for bucket in activity_of(self.customer))

    def left_out(self, kind: int) -> list[tuple[Fact, str]]:
        """Return facts of a kind in the window that did nothing, each with the reason."""
        rare = self.customer.rare
        revoked = {revocation[3] for revocation in rare.revocations} if rare else set()
        effective = {step.fact[3] for step in self.steps}
        out: list[tuple[Fact, str]] = []
        active = False
        for fact in life_of(self.customer):
            if fact[3] in effective:
                active = fact[2] in ACTIVE_AFTER
            elif fact[2] == kind and self.holds(fact[0]):
                out.append((fact, _why_left_out(fact, active=active, revoked=fact[3] in revoked)))
        return out


def _why_left_out(fact: Fact, *, active: bool, revoked: bool) -> str:
    if revoked:
        return "revoked, so it never counts"
    if fact[2] == SIGNUP and active:
        return "ignored: active already"
    return "ignored: not active then"
