"""A subscription of Stripe as one record shows it, and the events that say its beginning and its end.

The events of one subscription have ids that are made of what they say, not of the record that says it: webhooks and
exports that say the same are one event.
Source: Stripe API reference, *The Subscription object*; Stripe documentation, *How subscriptions work*.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from schemas.adapters.adapter import Members
from schemas.adapters.describing import described
from schemas.adapters.reading import Node, epoch_text
from schemas.adapters.stripe.discounts import discounts_of, is_discounted
from schemas.adapters.stripe.options import NAME, StripeOptions
from schemas.adapters.stripe.terms import Terms, terms_of

#: Statuses in which a customer has the product; those that never were a customer; and all others.
OPEN: Final = ("active", "past_due", "trialing")
NEVER: Final = ("incomplete", "incomplete_expired")
PAUSED, UNPAID, CANCELED = "paused", "unpaid", "canceled"
_INVOLUNTARY: Final = ("payment_failed", "payment_disputed")
#: Of what is scheduled: the product takes no `effective_at` that is farther ahead.
_SCHEDULED_AHEAD_MAX_S: Final = 1_826 * 86_400
_YEAR_2100_S: Final = 4_102_444_800


def seconds_of(node: Node, name: str) -> int | None:
    """Return a member that counts seconds since 1970; None where it is absent."""
    found = node.optional_integer(name)
    if found is not None and not 0 <= found < _YEAR_2100_S:
        raise node.wrong(name, "must be seconds since 1970, before 2100")
    return found


class StripeSubscription:
    """A subscription as it was when its record was written.

    Args:
        node: The subscription.
        options: Of the account.
        customer: Its customer, where the record has it elsewhere than in the subscription.
        said_s: When the record was written (s since 1970), for a subscription that does not say when it was made; None
            where that is not known.

    Attributes:
        id: The subscription's.
        status: One of Stripe's; where the record has none, what its end says of it.
    """

    def __init__(
        self, node: Node, options: StripeOptions, customer: Node | None = None, said_s: int | None = None
    ) -> None:
        self.node = node
        self.id = node.text("id")
        self.status = node.optional_text("status") or ("active" if node.get("ended_at") is None else CANCELED)
        if self.status not in (*OPEN, *NEVER, PAUSED, UNPAID, CANCELED):
            raise node.wrong("status", "is none that this version knows")
        self._options = options
        self._said_s = said_s
        self._customer = customer or customer_in(node)
        self._customer_id = customer_id_of(node, self._metadata, options)

    @property
    def is_open(self) -> bool:
        """True while the customer has the product."""
        return self.status in OPEN or (self.status == UNPAID and self._options.unpaid == "keep")

    @property
    def is_unpaid(self) -> bool:
        """True where the subscription has ended because it is not paid for."""
        return self.status == UNPAID and self._options.unpaid == "cancel"

    @property
    def is_paused(self) -> bool:
        """True while its collection is paused in a way that is a pause."""
        pause = self.node.optional_object("pause_collection")
        return self.is_open and pause is not None and pause.optional_text("behavior") in self._options.pauses

    @cached_property
    def created_s(self) -> int:
        """The instant at which Stripe's object was made (s since 1970)."""
        found = seconds_of(self.node, "created")
        made_s = self._said_s if found is None else found
        if made_s is None:
            raise self.node.missing("created")
        return made_s

    @cached_property
    def start_s(self) -> int:
        """The beginning, which may lie before the object was made (s since 1970)."""
        found = seconds_of(self.node, "start_date")
        return self.created_s if found is None else found

    @cached_property
    def term_start_s(self) -> int:
        """The start of the current term (s since 1970); newer versions of the API have it in the items."""
        starts = [seconds_of(node, "current_period_start") for node in (self.node, *self._items)]
        return min((start for start in starts if start is not None), default=self.start_s)

    @cached_property
    def term_end_s(self) -> int | None:
        """The end of the current term (s since 1970); None where the record does not say it."""
        ends = [seconds_of(node, "current_period_end") for node in (self.node, *self._items)]
        return max((end for end in ends if end is not None), default=None)

    @cached_property
    def cancel_s(self) -> int | None:
        """The instant at which it is to end, or was (s since 1970); None where nothing is scheduled."""
        found = seconds_of(self.node, "cancel_at")
        return self.term_end_s if found is None and self.node.flag("cancel_at_period_end") else found

    @cached_property
    def ended_s(self) -> int | None:
        """Its end (s since 1970); None where it has not ended."""
        found = seconds_of(self.node, "ended_at")
        return found if found is not None else seconds_of(self.node, "canceled_at") if self.status == CANCELED else None

    @cached_property
    def terms(self) -> Terms:
        """Its plan, price and trial."""
        listed = self.node.object("items")
        if listed.flag("has_more"):
            raise listed.wrong("has_more", "must be false: the record leaves out items, and so a part of the price")
        if not self._items:
            raise listed.missing("data", "a subscription without items has no price")
        discounts = discounts_of(self.node)
        if not is_discounted(self.node) and self._customer is not None:
            discounts = discounts_of(self._customer)
        currency = self.node.optional_text("currency")
        found = terms_of(self._items, discounts, currency, self.term_start_s, self._options)
        return found._replace(trial=self.status == "trialing")

    @cached_property
    def _items(self) -> list[Node]:
        listed = self.node.optional_object("items")
        return listed.objects("data") if listed else []

    def event(self, kind: str, event_id: str, at_s: int, **members: Any) -> Members:
        """Return an event of this subscription.

        Args:
            kind: Its type.
            event_id: Its id.
            at_s: Its time (s since 1970).
            members: Its own.
        """
        return {
            **common_members(self.node, kind, event_id, at_s, self._customer_id, self._options),
            **({} if kind in ("revoke", "renewal") else {"subscription_id": self.id}),
            **members,
        }

    @cached_property
    def _metadata(self) -> tuple[Node, ...]:
        holders = (self.node, self._customer)
        found = (holder.optional_object("metadata") for holder in holders if holder is not None)
        return tuple(metadata for metadata in found if metadata is not None)

    def signup(self, event_id: str, terms: Terms, **members: Any) -> Members:
        """Return the event of its beginning."""
        effective = {} if self.start_s == self.created_s else {"effective_at": epoch_text(self.start_s)}
        return self.event(
            "signup", event_id, self.created_s, **terms.members(), **self.dimensions, **effective, **members
        )

    @cached_property
    def dimensions(self) -> Members:
        """The dimensions that it is segmented by, as far as the record says them."""
        found = {"country": _country_of(self._customer)} if self._customer else {}
        for dimension, key in self._options.dimensions.items():
            said = (metadata.optional_text(key) for metadata in self._metadata)
            found[dimension] = next(filter(None, said), found.get(dimension, ""))
        return described(found)

    @cached_property
    def scheduled_end(self) -> Members | None:
        """The cancel that is scheduled, or came about as it was scheduled; None where there is none.

        Whoever withdraws it and schedules it once more has asked at another instant: that is another event.
        """
        if self.cancel_s is None:
            return None
        asked_s = seconds_of(self.node, "canceled_at")
        reason = self._reason()
        event_id = f"{self.id}:cancel:{asked_s or 0}:{self.cancel_s}:{reason.get('reason', 'unspecified')}"
        at_s = self.created_s if asked_s is None else asked_s
        if self.cancel_s - at_s > _SCHEDULED_AHEAD_MAX_S:
            return None
        return self.event("cancel", event_id, at_s, **reason, effective_at=epoch_text(self.cancel_s))

    def _reason(self) -> Members:
        """Return why it ends, and whether the customer chose it."""
        details = self.node.optional_object("cancellation_details") or Node({})
        reason, feedback = details.optional_text("reason"), details.optional_text("feedback")
        if reason in _INVOLUNTARY:
            return {"reason": reason, "involuntary": True}
        return described({"reason": feedback or reason})

    def end(self, at_s: int) -> list[Members]:
        """Return the events of its end: none where it never was a customer's.

        Args:
            at_s: When that was (s since 1970).
        """
        if self.status in NEVER:
            return []
        found = []
        planned = self.scheduled_end
        if planned is not None and self.cancel_s is not None and self.cancel_s <= at_s:
            found.append(planned)
        else:
            found.append(self.event("cancel", f"{self.id}:ended", at_s, **self._reason()))
            if planned is not None and seconds_of(self.node, "canceled_at") != at_s:
                found.append(self.event("revoke", f"{self.id}:ended:revoke", at_s, revokes=planned["id"]))
        return found + self._declined(at_s)

    def _declined(self, at_s: int) -> list[Members]:
        """Return the renewal that the customer did not want, where it ends with its term."""
        was_planned = self.node.flag("cancel_at_period_end") and self.cancel_s is not None and self.cancel_s <= at_s
        ended_trial = at_s == seconds_of(self.node, "trial_end")
        if not (was_planned or at_s == self.term_end_s) or ended_trial or self._reason().get("involuntary"):
            return []
        return [self.event("renewal", f"{self.id}:declined", at_s, outcome="declined")]


def customer_in(node: Node) -> Node | None:
    """Return the customer that a record has in full."""
    return node.optional_object("customer") if isinstance(node.get("customer"), dict) else None


def customer_id_of(node: Node, metadata: tuple[Node, ...], options: StripeOptions) -> str:
    """Return the customer's id, as the options name customers.

    Args:
        node: A subscription or invoice.
        metadata: Where the options' key is looked for, in this order.
        options: Of the account.
    """
    if options.customer_key:
        said = next(filter(None, (each.optional_text(options.customer_key) for each in metadata)), "")
        if not said:
            raise node.missing(f"metadata.{options.customer_key}", f"is required by [{NAME}] customer_key")
        return said
    customer = customer_in(node)
    if customer is not None:
        return customer.text("id")
    return node.optional_text("customer") or node.optional_text("customer_account") or node.text("customer")


def common_members(
    node: Node, kind: str, event_id: str, at_s: int, customer_id: str, options: StripeOptions
) -> Members:
    """Return the members that every event has."""
    is_test = node.get("livemode") is not None and not node.flag("livemode") and not options.count_test_mode
    return {
        "id": event_id,
        "source": NAME,
        "type": kind,
        "customer_id": customer_id,
        "time": epoch_text(at_s),
        **({"test": True} if is_test else {}),
    }


def _country_of(customer: Node) -> str:
    shipping = customer.optional_object("shipping")
    addresses = (holder.optional_object("address") for holder in (customer, shipping) if holder)
    return next(filter(None, (address.optional_text("country") for address in addresses if address)), "")


def earlier(now: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as it was before an update.

    Args:
        now: After the update.
        previous: What the event's `previous_attributes` have of it: changed members, of objects those alone that
            changed, and lists as a whole.
    """
    found = dict(now)
    for name, value in previous.items():
        own = found.get(name)
        found[name] = earlier(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return found
