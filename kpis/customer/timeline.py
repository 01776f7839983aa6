"""A customer's timeline: what each fact does to its subscription, and what the customer is after it.

Definitions: docs/definitions.md, section "Subscriptions and customers".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from kpis.customer.customer import life_of
from kpis.customer.facts import (
    CANCEL,
    CHANGE,
    PAUSE,
    RESUME,
    SIGNUP,
    LifecycleFact,
    PricedFact,
    SignupFact,
)
from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from schemas.instants import DAY_MS

WEEK_MS: Final = 7 * DAY_MS
FORTNIGHT_MS: Final = 14 * DAY_MS


class Subscription(msgspec.Struct, frozen=True, gc=False):
    """A subscription that is not closed."""

    id: str
    #: of its last signup or change; the price is in minor units of the default currency
    plan: int
    price: int
    on_trial: bool
    is_paused: bool
    #: whether it counts, or would count were it not paused
    would_count: bool
    counts: bool
    #: the event times since which it has not been closed, and has counted without a break (ms; -1: it does not count)
    open_since: int
    counting_since: int

    @property
    def mrr(self) -> int:
        """MRR in minor units of the default currency; 0 while it is paused or does not count."""
        return self.price if self.counts and not self.is_paused else 0

    @property
    def full_mrr(self) -> int:
        """The same at the full price of what is paused."""
        return self.price if self.counts else 0


class Standing(msgspec.Struct, frozen=True, gc=False):
    """A customer at an instant."""

    #: those that are not closed, by id
    subscriptions: tuple[Subscription, ...]
    #: whether one counts
    active: bool
    #: of the leading one; where all are closed the one before the last was closed
    plan: int
    #: sums over those that count, the second with paused ones at their full price (minor units)
    mrr: int
    full_mrr: int

    @property
    def is_open(self) -> bool:
        """True where one is not closed."""
        return bool(self.subscriptions)

    @property
    def counting(self) -> list[Subscription]:
        """Those that count."""
        return [each for each in self.subscriptions if each.counts]

    @property
    def has_several(self) -> bool:
        """True where two or more count."""
        return len(self.subscriptions) > 1 and len(self.counting) > 1

    @property
    def is_paused(self) -> bool:
        """True where one is paused that would count were it not, and none counts without being paused."""
        paused = False
        for each in self.subscriptions:
            if each.is_paused:
                paused = paused or each.would_count
            elif each.counts:
                return False
        return paused

    def find(self, subscription: str) -> Subscription | None:
        """Return the one with an id; None where it is closed."""
        for each in self.subscriptions:
            if each.id == subscription:
                return each
        return None


#: Before all facts.
NOTHING: Final = Standing((), False, 0, 0, 0)


class Step(msgspec.Struct, frozen=True, gc=False):
    """A fact, and the customer before and after it."""

    fact: LifecycleFact
    before: Standing
    after: Standing
    has_effect: bool


def effective_facts(customer: Customer) -> list[LifecycleFact]:
    """Return the facts in the order of the timeline, without revoked ones."""
    life = life_of(customer)
    if customer.rare is None or not customer.rare.revocations:
        return life
    revoked = customer.rare.revoked()
    return [fact for fact in life if fact.identity not in revoked]


def steps_of(facts: Sequence[LifecycleFact], what: WhatCounts, begun: Sequence[Step] = ()) -> list[Step]:
    """Run all machines over facts in the order of the timeline, one step a fact.

    Of one event time and sequence the cancels of subscriptions that are not closed just before come first.

    Args:
        facts: In order.
        what: What counts.
        begun: The steps of facts before these, which all have earlier event times.
    """
    out = list(begun)
    standing, done, count = out[-1].after if out else NOTHING, 0, len(facts)
    while done < count:
        first, end = facts[done], done + 1
        while end < count and facts[end].at_ms == first.at_ms and facts[end].sequence == first.sequence:
            end += 1
        for fact in _in_turn(facts[done:end], standing) if end > done + 1 else (first,):
            known = standing.find(fact.subscription)
            kind = fact.KIND
            if has_effect(known, kind):
                after = _after(standing, known, fact, what)
                out.append(Step(fact, standing, after, True))
                standing = after
            else:
                out.append(Step(fact, standing, standing, False))
        done = end
    return out


def has_effect(known: Subscription | None, kind: int) -> bool:
    """Return whether a fact of a kind does something to a subscription; None is a closed one."""
    if kind == SIGNUP:
        return True
    if known is None:
        return False
    return not known.is_paused if kind == PAUSE else known.is_paused if kind == RESUME else True


def _in_turn(together: Sequence[LifecycleFact], standing: Standing) -> list[LifecycleFact]:
    """Return facts of one event time and sequence in the order in which they are taken."""
    ends = [fact.KIND == CANCEL and standing.find(fact.subscription) is not None for fact in together]
    first = [fact for fact, is_end in zip(together, ends, strict=True) if is_end]
    return first + [fact for fact, is_end in zip(together, ends, strict=True) if not is_end]


def _after(standing: Standing, known: Subscription | None, fact: LifecycleFact, what: WhatCounts) -> Standing:
    """Return the customer after a fact that has an effect on a subscription."""
    others = standing.subscriptions
    if known is not None:
        others = tuple([each for each in others if each is not known]) if len(others) > 1 else ()
    if fact.KIND == CANCEL:
        return _standing(others, standing.plan)
    subscription = _changed(known, fact, what)
    if not others:
        is_leading = subscription.counts
        return Standing(
            (subscription,), is_leading, subscription.plan, subscription.mrr, subscription.price if is_leading else 0
        )
    return _standing(tuple(sorted((*others, subscription), key=_by_id)), standing.plan)


_by_id: Final = attrgetter("id")


def _changed(known: Subscription | None, fact: LifecycleFact, what: WhatCounts) -> Subscription:
    """Return a subscription after a fact that leaves it open or paused."""
    kind, at_ms = fact.KIND, fact.at_ms
    if isinstance(fact, PricedFact):
        plan, price, on_trial = fact.plan, fact.mrr, fact.trial
    else:
        assert known is not None, "only a signup opens"
        plan, price, on_trial = known.plan, known.price, known.on_trial
    is_paused = kind == PAUSE or (kind == CHANGE and known is not None and known.is_paused)
    would_count = not on_trial and (price > 0 or what.free_plans)
    counts = would_count and (not is_paused or what.paused)
    open_since = at_ms if known is None else known.open_since
    since = known.counting_since if known is not None and known.counts else at_ms
    return Subscription(
        fact.subscription,
        plan,
        price,
        on_trial,
        is_paused,
        would_count,
        counts,
        open_since,
        since if counts else -1,
    )


def _standing(subscriptions: tuple[Subscription, ...], last_plan: int) -> Standing:
    """Return the customer with these subscriptions, sorted by id; `last_plan` is the one before."""
    counting = [each for each in subscriptions if each.counts]
    if counting:
        leading = min(counting, key=_leading)
        return Standing(
            subscriptions,
            True,
            leading.plan,
            sum([each.mrr for each in counting]),
            sum([each.price for each in counting]),
        )
    if subscriptions:
        return Standing(subscriptions, False, min(subscriptions, key=_longest_open).plan, 0, 0)
    return Standing((), False, last_plan, 0, 0)


def _leading(each: Subscription) -> tuple[int, int, str]:
    return -each.mrr, each.counting_since, each.id


def _longest_open(each: Subscription) -> tuple[int, str]:
    return each.open_since, each.id


def at_ms_of(step: Step) -> int:
    """Return the event time of a step's fact (ms since 1970)."""
    return step.fact.at_ms


def standing_at(steps: Sequence[Step], at_ms: int) -> Standing:
    """Return the customer after all facts before an instant."""
    before = bisect_left(steps, at_ms, key=at_ms_of)
    return steps[before - 1].after if before else NOTHING


def first_signup(steps: Iterable[Step]) -> SignupFact | None:
    """Return the first of the signups, whatever it opens: segments are its own."""
    for step in steps:
        if isinstance(step.fact, SignupFact):
            return step.fact
    return None


def first_trial(steps: Iterable[Step]) -> PricedFact | None:
    """Return the first signup or change with `trial` that has an effect."""
    for step in steps:
        if step.has_effect and isinstance(step.fact, PricedFact) and step.fact.trial:
            return step.fact
    return None


def is_active_within(steps: Iterable[Step], start_ms: int, end_ms: int) -> bool:
    """Return whether the customer is active after a fact with event time in [start, end)."""
    return any(step.after.active for step in steps if start_ms <= step.fact.at_ms < end_ms)
