"""Calls of Segment beyond the golden ones: whose they are, when they were, and which option is wrong."""

from typing import Any

import msgspec
import pytest

from schemas.adapters.adapter import OptionsFault, Translation
from schemas.adapters.registry import adapter_of

CALL = {
    "type": "track",
    "messageId": "m",
    "userId": "anna",
    "event": "Subscription Started",
    "properties": {"plan": "pro", "mrr": 49.5},
    "timestamp": "2026-01-05T09:00:00Z",
}


def translated(call: dict[str, Any], **options: Any) -> Translation:
    """Return what a call comes to."""
    return adapter_of("segment", options).translate(msgspec.json.encode(call))


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("userId", {"userId": "g"}),
        ("groupId", {"groupId": "g"}),
        ("groupId", {"context": {"groupId": "g"}}),
        ("properties.account_id", {"properties": {"plan": "pro", "mrr": 49.5, "account_id": "g"}}),
        ("context.traits.account", {"context": {"traits": {"account": "g"}}}),
    ],
)
def test_customer_is_whoever_the_option_says(path: str, call: dict[str, Any]) -> None:
    """Who pays is a person in one company and a team in another."""
    (event,) = translated({**CALL, **call}, customer=path).events
    assert event["customer_id"] == "g"


def test_time_is_the_one_that_is_put_right_and_else_what_was_sent() -> None:
    """A phone's clock may be wrong by years; Segment corrects it in `timestamp`."""
    times = {"timestamp": "2026-01-05T09:00:00Z", "originalTimestamp": "2031-01-05T09:00:00Z"}
    assert translated({**CALL, **times}).events[0]["time"] == "2026-01-05T09:00:00Z"
    assert translated({**CALL, **times, "timestamp": None}).events[0]["time"] == "2031-01-05T09:00:00Z"


def test_names_of_events_are_compared_without_case_and_separators() -> None:
    """`subscription_started` of the server and `Subscription Started` of the browser are one event."""
    for name in ("subscription_started", "SubscriptionStarted", "Subscription  started"):
        assert translated({**CALL, "event": name}).events[0]["type"] == "signup"


def test_currency_in_a_price_counts_and_a_sign_of_several_needs_a_currency() -> None:
    """A price of 49 EUR without a property `currency` is none of 49 USD."""
    properties = {"plan": "pro", "price": "49 EUR", "interval": "month"}
    (event,) = translated({**CALL, "properties": properties}).events
    assert (event["amount_minor"], event["currency"]) == (4900, "EUR")
    refusal = translated({**CALL, "properties": {**properties, "price": "$49"}}).refusal
    assert refusal is not None
    assert refusal.detail.startswith("segment: properties.price: has the sign $, which several currencies have; send")


@pytest.mark.parametrize(
    "call",
    [
        {"timestamp": "05/01/2026"},
        {"timestamp": 45967},
        {"properties": {"plan": "pro", "mrr": "49,00"}},
        {"properties": {"plan": "pro", "mrr": "1.249"}},
        {"properties": {"plan": "pro", "mrr": "$49"}},
    ],
    ids=str,
)
def test_advice_names_no_option_that_there_is_not(call: dict[str, Any]) -> None:
    """Who follows advice and is told that there is no such option does not know what to do next."""
    refusal = translated({**CALL, **call}).refusal
    assert refusal is not None
    for option in ("date_format", "decimal_comma", "day_numbers", "defaults"):
        assert option not in refusal.detail


def test_signup_that_brought_revenue_and_has_no_price_is_not_taken_for_a_free_one() -> None:
    """Revenue is what came in with the event, a discounted first month or a year; who paid is not on a free plan."""
    paid = {**CALL, "properties": {"plan": "pro", "revenue": 49}}
    refusal = translated(paid).refusal
    assert refusal is not None
    assert refusal.detail.startswith("segment: properties.revenue: is no price: there is none")
    meant = {"type": "signup", "amount": "properties.revenue", "interval": "month"}
    (event,) = translated(paid, events={"Subscription Started": meant}).events
    assert (event["amount_minor"], event["interval"]) == (4900, "month")
    (free,) = translated({**CALL, "properties": {"revenue": 0.0}}).events
    assert (free["plan"], free["mrr_minor"]) == ("free", 0)


def test_usual_names_and_activity_can_be_switched_off() -> None:
    """A company whose `Signed Up` means something else lists its own events and nothing else."""
    assert translated(CALL, usual_events=False).events[0]["type"] == "activity"
    assert translated(CALL, usual_events=False, activity=[]).ignored == "track Subscription Started"


def test_amounts_are_in_major_units_unless_the_option_or_the_name_says_otherwise() -> None:
    """Segment's own events have revenue in dollars; a property `price_cents` says what it is."""
    call = {**CALL, "properties": {"plan": "pro", "mrr": 49}}
    assert translated(call).events[0]["mrr_minor"] == 4900
    assert translated(call, money="minor").events[0]["mrr_minor"] == 49
    named = {**CALL, "properties": {"plan": "pro", "mrr_cents": 4900}}
    assert translated(named).events[0]["mrr_minor"] == 4900


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"events": {"X": {"type": "sign_up"}}}, "events.X.type: sign_up is none of .*did you mean signup"),
        ({"events": {"X": {}}}, "events.X.type: None is none of signup"),
        ({"events": {"X": {"type": "signup", "plam": "pro"}}}, "X.plam: there is no such member; did you mean plan"),
        ({"activity": ["click"]}, "Invalid enum value 'click'"),
        ({"time_zone": "Nowhere"}, "time_zone Nowhere: there is no such time zone"),
        ({"customers": "userId"}, "customers: there is no such option; did you mean customer"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_option_of_segment_is_named(options: dict[str, Any], said: str) -> None:
    """A list of events is the longest thing that anybody has to write, and gets misspelt."""
    with pytest.raises(OptionsFault, match=said):
        adapter_of("segment", options)


@pytest.mark.parametrize("name", ["ends_at", "end_date", "cancel_at"])
def test_end_of_a_term_moves_a_cancel_and_nothing_else(name: str) -> None:
    """A signup that says when its first term ends would begin with its second one."""
    call = {**CALL, "properties": {**CALL["properties"], name: "2026-02-05T09:00:00Z"}}  # type: ignore[dict-item]
    assert "effective_at" not in translated(call).events[0]
    cancel = translated({**call, "event": "Subscription Cancelled"}).events[0]
    assert cancel["effective_at"] == "2026-02-05T09:00:00Z"


def test_effective_at_moves_whatever_says_it() -> None:
    """That name has one meaning."""
    call = {**CALL, "properties": {"plan": "pro", "mrr": 49.5, "effective_at": "2026-02-05T09:00:00Z"}}
    assert translated(call).events[0]["effective_at"] == "2026-02-05T09:00:00Z"


def test_amount_of_less_than_a_cent_each_is_multiplied_before_it_is_rounded() -> None:
    """A tenth of a cent for each of ten thousand is ten dollars, as it is in a table."""
    call = {**CALL, "properties": {"plan": "pro", "amount": "0.001", "quantity": 10_000, "interval": "month"}}
    event = translated(call).events[0]
    assert (event["amount_minor"], event.get("quantity", 1)) == (1000, 1)


def test_batch_of_which_no_call_says_anything_is_ignored_by_the_kind_of_the_first() -> None:
    """Beside others such a call is passed over."""
    identify = {**CALL, "type": "identify"}
    assert translated({"batch": [identify, {**CALL, "userId": None}]}).ignored == "identify"
    assert len(translated({"batch": [identify, CALL]}).events) == 1


def test_free_plan_of_segment_must_be_a_name_of_a_plan() -> None:
    """It is the plan of every signup without a price."""
    with pytest.raises(OptionsFault, match=r"\[segment\] free_plan: must be 1–64 characters, and not none or other"):
        adapter_of("segment", {"free_plan": "none"})
