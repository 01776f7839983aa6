"""What records of Stripe say of a subscription's life, beyond the stories of the golden files."""

from typing import Any

import pytest

from tests.unit.schemas.adapters.stripe.records import (
    DAY_S,
    NEXT_TERM_S,
    START_S,
    TERM_S,
    event,
    ignored,
    item,
    price,
    refused,
    said,
    subscription,
    updated,
)


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Return the types of events."""
    return [each["type"] for each in events]


def test_update_that_changes_nothing_that_counts_is_ignored_under_its_type() -> None:
    """Stripe sends one at each term; each would be a fact more of each customer."""
    later = item(current_period_start=TERM_S, current_period_end=NEXT_TERM_S)
    renewed = updated(
        subscription(later, latest_invoice="in_2"), {"items": {"data": [item()]}, "latest_invoice": "in_1"}
    )
    assert ignored(renewed) == "customer.subscription.updated"
    assert (
        ignored(updated(subscription(metadata={"a": "b"}), {"metadata": {"a": None}}))
        == "customer.subscription.updated"
    )
    assert ignored(updated(subscription(status="past_due"), {"status": "active"})) == "customer.subscription.updated"
    assert ignored(updated(subscription(), {})) == "customer.subscription.updated"


def test_update_that_does_not_say_what_it_changed_says_all() -> None:
    """Some archives keep the objects alone; plan and price hold again, and a scheduled end is the same event again."""
    found = said(updated(subscription(cancel_at=TERM_S, canceled_at=START_S), None))
    assert kinds(found) == ["upgrade", "cancel"]


def test_type_of_a_change_follows_the_price_as_far_as_it_is_known() -> None:
    """Either type counts alike; the name helps who reads the topic."""
    cheaper = subscription(item(price(unit_amount_decimal="100")))
    assert kinds(said(updated(cheaper, {"items": {"data": [item()]}}))) == ["downgrade"]
    assert kinds(said(updated(subscription(), {"items": {"data": [item(price(unit_amount_decimal="100"))]}}))) == [
        "upgrade"
    ]


def test_incomplete_subscription_never_was_a_customers() -> None:
    """Two of five checkouts are not paid; they are no customers, and lost ones even less."""
    for status in ("incomplete", "incomplete_expired"):
        assert ignored(event("customer.subscription.created", subscription(status=status)))
        assert ignored(updated(subscription(status=status), {"status": "incomplete"}))
        assert ignored(event("customer.subscription.deleted", subscription(status=status, ended_at=TERM_S)))
        assert ignored(subscription(status=status)) == "subscription"


def test_subscription_that_becomes_active_began_when_it_was_made() -> None:
    """The export knows no other instant; both must say the same."""
    begun = subscription(start_date=START_S - DAY_S)
    (signup,) = said(updated(begun, {"status": "incomplete"}, START_S + 60))
    (listed,) = said(begun)
    assert signup["id"] == "sub_1:created"
    assert listed["id"] == "sub_1:listed"
    assert listed.pop("sequence") < 0
    assert {**signup, "id": ""} == {**listed, "id": ""}
    assert (signup["time"], signup["effective_at"]) == ("2026-01-05T09:00:00Z", "2026-01-04T09:00:00Z")


def test_unpaid_is_an_involuntary_end_or_nothing() -> None:
    """Stripe's own MRR leaves it out; who serves on keeps it."""
    gone, back = (
        updated(subscription(status="unpaid"), {"status": "past_due"}),
        updated(subscription(), {"status": "unpaid"}),
    )
    (cancel,) = said(gone)
    assert (cancel["type"], cancel["reason"], cancel["involuntary"]) == ("cancel", "unpaid", True)
    assert kinds(said(back)) == ["signup"]
    assert ignored(gone, unpaid="keep")
    assert ignored(back, unpaid="keep")
    assert kinds(said(subscription(status="unpaid"))) == ["signup", "cancel"]
    assert kinds(said(subscription(status="unpaid"), unpaid="keep")) == ["signup"]


def test_end_that_was_scheduled_is_withdrawn_when_payment_is_given_up() -> None:
    """It would end what has ended."""
    planned = {"cancel_at": TERM_S, "canceled_at": START_S}
    assert kinds(said(updated(subscription(status="unpaid", **planned), {"status": "active"}))) == ["cancel", "revoke"]


def test_end_that_is_moved_is_withdrawn_and_scheduled_anew() -> None:
    """Of two ends the first would count."""
    moved = subscription(cancel_at=NEXT_TERM_S, canceled_at=START_S + 2)
    revoke, cancel = said(updated(moved, {"cancel_at": TERM_S, "canceled_at": START_S + 1}, START_S + 2))
    assert revoke["revokes"] == f"sub_1:cancel:{START_S + 1}:{TERM_S}:unspecified"
    assert cancel["id"] == f"sub_1:cancel:{START_S + 2}:{NEXT_TERM_S}:unspecified"
    assert cancel["effective_at"] == "2026-03-05T09:00:00Z"


def test_end_of_the_term_is_the_last_of_the_items_where_no_instant_is_said() -> None:
    """Versions before 2019 have the flag alone."""
    (cancel,) = said(updated(subscription(cancel_at_period_end=True), {"cancel_at_period_end": False}))
    assert cancel["effective_at"] == "2026-02-05T09:00:00Z"


def test_end_beyond_what_an_event_may_foresee_is_left_to_the_end() -> None:
    """An own event so far ahead would be refused; Stripe will say it when it comes."""
    far = {"cancel_at": START_S + 2_000 * DAY_S, "canceled_at": START_S}
    assert ignored(updated(subscription(**far), {"cancel_at": None, "canceled_at": None}))


def test_end_before_the_scheduled_one_takes_its_place() -> None:
    """Payment fails for good while the customer is about to leave anyway."""
    ended = subscription(
        status="canceled",
        cancel_at=TERM_S,
        cancel_at_period_end=True,
        canceled_at=START_S + 9,
        ended_at=START_S + DAY_S,
        cancellation_details={"reason": "payment_failed", "feedback": "unused"},
    )
    cancel, revoke = said(event("customer.subscription.deleted", ended))
    assert (cancel["id"], cancel["reason"], cancel["involuntary"]) == ("sub_1:ended", "payment_failed", True)
    assert cancel["time"] == "2026-01-06T09:00:00Z"
    assert revoke["revokes"].startswith(f"sub_1:cancel:{START_S + 9}:{TERM_S}")
    assert kinds(said(event("customer.subscription.deleted", {**ended, "canceled_at": START_S + DAY_S}))) == ["cancel"]


def test_export_and_webhook_say_one_end() -> None:
    """The export comes after the webhooks, and again: the same events, and so duplicates."""
    ended = subscription(
        status="canceled", canceled_at=TERM_S, ended_at=TERM_S, cancellation_details={"feedback": "unused"}
    )
    webhook, export = said(event("customer.subscription.deleted", ended, created=TERM_S + 5)), said(ended)
    assert kinds(webhook) == ["cancel", "renewal"]
    assert export[1:] == webhook
    assert said(updated(ended, {"status": "active"}, TERM_S + 5)) == webhook


def test_event_that_was_cut_down_to_what_decides_is_read() -> None:
    """Archives are made by hand, and by programs that keep the members that they knew."""
    bought = {"id": "sub_1", "customer": "cus_1", "items": {"data": [{"price": price(), "quantity": 1}]}}
    record = {"id": "evt_1", "type": "customer.subscription.created", "created": START_S, "data": {"object": bought}}
    (signup,) = said(record)
    assert (signup["time"], signup["mrr_minor"], signup.get("test")) == ("2026-01-05T09:00:00Z", 4900, None)
    ended = {"id": "sub_1", "customer": "cus_1"}
    (cancel,) = said({**record, "type": "customer.subscription.deleted", "data": {"object": ended}})
    assert (cancel["type"], cancel["time"]) == ("cancel", "2026-01-05T09:00:00Z")


def test_deleted_subscription_without_an_instant_ended_when_it_was_said() -> None:
    """Hand-written events have no `ended_at`; an export without one says no time at all."""
    (cancel,) = said(event("customer.subscription.deleted", subscription(status="canceled"), created=START_S + DAY_S))
    assert cancel["time"] == "2026-01-06T09:00:00Z"
    assert "stripe: ended_at: is required" in refused(subscription(status="canceled"))


def test_term_that_is_not_wanted_again_is_declined_but_not_a_trial() -> None:
    """Renewal is a share of all terms that ended."""
    details = {"reason": "cancellation_requested"}
    ended = {"status": "canceled", "canceled_at": START_S, "ended_at": TERM_S, "cancellation_details": details}
    assert kinds(said(event("customer.subscription.deleted", subscription(**ended)))) == ["cancel", "renewal"]
    for changes in (
        {"trial_end": TERM_S},
        {"cancellation_details": {"reason": "payment_failed"}},
        {"ended_at": TERM_S - 1},
    ):
        assert kinds(said(event("customer.subscription.deleted", subscription(**{**ended, **changes})))) == ["cancel"]


def test_behaviors_that_are_a_pause_are_chosen() -> None:
    """Who keeps drafts serves on, and will be paid."""
    paused = {"pause_collection": {"behavior": "keep_as_draft", "resumes_at": None}}
    assert kinds(said(updated(subscription(**paused), {"pause_collection": None}))) == ["pause"]
    assert ignored(updated(subscription(**paused), {"pause_collection": None}), pauses=["void"])
    assert kinds(said(event("customer.subscription.created", subscription(**paused)))) == ["signup", "pause"]
    assert kinds(said(subscription(**paused))) == ["signup", "pause"]


def test_trial_of_a_subscription_that_was_paid_before_is_a_change() -> None:
    """A trial of another plan begins in the middle."""
    tried = {"trial_start": TERM_S, "trial_end": NEXT_TERM_S}
    (change,) = said(updated(subscription(status="trialing", **tried), {"status": "active"}))
    assert (change["type"], change["trial"]) == ("upgrade", True)
    found = said(subscription(**tried))
    assert [(each["type"], each.get("trial", False)) for each in found] == [
        ("signup", False), ("upgrade", True), ("upgrade", False),
    ]  # fmt: skip


def test_customers_are_named_by_a_key_of_the_metadata_where_an_option_says_so() -> None:
    """The app's events know its own users, not Stripe's customers."""
    bought = subscription(metadata={"user_id": "u-7"})
    assert said(bought, customer_key="user_id")[0]["customer_id"] == "u-7"
    expanded = subscription(customer={"id": "cus_1", "metadata": {"user_id": "u-8"}})
    assert said(expanded, customer_key="user_id")[0]["customer_id"] == "u-8"
    assert "metadata.user_id: is required by [stripe] customer_key" in refused(subscription(), customer_key="user_id")
    details = {"subscription_details": {"metadata": {"user_id": "u-9"}}}
    paid = {
        "id": "in_1",
        "object": "invoice",
        "billing_reason": "subscription_cycle",
        "created": TERM_S,
        "customer": "cus_1",
    }
    for holder in (details, {"parent": details}):
        (renewal,) = said(event("invoice.paid", {**paid, **holder}), customer_key="user_id")
        assert renewal["customer_id"] == "u-9"


def test_dimensions_are_read_from_the_metadata_and_the_country_from_the_address() -> None:
    """Segments are those of the signup; a webhook has no address, but metadata."""
    where = {"address": {"country": "pt"}}
    bought = subscription(
        metadata={"utm": "ads"}, customer={"id": "cus_1", "metadata": {"size": "smb"}, "shipping": where}
    )
    (signup,) = said(bought, dimensions={"channel": "utm", "segment": "size"})
    assert (signup["country"], signup["channel"], signup["segment"]) == ("PT", "ads", "smb")
    (signup,) = said(
        event("customer.subscription.created", subscription(metadata={"land": "DE"})), dimensions={"country": "land"}
    )
    assert signup["country"] == "DE"


def test_test_mode_is_a_test_unless_an_option_counts_it() -> None:
    """Who tries it out has nothing but test mode."""
    bought = event("customer.subscription.created", subscription(livemode=False))
    assert said(bought)[0]["test"] is True
    assert "test" not in said(bought, count_test_mode=True)[0]
    assert "test" not in said(event("customer.subscription.created", subscription()))[0]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({}, "missing_member stripe: object: is required"),
        (
            {"id": "sub_1", "Customer ID": "cus_1", "Start (UTC)": "2026-01-05 09:00"},
            "missing_member stripe: object: is required; a table, such as the dashboard's export, is read --as table",
        ),
        ({"object": "event"}, "missing_member stripe: type: is required"),
        (event("customer.subscription.created", {}), "missing_member stripe: data.object.id: is required"),
        (updated(subscription(status="asleep"), {}), "status: is none that this version knows, got asleep"),
        (
            event("customer.subscription.created", subscription(created=-1)),
            "data.object.created: must be seconds since",
        ),
        (event("customer.subscription.created", subscription(customer=None)), "data.object.customer: is required"),
        ({**event("customer.subscription.deleted", subscription()), "created": None}, "stripe: created: is required"),
        ({"object": "list", "data": [subscription(), {"object": "subscription"}]}, "stripe: data[1].id: is required"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_record_that_is_not_understood_is_refused_with_the_member_and_its_place(record: Any, problem: str) -> None:
    """A dead letter says which member of which object of a page of a hundred."""
    assert problem in refused(record)


@pytest.mark.parametrize(
    "kind", ["charge.succeeded", "customer.subscription.trial_will_end", "customer.updated", "invoice.created"]
)
def test_other_events_are_ignored_whatever_they_hold(kind: str) -> None:
    """An endpoint that is sent everything is the rule."""
    assert ignored({"object": "event", "type": kind, "id": "evt_1"}) == kind


def test_invoices_say_a_renewal_only_between_terms_and_a_failure_only_when_it_is_final() -> None:
    """A first invoice renews nothing, and Stripe tries a card for weeks."""
    bill = {
        "id": "in_1",
        "object": "invoice",
        "billing_reason": "subscription_cycle",
        "created": TERM_S,
        "customer": "cus_1",
    }
    (failed,) = said(event("invoice.payment_failed", bill))
    (paid,) = said(event("invoice.payment_succeeded", bill))
    assert (failed["id"], failed["outcome"], paid["id"], paid["outcome"]) == (
        paid["id"],
        "failed",
        failed["id"],
        "renewed",
    )
    assert paid["sequence"] > failed.get("sequence", 0)
    assert ignored(event("invoice.payment_failed", {**bill, "next_payment_attempt": TERM_S + DAY_S}))
    assert ignored(event("invoice.paid", {**bill, "billing_reason": "subscription_create"}))
    charged = {**bill, "status": "open", "attempted": True, "collection_method": "charge_automatically"}
    assert said(charged) == [failed] == said({**bill, "status": "uncollectible"})
    assert ignored({**bill, "status": "open"}) == "invoice"
    assert said({**bill, "status": "paid"}) == [paid]
