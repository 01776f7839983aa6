"""Records of Stripe for tests: no more of each than an adapter reads."""

import json
from collections.abc import Mapping
from typing import Any, Final

from schemas.adapters.adapter import Members
from schemas.adapters.registry import adapter_of

#: 2026-01-05T09:00:00Z, and the instants at which the first two terms of a month end.
START_S: Final = 1_767_603_600
TERM_S: Final = START_S + 31 * 86_400
NEXT_TERM_S: Final = TERM_S + 28 * 86_400
DAY_S: Final = 86_400


def price(**changes: Any) -> dict[str, Any]:
    """Return a price of 49.00 USD a month."""
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    return {
        "id": "price_1", "object": "price", "billing_scheme": "per_unit", "currency": "usd", "product": "prod_1",
        "nickname": None, "lookup_key": None, "recurring": recurring, "unit_amount": 4900,
        "unit_amount_decimal": "4900", **changes,
    }  # fmt: skip


def item(priced: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return an item, in its first term."""
    term = {"current_period_start": START_S, "current_period_end": TERM_S}
    return {"object": "subscription_item", "price": priced or price(), "quantity": 1, **term, **changes}


def subscription(*items: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an active subscription."""
    return {
        "id": "sub_1", "object": "subscription", "status": "active", "customer": "cus_1", "currency": "usd",
        "created": START_S, "start_date": START_S, "livemode": True, "metadata": {}, "discounts": [],
        "items": {"object": "list", "data": list(items) or [item()], "has_more": False},
        "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None, "ended_at": None,
        "pause_collection": None, "trial_start": None, "trial_end": None, **changes,
    }  # fmt: skip


def event(
    kind: str, found: Mapping[str, Any], previous: Mapping[str, Any] | None = None, created: int = START_S
) -> dict[str, Any]:
    """Return a webhook event about an object."""
    data = {"object": found} if previous is None else {"object": found, "previous_attributes": previous}
    return {"id": "evt_1", "object": "event", "type": kind, "created": created, "livemode": True, "data": data}


def updated(found: Mapping[str, Any], previous: Mapping[str, Any] | None, created: int = START_S) -> dict[str, Any]:
    """Return the webhook event of a subscription that was updated."""
    return event("customer.subscription.updated", found, previous, created)


def said(record: Any, **options: Any) -> list[Members]:
    """Return the events of a record that is understood."""
    outcome = adapter_of("stripe", options).translate(json.dumps(record).encode())
    assert outcome.refusal is None
    return list(outcome.events)


def refused(record: Any, **options: Any) -> str:
    """Return why a record is refused."""
    outcome = adapter_of("stripe", options).translate(json.dumps(record).encode())
    assert outcome.refusal is not None
    assert outcome.events == ()
    return f"{outcome.refusal.reason} {outcome.refusal.detail}"


def ignored(record: Any, **options: Any) -> str:
    """Return the kind of a record that says nothing that is counted."""
    outcome = adapter_of("stripe", options).translate(json.dumps(record).encode())
    assert outcome.refusal is None
    assert outcome.events == ()
    return outcome.ignored


def mrr_of(record: Mapping[str, Any], **options: Any) -> int:
    """Return the MRR with which a subscription begins."""
    mrr_minor = said(event("customer.subscription.created", record), **options)[0]["mrr_minor"]
    assert isinstance(mrr_minor, int)
    return mrr_minor
