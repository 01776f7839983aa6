"""Questions about subscriptions: two that may be one, one of several customers, and facts that do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kpis.customer.facts import SIGNUP
from kpis.customer.timeline import Subscription
from kpis.references import offset_of
from schemas.events import Cancel, Pause, Resume, Revoke
from schemas.instants import DAY_MS
from tenure.validation.questions.question import (
    EXAMPLES_KEPT,
    HASHES_KEPT,
    Asked,
    Kept,
    Mention,
    Question,
    SeenTotals,
    Weight,
)

_SHARED_BY_MISTAKE: Final = 0.2
"""Where more ids are shared, they are unique within a customer alone, as they may be."""
_FEWEST_IDS: Final = 5
_FEWEST: Final = 10
_MANY: Final = 0.1
_TYPES_OF_KIND: Final = {
    "cancel": (Cancel.TYPE,), "change": ("upgrade", "downgrade"), "pause": (Pause.TYPE,), "resume": (Resume.TYPE,),
    "revoke": (Revoke.TYPE,),
}  # fmt: skip


class SameTwice(Question):
    """Two open subscriptions of a customer with the same plan and price that began within a day."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._examples: list[Mention] = []

    def look(self, kept: Kept) -> None:
        """See a customer."""
        steps = kept.view.steps
        if len(steps) < 2 or len(steps[-1].after.subscriptions) < 2:
            return
        last: dict[tuple[int, int], Subscription] = {}
        for each in sorted(steps[-1].after.subscriptions, key=lambda one: (one.open_since, one.id)):
            before = last.get((each.plan, each.price))
            last[each.plan, each.price] = each
            if before is None or each.open_since - before.open_since >= DAY_MS:
                continue
            self._count += 1
            if len(self._examples) < EXAMPLES_KEPT:
                ids = " and ".join(f'"{one.id}"' for one in (before, each))
                plan = kept.names.plan_names[each.plan]
                number = next(
                    offset_of(step.fact.reference)
                    for step in reversed(steps)
                    if step.fact.KIND == SIGNUP and step.fact.subscription == each.id
                )
                self._examples.append(Mention(f"customer {kept.customer_id}: {ids}, both on {plan}", number))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether one was sent under two ids."""
        if self._count:
            yield Asked(
                "subscription_twice",
                Weight.HIGH,
                self._count,
                totals.customers,
                "subscriptions began within a day of another one of their customer, with the same plan and price",
                "look whether one was sent twice, under another id and subscription_id: its revenue counts twice. "
                "Who bought two has two",
                self._examples,
            )


class SharedSubscriptions(Question):
    """Ids of subscriptions that several customers have, where most have their own."""

    def __init__(self) -> None:
        super().__init__()
        self._owners: dict[int, str] = {}
        self._shared: set[int] = set()
        self._examples: list[Mention] = []

    def look(self, kept: Kept) -> None:
        """See a customer."""
        own = {fact.subscription: fact for fact in reversed(kept.facts) if fact.subscription}
        for subscription, fact in own.items():
            key = hash(subscription)
            owner = self._owners.get(key)
            if owner is None:
                if len(self._owners) < HASHES_KEPT:
                    self._owners[key] = kept.customer_id
                else:
                    self.gave_up = f"shared ids of subscriptions: no more than {HASHES_KEPT:,} ids are compared"
                continue
            self._shared.add(key)
            if len(self._examples) < EXAMPLES_KEPT:
                one, other = sorted((owner, kept.customer_id))
                said = f"subscription {subscription} of customers {one} and {other}"
                self._examples.append(Mention(said, offset_of(fact.reference)))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whose they are."""
        del totals
        every = len(self._owners)
        if self._shared and every >= _FEWEST_IDS and len(self._shared) <= _SHARED_BY_MISTAKE * every:
            yield Asked(
                "shared_subscription",
                Weight.MEDIUM,
                len(self._shared),
                every,
                "subscription ids are of several customers, where all others have one customer",
                "to the stream these are different subscriptions; look whether one was moved, or a customer has "
                "two ids",
                self._examples,
            )


class WithoutEffect(Question):
    """Kinds of facts that mostly, or often, do nothing."""

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask why; single ones are told among what has no effect."""
        for kind, count in totals.effectless.items():
            every = sum(totals.by_type.get(each, 0) for each in _TYPES_OF_KIND[kind])
            if count >= _FEWEST and count > _MANY * every:
                yield Asked(
                    "often_without_effect",
                    Weight.HIGH,
                    count,
                    every,
                    f"{kind}s have no effect: no subscription was open, or none in the state for it",
                    "look at the examples above: signups may be missing, or name another subscription_id, or come "
                    "later by their time",
                )
