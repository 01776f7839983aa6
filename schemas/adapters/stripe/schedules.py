"""Schedules of Stripe: the changes of plan or price that its later phases bring.

A phase is foreseen where its prices are there in full, as in an export that expands them. Where they are not, the
update of the subscription that Stripe sends when the phase begins says the same, then.
Source: Stripe API reference, *The Subscription Schedule object*; Stripe documentation, *Subscription schedules*.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from schemas.adapters.adapter import Members
from schemas.adapters.reading import Node, epoch_text
from schemas.adapters.stripe.discounts import discounts_of
from schemas.adapters.stripe.options import StripeOptions
from schemas.adapters.stripe.subscription import (
    FORESEEN_S,
    common_members,
    customer_id_of,
    earlier,
    seconds_of,
)
from schemas.adapters.stripe.terms import terms_of

PREFIX: Final = "subscription_schedule."
_RUNNING: Final = ("active", "not_started")
#: After these a schedule decides nothing any more.
_DROPPED: Final = ("released", "canceled", "aborted")


class Planned(NamedTuple):
    """A phase that is to come: its event, and when it takes effect (s since 1970)."""

    event: Members
    start_s: int


def schedule_events(event: Node, options: StripeOptions) -> Iterator[Members]:
    """Yield what a webhook event about a schedule says.

    Args:
        event: Of a type that begins with `PREFIX`.
        options: Of the account.

    Raises:
        SourceFault: A member is missing or wrong.
    """
    kind = event.text("type").removeprefix(PREFIX)
    data = event.object("data")
    schedule, at_s = data.object("object"), seconds_of(event, "created")
    if at_s is None:
        raise event.missing("created")
    before: Mapping[str, Planned] = {}
    if kind in _DROPPED:
        before = _planned(Node({**schedule.members, "status": "active"}, schedule.path), at_s, options)
    elif kind == "updated" and (previous := data.optional_object("previous_attributes")):
        before = _planned(Node(earlier(schedule.members, previous.members), schedule.path), at_s, options)
    elif kind not in ("created", "updated"):
        return
    now = {} if kind in _DROPPED else _planned(schedule, at_s, options)
    for event_id, phase in before.items():
        if event_id not in now:
            revoke_id = f"{event.text('id')}:revoke:{phase.start_s}"
            yield {**_common(schedule, "revoke", revoke_id, at_s, options), "revokes": event_id}
    yield from (phase.event for event_id, phase in now.items() if event_id not in before)


def listed_schedule(schedule: Node, options: StripeOptions) -> Iterator[Members]:
    """Yield what a schedule says that was exported.

    Raises:
        SourceFault: A member is missing or wrong.
    """
    current = schedule.optional_object("current_phase")
    from_s = seconds_of(current, "start_date") if current else None
    yield from (phase.event for phase in _planned(schedule, from_s or 0, options).values())


def _planned(schedule: Node, after_s: int, options: StripeOptions) -> dict[str, Planned]:
    """Return the phases that begin after an instant and whose prices are there in full, by the id of their event."""
    subscription_id = _subscription_of(schedule)
    if not subscription_id or schedule.optional_text("status") not in _RUNNING:
        return {}
    made_s = seconds_of(schedule, "created") or 0
    found = {}
    for phase in schedule.objects("phases"):
        start_s = seconds_of(phase, "start_date")
        items = phase.objects("items")
        is_full = bool(items) and all(isinstance(item.get("price"), dict) for item in items)
        if is_full and start_s is not None and after_s < start_s <= made_s + FORESEEN_S:
            terms = terms_of(items, discounts_of(phase), phase.optional_text("currency"), start_s, options)
            trial_end_s = seconds_of(phase, "trial_end")
            terms = terms._replace(trial=trial_end_s is not None and trial_end_s > start_s)
            event_id = f"{schedule.text('id')}:{start_s}:{terms.mrr_minor}:{terms.plan}"
            members = {**terms.members(), "subscription_id": subscription_id, "effective_at": epoch_text(start_s)}
            common = _common(schedule, "upgrade", event_id, made_s, options)
            found[event_id] = Planned({**common, **members}, start_s)
    return found


def _subscription_of(schedule: Node) -> str:
    """Return the id of the subscription that a schedule is of; empty where there is none yet."""
    for name in ("subscription", "released_subscription"):
        if isinstance(schedule.get(name), dict):
            return schedule.object(name).text("id")
        if schedule.optional_text(name):
            return schedule.text(name)
    return ""


def _common(schedule: Node, kind: str, event_id: str, at_s: int, options: StripeOptions) -> Members:
    own = schedule.optional_object("metadata")
    customer_id = customer_id_of(schedule, (own,) if own else (), options)
    return common_members(schedule, kind, event_id, at_s, customer_id, options)
