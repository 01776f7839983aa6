"""Paddle Billing: webhooks about subscriptions and their payments, and lists of subscriptions of its API.

Each webhook shows the whole subscription as it was at `updated_at`, and not what changed in it. What is scheduled is
therefore one event of the subscription, of which the latest state counts: a cancel, pause or resume that lies ahead, or
a change to what the subscription already is, which changes no number. So a schedule that is withdrawn, made anew or
carried out is told rightly in whatever order the webhooks come. `subscription.canceled` is final, and the last of them.

Not Paddle Classic, whose alerts (`alert_name`) have another form.
Source: Paddle developer documentation, "How webhooks work" and the pages of each event; docs/adapters/paddle.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.adapters.accounts import (
    AccountOptions,
    check_account,
    dimensions_of,
    listed_sequence,
    of_account,
    plan_of,
    text_at,
)
from schemas.adapters.adapter import Adapter, Members, Translation
from schemas.adapters.describing import described
from schemas.adapters.instants import instant, moment, optional_instant, sequence_of
from schemas.adapters.options import read_options
from schemas.adapters.prices import ItemPrice, exact_of, interval_of, mrr_of_items
from schemas.adapters.reading import IgnoredRecord, Node, SourceFault, each_of, translated
from schemas.refusals import Reason

NAME: Final = "paddle"

#: What a scheduled change becomes.
_ACTIONS: Final = ("cancel", "pause", "resume")
_OPEN: Final = ("active", "past_due", "trialing", "paused")
#: What ids of subscriptions begin with.
_SUBSCRIPTION: Final = "sub_"
#: The origin of a transaction that bills a term of a subscription after its first one.
_RECURRING: Final = "subscription_recurring"


class PaddleOptions(AccountOptions, frozen=True, kw_only=True):
    """Options: what differs between two accounts.

    Attributes:
        scheduled: Whether a cancel, pause or resume is told when it is scheduled; else when it is carried out.
        reason: The path of the reason of a cancel, of which Paddle says nothing itself; none where it is empty.
    """

    scheduled: bool = True
    reason: str = ""


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    read = read_options(NAME, options, PaddleOptions)
    check_account(NAME, read)
    return Paddle(read)


class Paddle:
    """Translates Paddle's webhooks.

    Args:
        options: Of the account.
    """

    name = NAME

    def __init__(self, options: PaddleOptions) -> None:
        self._options = options
        self._read: Mapping[str, Callable[[Node, Node], Iterable[Members]]] = MappingProxyType(
            {
                "subscription.created": self._opened,
                "subscription.imported": self._opened,
                "subscription.activated": self._changed,
                "subscription.trialing": self._changed,
                "subscription.updated": self._updated,
                "subscription.paused": self._paused,
                "subscription.resumed": self._resumed,
                "subscription.canceled": self._ended,
                "transaction.completed": self._billed,
                "transaction.payment_failed": self._billed,
            }
        )

    def translate(self, value: bytes) -> Translation:
        """Return what a record says; see `schemas.adapters.adapter.Adapter`."""
        return translated(self.name, value, self._events)

    def _events(self, record: Node) -> Iterator[Members]:
        if record.get("event_type") is None and isinstance(record.get("data"), list):
            yield from each_of(record.objects("data"), self._events_of_one)
            return
        yield from self._events_of_one(record)

    def _events_of_one(self, record: Node) -> Iterator[Members]:
        if record.get("event_type") is None and record.optional_text("id").startswith(_SUBSCRIPTION):
            listed = Node({"event_id": f"{record.text('id')}:listed", "data": record.members})
            yield from of_account(self._options, listed, self._listed(listed, listed.object("data")))
            return
        if record.get("event_type") is None and record.get("alert_name") is not None:
            raise record.wrong("alert_name", "is of Paddle Classic, and this reads Paddle Billing")
        kind = record.text("event_type")
        read = self._read.get(kind)
        if read is None:
            if kind.startswith("subscription.") and kind != "subscription.past_due":
                raise SourceFault(Reason.UNKNOWN_TYPE, "event_type", f"{kind} is not known here")
            raise IgnoredRecord(kind)
        yield from of_account(self._options, record, read(record, record.object("data")))

    def _opened(self, record: Node, subscription: Node) -> Iterator[Members]:
        yield {
            **self._identity(record, subscription),
            "type": "signup",
            "time": optional_instant(subscription, "started_at") or instant(record, "occurred_at"),
            **self._state(subscription),
            **dimensions_of(self._options, record),
        }

    def _listed(self, record: Node, subscription: Node) -> Iterator[Members]:
        """Yield what a subscription of the API says of its past; a webhook about its beginning knows better."""
        status = _status_of(subscription)
        began = optional_instant(subscription, "started_at") or instant(subscription, "created_at")
        sequence = listed_sequence(sequence_of(optional_instant(subscription, "updated_at")))
        signup = {**self._identity(record, subscription), "type": "signup", "time": began, "sequence": sequence}
        state, trial_ended = self._state(subscription), _end_of_trial(subscription)
        on_trial = {"trial": True} if trial_ended else {}
        yield {**signup, **state, **on_trial, **dimensions_of(self._options, record)}
        ended = optional_instant(subscription, "canceled_at")
        if trial_ended and not (ended and moment(ended) <= moment(trial_ended)):
            yield {**signup, "id": f"{signup['id']}:paid", "type": "upgrade", "time": trial_ended, **state}
        if status == "paused":
            yield from self._pause(record, subscription)
        yield from self._ended(record, subscription) if ended else self._ahead(record, subscription)

    def _changed(self, record: Node, subscription: Node) -> Iterator[Members]:
        yield {**self._identity(record, subscription), **self._as_it_is(subscription)}

    def _updated(self, record: Node, subscription: Node) -> Iterator[Members]:
        status = _status_of(subscription)
        if status == "canceled":
            yield from self._ended(record, subscription)
            return
        yield from self._changed(record, subscription)
        if status == "paused":
            yield from self._pause(record, subscription)
        yield from self._ahead(record, subscription)

    def _paused(self, record: Node, subscription: Node) -> Iterator[Members]:
        yield from self._pause(record, subscription)
        yield from self._ahead(record, subscription)

    def _pause(self, record: Node, subscription: Node) -> Iterator[Members]:
        """Yield the pause under one id, whichever of the two webhooks about it says it."""
        at = instant(subscription, "paused_at")
        yield {
            **self._identity(record, subscription),
            "id": f"{subscription.text('id')}:paused:{at}",
            "type": "pause",
            "time": at,
        }

    def _resumed(self, record: Node, subscription: Node) -> Iterator[Members]:
        yield {**self._identity(record, subscription), "type": "resume", "time": instant(subscription, "updated_at")}
        yield from self._ahead(record, subscription)

    def _ended(self, record: Node, subscription: Node) -> Iterator[Members]:
        yield {
            **self._scheduled(record, subscription),
            "type": "cancel",
            "time": instant(subscription, "canceled_at"),
            **described({"reason": text_at(record, self._options.reason)}),
        }

    def _ahead(self, record: Node, subscription: Node) -> Iterator[Members]:
        """Yield what lies ahead of a subscription; where nothing does, the state that it stays in."""
        if not self._options.scheduled:
            return
        told = self._scheduled(record, subscription)
        ahead = subscription.optional_object("scheduled_change")
        if ahead is None:
            yield {**told, **self._as_it_is(subscription)}
            return
        action = ahead.text("action")
        if action not in _ACTIONS:
            raise ahead.wrong("action", f"must be one of {', '.join(_ACTIONS)}")
        yield {
            **told,
            "type": action,
            "time": instant(subscription, "updated_at"),
            "effective_at": instant(ahead, "effective_at"),
        }

    def _billed(self, record: Node, transaction: Node) -> Iterator[Members]:
        """Yield how a term was paid: the last word on a transaction, which may fail before it is paid."""
        kind = record.text("event_type")
        if transaction.optional_text("origin") != _RECURRING:
            raise IgnoredRecord(kind)
        paid = kind == "transaction.completed"
        yield {
            "id": transaction.text("id"),
            "source": NAME,
            "customer_id": transaction.text("customer_id"),
            "type": "renewal",
            "time": optional_instant(transaction, "billed_at") or instant(transaction, "created_at"),
            "sequence": int(paid),
            "outcome": "renewed" if paid else "failed",
        }

    def _identity(self, record: Node, subscription: Node) -> Members:
        return {
            "id": record.text("event_id"),
            "source": NAME,
            "customer_id": subscription.text("customer_id"),
            "subscription_id": subscription.text("id"),
        }

    def _scheduled(self, record: Node, subscription: Node) -> Members:
        """Return the identity of what lies ahead of a subscription; of two such events the later state counts."""
        return {
            **self._identity(record, subscription),
            "id": f"{subscription.text('id')}:scheduled",
            "sequence": sequence_of(instant(subscription, "updated_at")),
        }

    def _as_it_is(self, subscription: Node) -> Members:
        return {"type": "upgrade", "time": instant(subscription, "updated_at"), **self._state(subscription)}

    def _state(self, subscription: Node) -> Members:
        """Return plan, price and trial of a subscription as it is."""
        items = [item for item in subscription.objects("items") if _cycle_of(item) is not None]
        if not items:
            raise subscription.missing("items", "must have an item that is billed again and again")
        currency, prices = _prices_of(items, subscription)
        plan = self._plan_of(items)
        return {
            "plan": plan,
            "mrr_minor": mrr_of_items(prices),
            "currency": currency,
            **({"trial": True} if subscription.text("status") == "trialing" else {}),
        }

    def _plan_of(self, items: list[Node]) -> str:
        """Return the plan of the first item that the options name, or else of the first one."""
        ids = [(item.object("price").text("id"), item.object("price").optional_text("product_id")) for item in items]
        named = (n for n, known in enumerate(ids) if any(each in self._options.plans for each in known))
        place = next(named, 0)
        product, price = items[place].optional_object("product"), items[place].object("price")
        names = (product.optional_text("name") if product else "", price.optional_text("name"))
        plan = plan_of(self._options.plans, ids[place], (*names, *ids[place]))
        if not plan:
            raise price.wrong("id", "is no name of a plan; name it in the option plans")
        return plan


def _status_of(subscription: Node) -> str:
    status = subscription.text("status")
    if status != "canceled" and status not in _OPEN:
        raise subscription.wrong("status", f"must be canceled or one of {', '.join(_OPEN)}")
    return status


def _end_of_trial(subscription: Node) -> str:
    """Return when the trial of a subscription that is not on trial any more ended; empty where it had none."""
    if subscription.text("status") == "trialing":
        return ""
    trials = (item.optional_object("trial_dates") for item in subscription.objects("items"))
    return next((optional_instant(trial, "ends_at") for trial in trials if trial is not None), "")


def _cycle_of(item: Node) -> Node | None:
    """Return how often an item is billed; None where it is billed once."""
    return item.object("price").optional_object("billing_cycle")


def _prices_of(items: list[Node], subscription: Node) -> tuple[str, list[ItemPrice]]:
    """Return the currency of a subscription and the price of each item in it.

    A price has amounts for other countries beside its own; where none is in the currency that the customer pays in,
    Paddle converts, and the amount in the price's own currency counts.
    """
    paid_in = subscription.text("currency_code")
    amounts = [_amounts_of(item) for item in items]
    currency = paid_in if all(paid_in in each for each in amounts) else next(iter(amounts[0]))
    found = [each.get(currency) for each in amounts]
    if any(each is None for each in found):
        raise SourceFault(
            Reason.CURRENCY_MISMATCH,
            subscription.path_of("items"),
            f"have prices in several currencies, and not all in {paid_in}",
        )
    return currency, [_item_price(item, amount) for item, amount in zip(items, found, strict=True) if amount]


def _amounts_of(item: Node) -> dict[str, Node]:
    """Return the amounts of a price by currency, its own first; one with two amounts for a currency has none in it."""
    price = item.object("price")
    own = price.object("unit_price")
    found = {own.text("currency_code"): own}
    further: dict[str, list[Node]] = {}
    for override in price.objects("unit_price_overrides"):
        amount = override.object("unit_price")
        further.setdefault(amount.text("currency_code"), []).append(amount)
    return found | {currency: each[0] for currency, each in further.items() if len(each) == 1 and currency not in found}


def _item_price(item: Node, amount: Node) -> ItemPrice:
    cycle = item.object("price").object("billing_cycle")
    if cycle.get("frequency") is None:
        raise cycle.missing("frequency")
    interval, frequency = interval_of(cycle, count="frequency")
    quantity, minor = item.integer("quantity"), exact_of(amount, "amount")
    if quantity < 0:
        raise item.wrong("quantity", "must be an integer from 0")
    if minor is None:
        raise amount.missing("amount")
    return ItemPrice(minor, interval, frequency, quantity)
