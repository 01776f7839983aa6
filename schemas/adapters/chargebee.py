"""Chargebee: events and lists of API version 2, of product catalog 1.0 and 2.0: subscriptions and their payments.

An event's id is the id, and the subscription's `resource_version` the sequence. A cancellation that is scheduled is one
event of the subscription, `<subscription>:scheduled`, of which the greatest version counts: removed, it is a change to
what the subscription already is; carried out, it gives way to the cancel of its own event, so that one that is
reactivated can be cancelled again.
Prices: `schemas.adapters.chargebee_prices`.
Source: Chargebee API documentation, "Events" and "Subscriptions"; docs/adapters/chargebee.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from schemas.adapters.accounts import (
    AccountOptions,
    check_account,
    dimensions_of,
    listed_sequence,
    of_account,
    plan_of,
)
from schemas.adapters.adapter import Adapter, Members, Translation
from schemas.adapters.chargebee_prices import mrr_of_subscription, plan_id_of
from schemas.adapters.describing import described
from schemas.adapters.options import read_options
from schemas.adapters.reading import IgnoredRecord, Node, SourceFault, each_of, translated
from schemas.refusals import Reason

NAME: Final = "chargebee"

_BACKDATED: Final = "_with_backdating"
#: Statuses of subscriptions that count, or did; and of those that never did, or are another site's by now.
_COUNTED: Final = ("in_trial", "active", "non_renewing", "paused", "cancelled")
_NOT_COUNTED: Final = ("future", "transferred")
#: Events about subscriptions that change nothing which is counted, or not yet.
_SAYS_NOTHING: Final = frozenset(
    {
        "subscription_advance_invoice_schedule_added",
        "subscription_advance_invoice_schedule_removed",
        "subscription_advance_invoice_schedule_updated",
        "subscription_business_entity_changed",
        "subscription_cancellation_reminder",
        "subscription_changes_scheduled",
        "subscription_entitlements_created",
        "subscription_entitlements_updated",
        "subscription_moved_in",
        "subscription_moved_out",
        "subscription_movement_failed",
        "subscription_pause_scheduled",
        "subscription_ramp_created",
        "subscription_ramp_deleted",
        "subscription_ramp_drafted",
        "subscription_ramp_updated",
        "subscription_renewal_reminder",
        "subscription_resumption_scheduled",
        "subscription_scheduled_changes_removed",
        "subscription_scheduled_pause_removed",
        "subscription_scheduled_resumption_removed",
        "subscription_shipping_address_updated",
        "subscription_trial_end_reminder",
    }
)
_Reader = Callable[[str, Node, Node], Iterable[Members]]


class ChargebeeOptions(AccountOptions, frozen=True, kw_only=True):
    """Options: what differs between two sites.

    Attributes:
        mrr: Out of what the MRR is worked out: `items` and discounts of the subscription, as of each event; or the
            `mrr` that Chargebee says, which knows of coupons too, and lags behind the event that changes it.
    """

    mrr: Literal["items", "chargebee"] = "items"


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    read = read_options(NAME, options, ChargebeeOptions)
    check_account(NAME, read)
    return Chargebee(read)


class Chargebee:
    """Translates Chargebee's events.

    Args:
        options: Of the site.
    """

    name = NAME

    def __init__(self, options: ChargebeeOptions) -> None:
        self._options = options
        self._read: Mapping[str, _Reader] = MappingProxyType(
            {
                "subscription_created": self._created,
                "subscription_started": self._opened,
                "subscription_activated": self._activated,
                "subscription_reactivated": self._reactivated,
                "subscription_changed": self._changed,
                "subscription_items_renewed": self._changed,
                "subscription_ramp_applied": self._changed,
                "subscription_trial_extended": self._changed,
                "subscription_renewed": self._renewed,
                "subscription_paused": self._paused,
                "subscription_resumed": self._resumed,
                "subscription_cancellation_scheduled": self._scheduled_cancel,
                "subscription_scheduled_cancellation_removed": self._removed_cancel,
                "subscription_cancelled": self._cancelled,
                "subscription_canceled": self._cancelled,
                "subscription_deleted": self._deleted,
                "payment_failed": self._paid,
                "payment_succeeded": self._paid,
                "mrr_updated": self._mrr_updated,
            }
        )

    def translate(self, value: bytes) -> Translation:
        """Return what a record says; see `schemas.adapters.adapter.Adapter`."""
        return translated(self.name, value, self._events)

    def _events(self, record: Node) -> Iterator[Members]:
        if record.get("list") is None:
            yield from self._events_of_one(record)
            return
        yield from each_of(record.objects("list"), self._events_of_one)

    def _events_of_one(self, record: Node) -> Iterator[Members]:
        event = record.optional_object("event") or record
        if event.get("event_type") is None and event.get("subscription") is not None:
            listed = _as_an_event(event)
            found = self._listed(listed, listed.object("content").object("subscription"))
            yield from of_account(self._options, listed, found)
            return
        kind = event.text("event_type")
        read = self._read.get(kind.removesuffix(_BACKDATED))
        if read is None:
            if kind.startswith("subscription_") and kind not in _SAYS_NOTHING:
                raise SourceFault(Reason.UNKNOWN_TYPE, event.path_of("event_type"), f"{kind} is not known here")
            raise IgnoredRecord(kind)
        content = event.object("content")
        if content.get("subscription") is None and kind.startswith("payment_"):
            raise IgnoredRecord(kind)
        yield from of_account(self._options, event, read(kind, event, content.object("subscription")))

    def _created(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        if subscription.text("status") == "future":
            raise IgnoredRecord(f"{kind}, of a subscription that starts later")
        yield from self._opened(kind, event, subscription)

    def _opened(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        yield {
            **_identity(event, subscription),
            "type": "signup",
            "time": subscription.optional_epoch("started_at") or event.epoch("occurred_at"),
            **self._state(event, subscription),
            **dimensions_of(self._options, event),
        }
        if _is_to_end(subscription):
            yield _cancel_ahead(event, subscription)

    def _listed(self, event: Node, subscription: Node) -> Iterator[Members]:
        """Yield what a subscription of a list says of its past; an event about its beginning knows better.

        A pause or end has its instant in its id: after it another one may come, of which the next list tells.
        """
        status = subscription.text("status")
        if status not in (*_COUNTED, *_NOT_COUNTED):
            raise subscription.wrong("status", f"must be one of {', '.join((*_COUNTED, *_NOT_COUNTED))}")
        if status in _NOT_COUNTED or _has_not_started(subscription):
            raise IgnoredRecord(f"subscription, {status}")
        began = subscription.optional_epoch("started_at") or subscription.epoch("created_at")
        paid = subscription.optional_epoch("activated_at")
        identity = _identity(event, subscription)
        name, listed = identity["id"], {**identity, "sequence": listed_sequence(identity["sequence"])}
        state, had_trial = (
            self._state(event, subscription),
            subscription.get("trial_start") is not None and paid > began,
        )
        trial = {"trial": True} if had_trial else {}
        yield {**listed, "type": "signup", "time": began, **state, **trial, **dimensions_of(self._options, event)}
        if had_trial:
            yield {**listed, "id": f"{name}:paid", "type": "upgrade", "time": paid, **state}
        if status == "paused":
            paused = subscription.optional_epoch("pause_date") or event.epoch("occurred_at")
            yield {**listed, "id": f"{name}:paused:{paused}", "type": "pause", "time": paused}
        if _is_to_end(subscription):
            yield _cancel_ahead(event, subscription)
        if status == "cancelled":
            end = _ended(event, subscription)
            yield {**listed, "id": f"{name}:ended:{end['time']}", "type": "cancel", **end}

    def _activated(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        at = subscription.optional_epoch("activated_at") or event.epoch("occurred_at")
        yield {**_identity(event, subscription), **self._as_it_is(event, subscription), "time": at}

    def _reactivated(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        at = event.epoch("occurred_at")
        if kind.endswith(_BACKDATED):
            at = subscription.optional_epoch("activated_at") or at
        yield {**_identity(event, subscription), "type": "signup", "time": at, **self._state(event, subscription)}

    def _changed(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        if subscription.text("status") in ("future", "cancelled", "transferred"):
            raise IgnoredRecord(f"{kind}, of a subscription that is not open")
        yield {**_identity(event, subscription), **self._as_it_is(event, subscription)}

    def _renewed(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        yield from self._changed(kind, event, subscription)
        yield _renewal(event, subscription, "renewed", 0)

    def _paused(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        at = subscription.optional_epoch("pause_date") or event.epoch("occurred_at")
        yield {**_identity(event, subscription), "type": "pause", "time": at}

    def _resumed(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        yield {**_identity(event, subscription), "type": "resume", "time": event.epoch("occurred_at")}

    def _scheduled_cancel(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        yield _cancel_ahead(event, subscription)

    def _removed_cancel(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        yield {**_scheduled(event, subscription), **self._as_it_is(event, subscription)}

    def _cancelled(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        if _has_not_started(subscription):
            raise IgnoredRecord(f"{kind}, of a subscription that has not started")
        end, identity = _ended(event, subscription), _identity(event, subscription)
        at = end["time"]
        if _was_scheduled(subscription):
            # Sorted before the cancel, of the same instant, by the sequence: the subscription is still open then.
            before = {**_scheduled(event, subscription), "sequence": identity["sequence"] - 1}
            yield {**before, **self._as_it_is(event, subscription), "time": at}
            if not end.get("involuntary") and at == subscription.optional_epoch("current_term_end"):
                yield {**_renewal(event, subscription, "declined", 0), "id": f"{identity['id']}:renewal", "time": at}
        yield {**identity, "type": "cancel", **end}

    def _deleted(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        if subscription.text("status") in ("future", "cancelled", "transferred"):
            raise IgnoredRecord(f"{kind}, of a subscription that is not open")
        at = event.epoch("occurred_at")
        yield {**_identity(event, subscription), "type": "cancel", "time": at, "reason": "deleted"}

    def _paid(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        """Yield how the payment of a renewal turned out; one that was never in doubt, the renewal has said."""
        invoice = event.object("content").optional_object("invoice")
        if invoice is None or not invoice.flag("recurring") or invoice.flag("first_invoice"):
            raise IgnoredRecord(kind)
        if kind == "payment_failed":
            yield _renewal(event, subscription, "failed", 1)
        elif invoice.get("dunning_status") is not None or invoice.objects("dunning_attempts"):
            yield _renewal(event, subscription, "renewed", 2)
        else:
            raise IgnoredRecord(kind)

    def _mrr_updated(self, kind: str, event: Node, subscription: Node) -> Iterator[Members]:
        if self._options.mrr != "chargebee":
            raise IgnoredRecord(kind)
        yield from self._changed(kind, event, subscription)

    def _as_it_is(self, event: Node, subscription: Node) -> Members:
        return {"type": "upgrade", "time": event.epoch("occurred_at"), **self._state(event, subscription)}

    def _state(self, event: Node, subscription: Node) -> Members:
        """Return plan, price and trial of a subscription as it is."""
        plan_id = plan_id_of(subscription)
        plan = plan_of(self._options.plans, (plan_id,), (plan_id,))
        if not plan:
            raise subscription.wrong("plan_id", f"{plan_id} is no name of a plan; name it in the option plans")
        said = subscription.optional_integer("mrr") if self._options.mrr == "chargebee" else None
        mrr = mrr_of_subscription(subscription, event.integer("occurred_at")) if said is None else said
        if mrr < 0:
            raise subscription.wrong("mrr", "must be an integer from 0")
        on_trial = subscription.text("status") == "in_trial" or _is_trial_that_ends(subscription)
        trial = {"trial": True} if on_trial else {}
        return {"plan": plan, "mrr_minor": mrr, "currency": subscription.text("currency_code"), **trial}


def _has_not_started(subscription: Node) -> bool:
    """Tell whether a subscription was to start later, and has not."""
    return subscription.get("started_at") is None and subscription.get("start_date") is not None


def _was_scheduled(subscription: Node) -> bool:
    """Tell whether the cancellation of a subscription is, or was, scheduled; immediate ones have no such time."""
    return subscription.get("cancel_schedule_created_at") is not None


def _is_to_end(subscription: Node) -> bool:
    return subscription.text("status") == "non_renewing" and _was_scheduled(subscription)


def _is_trial_that_ends(subscription: Node) -> bool:
    """Tell whether a subscription that will not renew, or has ended, is or was on trial to its end."""
    if subscription.text("status") not in ("non_renewing", "cancelled"):
        return False
    return subscription.get("trial_end") is not None and subscription.get("activated_at") is None


def _as_an_event(listed: Node) -> Node:
    """Return an entry of a list in the form of an event, as of the last change of its subscription."""
    subscription = listed.object("subscription")
    at = subscription.get("updated_at") or subscription.get("created_at")
    members = {"id": f"{subscription.text('id')}:listed", "occurred_at": at, "content": listed.members}
    return Node(members, listed.path)


def _identity(event: Node, subscription: Node) -> Members:
    occurred_ms = event.integer("occurred_at") * 1000
    return {
        "id": event.text("id"),
        "source": NAME,
        "customer_id": subscription.text("customer_id"),
        "subscription_id": subscription.text("id"),
        "sequence": subscription.optional_integer("resource_version") or occurred_ms,
    }


def _scheduled(event: Node, subscription: Node) -> Members:
    """Return the identity of a scheduled cancellation; of two such events the later version counts."""
    return {**_identity(event, subscription), "id": f"{subscription.text('id')}:scheduled"}


def _cancel_ahead(event: Node, subscription: Node) -> Members:
    ends = subscription.optional_epoch("cancelled_at") or subscription.optional_epoch("current_term_end")
    return {
        **_scheduled(event, subscription),
        "type": "cancel",
        "time": event.epoch("occurred_at"),
        "effective_at": ends or subscription.epoch("trial_end"),
        **_why(subscription),
    }


def _ended(event: Node, subscription: Node) -> Members:
    at = subscription.optional_epoch("cancelled_at") or event.epoch("occurred_at")
    return {"time": at, **_why(subscription)}


def _why(subscription: Node) -> Members:
    """Return the reason of a cancel: the merchant's code, or what made Chargebee cancel, which nobody chose."""
    automatic = subscription.optional_text("cancel_reason")
    reason = subscription.optional_text("cancel_reason_code") or automatic
    return {**described({"reason": reason}), **({"involuntary": True} if automatic else {})}


def _renewal(event: Node, subscription: Node, outcome: str, sequence: int) -> Members:
    """Return how a term began; a failed payment outdoes the renewal, and its recovery both."""
    started = subscription.epoch("current_term_start")
    return {
        "id": f"{subscription.text('id')}:renewal:{started}",
        "source": NAME,
        "customer_id": _identity(event, subscription)["customer_id"],
        "type": "renewal",
        "time": started,
        "sequence": sequence,
        "outcome": outcome,
    }
