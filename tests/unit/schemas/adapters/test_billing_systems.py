"""Adapters of billing systems: options, prices, and what order, repetition and silence of their webhooks come to."""

import json
import re
import tomllib
from typing import Any

import msgspec
import pytest

from schemas.adapters.accounts import AccountOptions
from schemas.adapters.adapter import Members, OptionsFault
from schemas.adapters.chargebee import ChargebeeOptions
from schemas.adapters.paddle import PaddleOptions
from schemas.adapters.recurly import RecurlyOptions
from schemas.adapters.registry import adapter_of
from tests.tidy.repository import ROOT
from tests.unit.schemas.adapters.golden import golden_files

OPTIONS: dict[str, type[AccountOptions]] = {
    "chargebee": ChargebeeOptions,
    "paddle": PaddleOptions,
    "recurly": RecurlyOptions,
}
SOURCES = tuple(OPTIONS)


def page_of(source: str) -> str:
    """Return the page about a source."""
    return (ROOT / "docs" / "adapters" / f"{source}.md").read_text(encoding="utf-8")


def records_of(name: str) -> list[dict[str, Any]]:
    """Return the records of a golden file that are JSON, by its folder and name."""
    (file,) = (file for file in golden_files(*SOURCES) if file.name == name)
    return [json.loads(value) for value in file.values if value.startswith(b"{")]


def events_of(source: str, record: object, options: dict[str, Any] | None = None) -> tuple[Members, ...]:
    """Return the events of a record that must be understood."""
    found = adapter_of(source, options or {}).translate(json.dumps(record).encode())
    assert found.refusal is None
    return found.events


def detail_of(source: str, record: object, options: dict[str, Any] | None = None) -> str:
    """Return why a record is refused."""
    found = adapter_of(source, options or {}).translate(json.dumps(record).encode())
    assert found.refusal is not None
    return found.refusal.detail


@pytest.mark.parametrize("source", SOURCES)
def test_page_lists_the_options_that_there_are(source: str) -> None:
    """An option that is in no page is set by nobody; one that is in no struct is refused."""
    table = page_of(source).split("\n## Options\n")[1].split("\n\n")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(listed) == sorted(field.encode_name for field in msgspec.structs.fields(OPTIONS[source]))


@pytest.mark.parametrize("source", SOURCES)
def test_options_of_the_page_are_accepted(source: str) -> None:
    """They are copied before they are read."""
    block = page_of(source).split("<<'END'\n")[1].split("\nEND")[0]
    assert adapter_of(source, tomllib.loads(block)[source]).name == source


@pytest.mark.parametrize("source", SOURCES)
def test_page_names_what_becomes_of_each_golden_record(source: str) -> None:
    """A table that leaves a record out sends its reader to the code."""
    page = page_of(source)
    records = records_of(f"{source}/company")
    kinds = {each["event_type"] for each in records if each.get("object_type", "subscription") == "subscription"}
    about = {kind for kind in kinds if not kind.startswith("customer")}
    assert [kind for kind in sorted(about) if f"`{kind}`" not in page] == []


@pytest.mark.parametrize("source", SOURCES)
def test_unknown_option_and_impossible_names_are_refused_with_their_place(source: str) -> None:
    """Options are typed by hand, and a stream must not start on wrong ones."""
    with pytest.raises(OptionsFault, match=rf"\[{source}\] plan: there is no such option; did you mean plans"):
        adapter_of(source, {"plan": {}})
    with pytest.raises(
        OptionsFault, match=rf"\[{source}\] plans.a: must be 1–64 characters, and not none or other, got 'none'"
    ):
        adapter_of(source, {"plans": {"a": "none"}})
    with pytest.raises(
        OptionsFault, match=rf"\[{source}\] dimensions.plan: is a member of events; name country, channel or"
    ):
        adapter_of(source, {"dimensions": {"plan": "data.plan"}})


@pytest.mark.parametrize("source", SOURCES)
def test_test_account_marks_all_that_it_says(source: str) -> None:
    """Its customers would be counted as customers."""
    adapter = adapter_of(source, {"test": True})
    found = [adapter.translate(json.dumps(record).encode()).events for record in records_of(f"{source}/company")]
    assert {event["test"] for events in found for event in events} == {True}


IDS = {
    "chargebee": "content.subscription.billing_period_unit",
    "paddle": "data.collection_mode",
    "recurly": "subscription.collection_method",
}


@pytest.mark.parametrize("source", SOURCES)
def test_customers_have_the_id_that_the_options_name_or_the_record_is_refused(source: str) -> None:
    """Revenue of one id and use of another would be two customers; a record without it must not make a third one."""
    record = records_of(f"{source}/company")[1]
    assert {event["customer_id"] for event in events_of(source, record, {"customer": IDS[source]})} <= {
        "automatic",
        "month",
    }
    detail = detail_of(source, record, {"customer": "data.nobody"})
    assert detail.endswith("data.nobody: is required, for the option customer names it")


def paddle(status: str = "active", **members: Any) -> dict[str, Any]:
    """Return an update of a subscription of Paddle, with members of it that differ."""
    record = records_of("paddle/shapes")[2]
    return {**record, "event_type": "subscription.updated", "data": {**record["data"], "status": status, **members}}


def test_schedule_of_paddle_is_what_the_latest_webhook_says_of_it() -> None:
    """Scheduled, withdrawn and scheduled anew in one term: a revoke could be said once, and never be taken back."""
    ahead = {"action": "cancel", "effective_at": "2026-04-01T00:00:00Z"}
    told = [
        events_of("paddle", paddle(updated_at=f"2026-03-0{day}T00:00:00Z", scheduled_change=change))[-1]
        for day, change in ((5, ahead), (6, None), (7, ahead))
    ]
    assert {event["id"] for event in told} == {"sub_01kgeve000000000000000001:scheduled"}
    assert [event["type"] for event in told] == ["cancel", "upgrade", "cancel"]
    assert sorted(event["sequence"] for event in told) == [event["sequence"] for event in told]


def test_paddle_tells_no_schedule_where_the_options_say_so() -> None:
    """Who wants no corrections waits until it is carried out."""
    ahead = {"action": "cancel", "effective_at": "2026-04-01T00:00:00Z"}
    events = events_of("paddle", paddle(scheduled_change=ahead), {"scheduled": False})
    assert [event["type"] for event in events] == ["upgrade"]


def test_both_webhooks_of_one_pause_or_end_of_paddle_say_the_same_event() -> None:
    """The second one would be without effect, and be reported as a producer's fault."""
    pause = {"paused_at": "2026-03-05T08:00:00Z", "scheduled_change": None}
    updated, paused = paddle("paused", **pause), {**paddle("paused", **pause), "event_type": "subscription.paused"}
    assert [event for event in events_of("paddle", updated) if event["type"] == "pause"] == [
        event for event in events_of("paddle", paused) if event["type"] == "pause"
    ]
    end = {"canceled_at": "2026-03-05T08:00:00Z", "scheduled_change": None}
    updated, ended = paddle("canceled", **end), {**paddle("canceled", **end), "event_type": "subscription.canceled"}
    assert events_of("paddle", updated) == events_of("paddle", ended)


def test_wrong_members_of_paddle_are_named_with_what_they_must_be() -> None:
    """A dead letter is read by somebody who has never seen the adapter."""
    assert detail_of("paddle", paddle("dreaming")).endswith(
        "data.status: must be canceled or one of active, past_due, trialing, paused, got dreaming"
    )
    assert detail_of("paddle", paddle(scheduled_change={"action": "explode"})).endswith(
        "data.scheduled_change.action: must be one of cancel, pause, resume, got explode"
    )
    item = paddle()["data"]["items"][0]
    for wrong, said in (
        ({"quantity": -1}, "items[0].quantity: must be an integer from 0, got -1"),
        (
            {"price": {**item["price"], "billing_cycle": {"interval": "era", "frequency": 1}}},
            "must be one of day, week, month, year, got era",
        ),
        (
            {"price": {**item["price"], "billing_cycle": {"interval": "day", "frequency": 0}}},
            "frequency: must be an integer from 1, got 0",
        ),
        (
            {"price": {**item["price"], "unit_price": {"amount": "-1", "currency_code": "USD"}}},
            "unit_price.amount: must be a number from 0 and no larger than any price, got -1",
        ),
        (
            {"price": {**item["price"], "id": "x" * 70, "name": None, "product_id": None}, "product": None},
            "is no name of a plan; name it in the option plans, got " + "x" * 48 + "…",
        ),
    ):
        assert detail_of("paddle", paddle(items=[{**item, **wrong}])).endswith(said)


def test_price_of_paddle_with_two_amounts_in_a_currency_counts_in_its_own() -> None:
    """Which of the two a customer pays depends on the country, which no webhook says."""
    item = paddle()["data"]["items"][0]
    two = [
        {"country_codes": [code], "unit_price": {"amount": amount, "currency_code": "EUR"}}
        for code, amount in (("DE", "1"), ("FR", "2"))
    ]
    priced = {**item, "price": {**item["price"], "unit_price_overrides": two}}
    event = events_of("paddle", paddle(items=[priced], currency_code="EUR"))[0]
    assert (event["currency"], event["mrr_minor"]) == ("USD", 9000)


def chargebee(kind: str = "subscription_changed", **members: Any) -> dict[str, Any]:
    """Return an event of Chargebee, with members of its subscription that differ."""
    record = records_of("chargebee/company")[1]
    subscription = {**record["content"]["subscription"], **members}
    return {**record, "event_type": kind, "content": {"subscription": subscription}}


def test_discounts_of_chargebee_are_taken_off_while_they_last_and_never_more_than_there_is() -> None:
    """MRR without its discounts is higher than what anybody pays."""
    forever = {"duration_type": "forever", "included_in_mrr": True}
    for discounts, mrr in (
        ([{**forever, "type": "percentage", "percentage": 12.5}], 35000),
        ([{**forever, "type": "fixed_amount", "amount": 100}], 39900),
        ([{**forever, "type": "fixed_amount", "amount": 10**9}], 0),
        ([{**forever, "type": "fixed_amount", "amount": 10**9, "item_price_id": "pro-USD-monthly"}], 10000),
        ([{**forever, "type": "percentage", "percentage": 50, "item_price_id": "gone"}], 40000),
        ([{**forever, "type": "percentage", "percentage": 50, "included_in_mrr": False}], 40000),
        ([{**forever, "type": "percentage", "percentage": 50, "duration_type": "one_time"}], 40000),
        ([{**forever, "type": "offer_quantity", "quantity": 1}], 40000),
    ):
        assert events_of("chargebee", chargebee(discounts=discounts))[0]["mrr_minor"] == mrr
    detail = detail_of("chargebee", chargebee(discounts=[{**forever, "type": "percentage", "percentage": 101}]))
    assert detail.endswith("content.subscription.discounts[0].percentage: must be a number from 0 to 100, got 101")


def test_mrr_of_chargebee_is_its_own_where_the_options_say_so() -> None:
    """It knows of coupons, which no event has."""
    assert events_of("chargebee", chargebee("mrr_updated", mrr=7), {"mrr": "chargebee"})[0]["mrr_minor"] == 7
    assert detail_of("chargebee", chargebee(mrr=-1), {"mrr": "chargebee"}).endswith(
        "mrr: must be an integer from 0, got -1"
    )
    assert events_of("chargebee", chargebee("mrr_updated", mrr=7)) == ()


def test_subscription_of_chargebee_that_is_not_open_is_neither_changed_nor_deleted() -> None:
    """An event without effect looks like a producer's fault."""
    for kind in ("subscription_changed", "subscription_deleted"):
        assert events_of("chargebee", chargebee(kind, status="cancelled")) == ()


def test_wrong_members_of_chargebee_are_named_with_what_they_must_be() -> None:
    """A dead letter is read by somebody who has never seen the adapter."""
    item = {"item_price_id": "pro", "item_type": "plan", "amount": -1}
    assert detail_of("chargebee", chargebee(subscription_items=[item])).endswith(
        "subscription_items[0].amount: must be an amount from 0, in minor units, got -1"
    )
    assert detail_of("chargebee", chargebee(billing_period=0)).endswith(
        "billing_period: must be an integer from 1, got 0"
    )
    named = [{"item_price_id": "x" * 70, "item_type": "plan", "amount": 1}]
    assert "is no name of a plan; name it in the option plans" in detail_of(
        "chargebee", chargebee(subscription_items=named)
    )


def recurly(event: str = "updated", **members: Any) -> dict[str, Any]:
    """Return a webhook of Recurly, with members of its subscription that differ."""
    record = records_of("recurly/company")[1]
    return {**record, "event_type": event, "subscription": {**record["subscription"], **members}}


@pytest.mark.parametrize(
    ("started", "ends", "mrr_minor"),
    [
        ("2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z", 40000),
        ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", 40000),
        ("2026-01-15T00:00:00Z", "2026-04-15T00:00:00Z", 13333),
        ("2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z", 3333),
        ("2026-01-15T00:00:00Z", "2028-01-15T00:00:00Z", 1667),
        ("2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z", 173810),
    ],
    ids=["last_days", "change_of_the_clock", "quarter", "leap_year", "two_years", "week"],
)  # fmt: skip
def test_interval_of_recurly_is_that_of_the_period_where_no_option_says_it(
    started: str, ends: str, mrr_minor: int
) -> None:
    """No record says how often a plan is billed."""
    period = {"current_period_started_at": started, "current_period_ends_at": ends}
    assert events_of("recurly", recurly(**period))[0]["mrr_minor"] == mrr_minor


def test_interval_of_an_option_goes_before_the_period_of_recurly() -> None:
    """Four weeks of February are a month, by their dates."""
    intervals = {"pro": {"interval": "week", "interval_count": 4}}
    assert events_of("recurly", recurly(), {"intervals": intervals})[0]["mrr_minor"] == 43452
    with pytest.raises(OptionsFault, match=r"\[recurly\] intervals: interval_count must be from 1"):
        adapter_of("recurly", {"intervals": {"pro": {"interval": "week", "interval_count": 0}}})


def test_wrong_members_of_recurly_are_named_with_what_they_must_be() -> None:
    """A dead letter is read by somebody who has never seen the adapter."""
    for wrong, said in (
        ({"subtotal": -1}, "subscription.subtotal: must be a number from 0 and no larger than any price, got -1"),
        ({"subtotal": None, "unit_amount": None}, "subscription.unit_amount: is required"),
        ({"total_amount_in_cents": -1}, "total_amount_in_cents: must be an amount from 0, got -1"),
        (
            {"current_period_ends_at": "2026-01-05T09:00:01Z"},
            "must lie after current_period_started_at, got 2026-01-05T09:00:01Z",
        ),
        (
            {"plan": {"code": "other"}},
            "subscription.plan.code: is no name of a plan; name it in the option plans, got other",
        ),
        ({"current_period_started_at": "yesterday"}, "such as 2026-03-01T09:30:00Z, got yesterday"),
    ):
        assert detail_of("recurly", recurly(**wrong)).endswith(said)


def test_xml_of_recurly_says_what_json_of_the_same_members_says() -> None:
    """The older notifications are sent as XML, and kept as either."""
    file = next(file for file in golden_files("recurly") if file.name == "recurly/shapes")
    xml = next(value for value in file.values if b"<canceled_subscription_notification>" in value)
    found = file.adapter.translate(xml)
    members = {
        "account": {"account_code": "1"},
        "subscription": {
            "plan": {"plan_code": "seasonal"}, "uuid": "dccd742f4710e78515714d275839f891", "state": "canceled",
            "canceled_at": "2026-03-05T22:05:43Z", "expires_at": "2026-05-05T22:05:03Z",
        },
    }  # fmt: skip
    assert found == file.adapter.translate(json.dumps({"canceled_subscription_notification": members}).encode())
    assert file.adapter.translate(b"\n" + xml) == found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_declaration_in_xml_of_recurly_is_not_read_in_any_encoding(encoding: str) -> None:
    """Ten nested entities are a billion texts; in UTF-16 the bytes of a declaration look otherwise."""
    text = '<!DOCTYPE a [<!ENTITY b "new">]><new_subscription_notification><x>&b;</x></new_subscription_notification>'
    found = adapter_of("recurly").translate(text.encode(encoding))
    assert found.refusal is not None
    assert found.refusal.detail.startswith("recurly: the record is not JSON")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-05T09:00:00.000000Z", "2026-03-05T09:00:00Z"),
        ("2026-03-05 11:00:00+02", "2026-03-05T09:00:00Z"),
        ("2026-03-05T09:00:00.1234567z", "2026-03-05T09:00:00.123456Z"),
        ("2026-03-05T08:59:60Z", "2026-03-05T09:00:00Z"),
    ],
)
def test_instant_is_read_as_that_of_an_event_and_has_one_form(written: str, read: str) -> None:
    """Ids are made of instants: two forms of one would be two pauses."""
    (pause,) = events_of("recurly", recurly("paused", paused_at=written))
    assert (pause["time"], pause["id"].rpartition("paused:")[2]) == (read, read)


@pytest.mark.parametrize("written", ["2026-W10-4T09:00:00Z", "20260305T090000Z", "2026-03-05T09:00:00", "2026-03-05"])
def test_instant_that_no_event_may_have_is_refused_with_its_member(written: str) -> None:
    """Sent on as it is, it would be refused further on, where nobody knows which member it came from."""
    detail = detail_of("recurly", recurly("paused", paused_at=written))
    assert detail.startswith("recurly: subscription.paused_at: must be a date and time with Z or an offset")


def test_instant_beyond_the_years_of_events_is_refused() -> None:
    """A year such as 9999 has no day after it."""
    detail = detail_of("recurly", recurly("paused", paused_at="9999-12-31T23:59:59Z"))
    assert detail == "recurly: subscription.paused_at: must lie from 2000 to 2099, and is 9999-12-31T23:59:59Z"
