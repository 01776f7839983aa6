"""Webhook events of Stripe about a subscription: its beginning, what an update changed, its end.

An event carries the whole subscription, and an update what it was before: each is read by itself, so that their order
decides nothing. An update that changes nothing that is counted says nothing.
Source: Stripe API reference, *The Event object* (`data.previous_attributes`); Stripe documentation, *Using event
destinations with subscriptions*.
"""

from collections.abc import Iterator
from typing import Final

from schemas.adapters.adapter import Members
from schemas.adapters.reading import Node, SourceFault
from schemas.adapters.stripe.options import StripeOptions
from schemas.adapters.stripe.subscription import CANCELED, NEVER, PAUSED, StripeSubscription, earlier, seconds_of
from schemas.adapters.stripe.terms import Terms

PREFIX: Final = "customer.subscription."


def subscription_events(event: Node, options: StripeOptions) -> Iterator[Members]:
    """Yield what an event about a subscription says.

    Args:
        event: Of a type that begins with `PREFIX`.
        options: Of the account.

    Raises:
        SourceFault: A member is missing or wrong.
    """
    kind = event.text("type").removeprefix(PREFIX)
    if kind not in ("created", "updated", "deleted", "paused", "resumed"):
        return
    data, at_s = event.object("data"), seconds_of(event, "created")
    if at_s is None:
        raise event.missing("created")
    now = StripeSubscription(data.object("object"), options, said_s=at_s)
    update = SubscriptionUpdate(event.text("id"), at_s, now)
    if kind == "created":
        yield from update.created()
    elif kind == "deleted":
        yield from update.ended()
    elif kind == "paused":
        yield from update.paused()
    elif kind == "resumed":
        yield from update.opened()
    else:
        previous = data.optional_object("previous_attributes")
        yield from update.changed(_before(now, previous, at_s, options) if previous else None)


def _before(now: StripeSubscription, previous: Node, at_s: int, options: StripeOptions) -> StripeSubscription:
    node = Node(earlier(now.node.members, previous.members), now.node.path)
    return StripeSubscription(node, options, said_s=at_s)


class SubscriptionUpdate:
    """A webhook event, and the subscription after it.

    Args:
        event_id: The event's.
        at_s: When it came about (s since 1970).
        now: The subscription.
    """

    def __init__(self, event_id: str, at_s: int, now: StripeSubscription) -> None:
        self.now = now
        self._id = event_id
        self._at_s = at_s

    def created(self) -> Iterator[Members]:
        """Yield the beginning, if it is one already: one that is incomplete may never become one."""
        if self.now.is_open:
            yield self.now.signup(f"{self.now.id}:created", self.now.terms)
            yield from self._paused_as_well()
            yield from self._scheduled()

    def opened(self) -> Iterator[Members]:
        """Yield that a subscription that did not count goes on."""
        if self.now.is_open:
            members = {**self.now.terms.members(), **self.now.dimensions}
            yield self.now.event("signup", self._id, self._at_s, **members)
            yield from self._paused_as_well()
            yield from self._scheduled()

    def paused(self) -> Iterator[Members]:
        """Yield that a trial has ended without a way to pay: Stripe pauses the subscription then."""
        if self.now.status == PAUSED:
            yield trial_paused(self.now, self._at_s)

    def ended(self) -> Iterator[Members]:
        """Yield the end."""
        yield from self.now.end(self._at_s if self.now.ended_s is None else self.now.ended_s)

    def changed(self, before: StripeSubscription | None) -> Iterator[Members]:
        """Yield what an update changed.

        Args:
            before: The subscription before it; None where the event does not say it.
        """
        now = self.now
        if now.status == CANCELED:
            yield from self.ended()
        elif now.is_unpaid:
            yield from self._unpaid(before)
        elif now.status == PAUSED:
            yield from self.paused() if before is None or before.status != PAUSED else ()
            yield from self._withdrawn(before)
            yield from self._scheduled(before)
        elif now.is_open and before is not None and not before.is_open:
            yield from self.created() if before.status in NEVER else self.opened()
        elif now.is_open:
            yield from self._open_still(before)

    def _open_still(self, before: StripeSubscription | None) -> Iterator[Members]:
        terms, was = self.now.terms, _terms_before(before)
        if terms != was:
            kind = "downgrade" if was is not None and was.mrr_minor > terms.mrr_minor else "upgrade"
            yield self.now.event(kind, self._id, self._at_s, **terms.members())
        if before is not None and before.is_paused != self.now.is_paused:
            kind = "pause" if self.now.is_paused else "resume"
            yield self.now.event(kind, f"{self._id}:{kind}", self._at_s)
        yield from self._withdrawn(before)
        yield from self._scheduled(before)

    def _paused_as_well(self) -> Iterator[Members]:
        if self.now.is_paused:
            yield self.now.event("pause", f"{self._id}:pause", self._at_s)

    def _unpaid(self, before: StripeSubscription | None) -> Iterator[Members]:
        """Yield the end of a subscription for which payment was given up."""
        if before is None or before.is_open:
            yield self.now.event("cancel", self._id, self._at_s, reason="unpaid", involuntary=True)
            yield from self._withdrawn(before)

    def _scheduled(self, before: StripeSubscription | None = None) -> Iterator[Members]:
        """Yield the end that is scheduled now, and was not before."""
        planned = self.now.scheduled_end
        if planned is not None and (before is None or before.scheduled_end != planned):
            yield planned

    def _withdrawn(self, before: StripeSubscription | None) -> Iterator[Members]:
        """Yield that an end that was scheduled is withdrawn, or is scheduled otherwise."""
        if before is None or before.scheduled_end is None or before.cancel_s is None or before.cancel_s <= self._at_s:
            return
        planned = before.scheduled_end
        if self.now.is_unpaid or self.now.scheduled_end is None or self.now.scheduled_end["id"] != planned["id"]:
            yield self.now.event("revoke", f"{self._id}:revoke", self._at_s, revokes=planned["id"])


def trial_paused(now: StripeSubscription, at_s: int) -> Members:
    """Return the pause after a trial, which is at its end whichever record says it."""
    trial_end_s = seconds_of(now.node, "trial_end")
    paused_s = at_s if trial_end_s is None else trial_end_s
    return now.event("pause", f"{now.id}:paused:{paused_s}", paused_s)


def _terms_before(before: StripeSubscription | None) -> Terms | None:
    """Return plan, price and trial before an update; None where the event does not say them."""
    try:
        return before.terms if before is not None else None
    except SourceFault:
        return None
