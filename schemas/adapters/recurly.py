"""Recurly: webhooks about subscriptions, with the subscription that they are about, and lists of its API.

Recurly's JSON webhooks name a subscription and say nothing of it. The adapter reads them with the subscription as the
API returns it, in the member `subscription`, and refuses them without. It also reads the older notifications
(`new_subscription_notification` and others), which hold the subscription, as XML or as JSON of the same members.
A cancellation is one event of the subscription, `<subscription>:end`, of which the latest state counts: cancelled, it
ends when its time has come; reactivated, it stays what it is; expired, it has ended, and for good.
Source: Recurly documentation, "Overview: Webhooks" and "Subscription notifications"; docs/adapters/recurly.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from schemas.adapters.accounts import (
    AccountOptions,
    check_account,
    dimensions_of,
    listed_sequence,
    of_account,
    plan_of,
)
from schemas.adapters.adapter import Adapter, Members, OptionsFault, Translation
from schemas.adapters.describing import described
from schemas.adapters.instants import instant, moment, optional_instant, sequence_of
from schemas.adapters.options import read_options
from schemas.adapters.reading import IgnoredRecord, Node, SourceFault, each_of, translated
from schemas.adapters.recurly_prices import Cycle, mrr_of_subscription
from schemas.adapters.recurly_xml import json_of
from schemas.refusals import Reason

NAME: Final = "recurly"

#: Older notifications about subscriptions, by the event type that JSON webhooks have for the same.
_OLDER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "new_subscription_notification": "created",
        "updated_subscription_notification": "updated",
        "canceled_subscription_notification": "canceled",
        "reactivated_account_notification": "reactivated",
        "expired_subscription_notification": "expired",
        "renewed_subscription_notification": "renewed",
        "subscription_paused_notification": "paused",
        "subscription_resumed_notification": "resumed",
        "scheduled_subscription_pause_notification": "pause.scheduled",
        "subscription_pause_modified_notification": "pause.modified",
        "subscription_pause_canceled_notification": "pause.canceled",
        "paused_subscription_renewal_notification": "renewal.skipped",
        "scheduled_subscription_update_notification": "pending_change.scheduled",
    }
)
_NEEDED: Final = (
    "is required: Recurly's JSON webhooks name a subscription and say nothing of it;"
    " add it as GET /subscriptions/uuid-{uuid} of Recurly's API returns it"
)
_NOT_PAID: Final = "nonpayment"
#: States of subscriptions; one that failed was never paid, and never a customer's.
_FAILED: Final = "failed"
_STATES: Final = ("active", "canceled", "expired", _FAILED, "future", "paused")


class RecurlyOptions(AccountOptions, frozen=True, kw_only=True):
    """Options: what differs between two sites.

    Attributes:
        intervals: How often plans are billed, by plan code; of others it is worked out of the current billing period.
        currency: Of the older notifications, which say none; the setting default_currency where it is empty.
    """

    intervals: dict[str, Cycle] = msgspec.field(default_factory=dict)
    currency: str = ""


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    read = read_options(NAME, options, RecurlyOptions)
    check_account(NAME, read)
    if any(cycle.interval_count < 1 for cycle in read.intervals.values()):
        raise OptionsFault(f"[{NAME}] intervals: interval_count must be from 1")
    return Recurly(read)


class Recurly:
    """Translates Recurly's webhooks.

    Args:
        options: Of the site.
    """

    name = NAME

    def __init__(self, options: RecurlyOptions) -> None:
        self._options = options
        self._read: Mapping[str, Callable[[Node, Node], Iterable[Members]]] = MappingProxyType(
            {
                "created": self._created,
                "updated": self._updated,
                "renewed": self._renewed,
                "canceled": self._canceled,
                "reactivated": self._reactivated,
                "expired": self._expired,
                "paused": self._paused,
                "resumed": self._resumed,
            }
        )

    def translate(self, value: bytes) -> Translation:
        """Return what a record says; see `schemas.adapters.adapter.Adapter`."""
        return translated(self.name, json_of(value), self._events)

    def _events(self, record: Node) -> Iterator[Members]:
        if record.get("object") == "list":
            yield from each_of(record.objects("data"), self._events_of_one)
            return
        yield from self._events_of_one(record)

    def _events_of_one(self, record: Node) -> Iterator[Members]:
        if record.get("object") == "subscription":
            listed = Node({"subscription": record.members})
            yield from of_account(self._options, listed, self._listed(listed, listed.object("subscription")))
            return
        kind, notification = _notification(record)
        read = self._read.get(kind)
        if read is None:
            if kind in _OLDER.values():
                raise IgnoredRecord(kind)
            raise SourceFault(Reason.UNKNOWN_TYPE, "event_type", f"subscription {kind} is not known here")
        subscription = notification.optional_object("subscription")
        if subscription is None:
            raise record.missing("subscription", _NEEDED.format(uuid=record.optional_text("uuid") or "{uuid}"))
        yield from of_account(self._options, notification, read(notification, subscription))

    def _listed(self, notification: Node, subscription: Node) -> Iterator[Members]:
        """Yield what a subscription of the API says of its past; a webhook about its beginning knows better."""
        state, trial_ends = subscription.text("state"), optional_instant(subscription, "trial_ends_at")
        if state not in _STATES:
            raise subscription.wrong("state", f"must be one of {', '.join(_STATES)}")
        if state == "expired" and _began_never(subscription):
            yield from self._expired(notification, subscription)
            return
        if state == "canceled" and _began_never(subscription):
            # It will have expired before it begins: the next list, or a webhook, takes its signup back then.
            raise IgnoredRecord("subscription, canceled before it begins")
        listed = {"sequence": listed_sequence(sequence_of(optional_instant(subscription, "updated_at")))}
        (signup,) = self._created(notification, subscription)
        yield {**signup, **listed}
        if trial_ends and moment(instant(subscription, "current_period_started_at")) >= moment(trial_ends):
            paid = self._as_it_is(notification, subscription, trial_ends)
            yield {**paid, "id": f"{subscription.text('uuid')}:paid", **listed}
        if state == "paused":
            yield from self._paused(notification, subscription)
        if state in ("canceled", "expired"):
            yield _end(notification, subscription)

    def _created(self, notification: Node, subscription: Node) -> Iterator[Members]:
        state = subscription.text("state")
        if state == _FAILED:
            raise IgnoredRecord("subscription, failed")
        began = _began(subscription)
        time = {"time": began}
        if state == "future":
            time = {"time": _happened(notification, subscription), "effective_at": began}
        yield {
            **_identity(notification, subscription),
            "id": f"{subscription.text('uuid')}:created",
            "type": "signup",
            **time,
            **self._state(subscription, began),
            **dimensions_of(self._options, notification),
        }

    def _updated(self, notification: Node, subscription: Node) -> Iterator[Members]:
        yield self._as_it_is(notification, subscription, _happened(notification, subscription))

    def _renewed(self, notification: Node, subscription: Node) -> Iterator[Members]:
        at = instant(subscription, "current_period_started_at")
        yield {**self._as_it_is(notification, subscription, at), "id": f"{subscription.text('uuid')}:renewed:{at}"}
        yield _renewal(notification, subscription, at, "renewed", 0)

    def _canceled(self, notification: Node, subscription: Node) -> Iterator[Members]:
        yield _end(notification, subscription)

    def _reactivated(self, notification: Node, subscription: Node) -> Iterator[Members]:
        at = _happened(notification, subscription)
        yield {
            **self._as_it_is(notification, subscription, at),
            "id": f"{subscription.text('uuid')}:end",
            "sequence": sequence_of(at),
        }

    def _expired(self, notification: Node, subscription: Node) -> Iterator[Members]:
        end = _end(notification, subscription)
        if _began_never(subscription):
            uuid = subscription.text("uuid")
            revoke = {"id": f"{uuid}:never", "type": "revoke", "revokes": f"{uuid}:created"}
            yield {**_customer(notification, subscription), **revoke, "time": end["time"]}
            return
        yield end
        term_began = optional_instant(subscription, "current_period_started_at")
        if end.get("reason") == _NOT_PAID and term_began:
            yield _renewal(notification, subscription, term_began, "failed", 1)
        elif "effective_at" in end and end["effective_at"] == optional_instant(subscription, "current_period_ends_at"):
            yield _renewal(notification, subscription, end["effective_at"], "declined", 0)

    def _paused(self, notification: Node, subscription: Node) -> Iterator[Members]:
        at = instant(subscription, "paused_at")
        identity = _identity(notification, subscription)
        yield {**identity, "id": f"{subscription.text('uuid')}:paused:{at}", "type": "pause", "time": at}

    def _resumed(self, notification: Node, subscription: Node) -> Iterator[Members]:
        at = optional_instant(notification, "event_time") or instant(subscription, "current_period_started_at")
        identity = _identity(notification, subscription)
        yield {**identity, "id": f"{subscription.text('uuid')}:resumed:{at}", "type": "resume", "time": at}

    def _as_it_is(self, notification: Node, subscription: Node, at: str) -> Members:
        return {
            **_identity(notification, subscription),
            "id": f"{subscription.text('uuid')}:updated:{at}",
            "type": "upgrade",
            "time": at,
            **self._state(subscription, at),
        }

    def _state(self, subscription: Node, at: str) -> Members:
        """Return plan, price and trial of a subscription as it is."""
        plan = subscription.object("plan")
        code = plan.optional_text("code") or plan.text("plan_code")
        name = plan_of(self._options.plans, (code,), (code,))
        if not name:
            raise plan.wrong("code", "is no name of a plan; name it in the option plans")
        trial_ends = optional_instant(subscription, "trial_ends_at")
        on_trial = bool(trial_ends) and moment(at) < moment(trial_ends)
        currency = subscription.optional_text("currency") or self._options.currency
        return {
            "plan": name,
            "mrr_minor": mrr_of_subscription(subscription, self._options.intervals.get(code)),
            **({"currency": currency} if currency else {}),
            **({"trial": True} if on_trial else {}),
        }


def _notification(record: Node) -> tuple[str, Node]:
    """Return the type of a webhook and the object that holds its subscription, with the time that it says.

    Raises:
        IgnoredRecord: It is about something else than a subscription.
    """
    older = next((name for name in record.members if name.endswith("_notification")), None)
    if older is None:
        kind = record.text("object_type")
        if kind != "subscription":
            raise IgnoredRecord(f"{kind} {record.optional_text('event_type')}".rstrip())
        return record.text("event_type"), record
    if older not in _OLDER:
        raise IgnoredRecord(older)
    said = record.object(older)
    return _OLDER[older], Node({"event_time": record.get("event_time"), **said.members}, said.path)


def _customer(notification: Node, subscription: Node) -> Members:
    """Return whose a webhook is: the account's code, which the merchant gave it."""
    account = subscription.optional_object("account") or notification.object("account")
    return {"source": NAME, "customer_id": account.optional_text("code") or account.text("account_code")}


def _identity(notification: Node, subscription: Node) -> Members:
    return {**_customer(notification, subscription), "subscription_id": subscription.text("uuid")}


def _began(subscription: Node) -> str:
    return optional_instant(subscription, "activated_at") or instant(subscription, "current_period_started_at")


def _began_never(subscription: Node) -> bool:
    """Tell whether a subscription ended before it was to begin: its signup is taken back."""
    began = optional_instant(subscription, "activated_at") or optional_instant(
        subscription, "current_period_started_at"
    )
    return bool(began) and moment(began) > moment(instant(subscription, "expires_at"))


def _happened(notification: Node, subscription: Node) -> str:
    """Return when a webhook's event happened; the older notifications of changes do not say it."""
    found = optional_instant(notification, "event_time") or optional_instant(subscription, "updated_at")
    if not found:
        raise notification.missing(
            "event_time",
            "is required: the older notifications do not say when a change took effect; add it, or use JSON webhooks",
        )
    return found


def _end(notification: Node, subscription: Node) -> Members:
    """Return the end of a subscription, scheduled or come: both say the same, so that one repeats the other."""
    ends = instant(subscription, "expires_at")
    decided = optional_instant(subscription, "canceled_at") or ends
    reason = _reason(subscription)
    ahead = {"effective_at": ends} if moment(decided) < moment(ends) else {}
    return {
        **_identity(notification, subscription),
        "id": f"{subscription.text('uuid')}:end",
        "sequence": sequence_of(decided),
        "type": "cancel",
        "time": decided if ahead else ends,
        **ahead,
        **reason,
    }


def _reason(subscription: Node) -> Members:
    """Return why a subscription expired; that its customer cancelled it is no reason, and goes without saying."""
    said = subscription.optional_text("expiration_reason").lower().replace("-", "").replace(" ", "_")
    if said in ("", "canceled"):
        return {}
    if said.startswith(_NOT_PAID):
        return {"reason": _NOT_PAID, "involuntary": True}
    return {**described({"reason": said}), **({"involuntary": True} if said.startswith("tax_") else {})}


def _renewal(notification: Node, subscription: Node, at: str, outcome: str, sequence: int) -> Members:
    return {
        **_customer(notification, subscription),
        "id": f"{subscription.text('uuid')}:renewal:{at}",
        "type": "renewal",
        "time": at,
        "sequence": sequence,
        "outcome": outcome,
    }
