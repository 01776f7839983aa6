"""Records as events or refusals, by hand: members, prices, times, mending, and what becomes of every record.

Definitions: the contract, events, prices and dead letters; section 1 (event time, identity).
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.recount.customers import read
from tests.recount.decoding import decode
from tests.recount.events import Event as Decoded
from tests.recount.instants import day_start_ms, instant_ms, read_instant_ms
from tests.recount.mending import mended_slug, mended_way
from tests.recount.options import DEFAULTS, Options
from tests.recount.prices import monthly_minor, rate_at
from tests.recount.records import Record, lines_of, record_of
from tests.recount.refusals import Reason, RefusedError
from tests.recount.short_events import (
    Event,
    activity,
    cancel,
    change,
    counted,
    fates_of,
    onboarding,
    pause,
    renewal,
    resume,
    revoke,
    signup,
    survey,
)

DAY = "2026-01-09"
VALID: dict[str, Event] = {
    "signup": signup("a", DAY),
    "upgrade": change("a", DAY),
    "downgrade": change("a", DAY, type="downgrade"),
    "cancel": cancel("a", DAY),
    "pause": pause("a", DAY),
    "resume": resume("a", DAY),
    "revoke": revoke("a", DAY, "x"),
    "survey": survey("a", DAY, score=9),
    "renewal": renewal("a", DAY, "renewed"),
    "onboarding": onboarding("a", DAY),
    "activity": activity("a", DAY),
}
JANUARY_MS = instant_ms(datetime(2026, 1, 1, tzinfo=UTC))


def decoded(members: Event, options: Options = DEFAULTS) -> Decoded:
    """Return the event that the members are."""
    return decode(record_of(members), options)


def reason_for(sent: Record | bytes | Event, options: Options = DEFAULTS) -> Reason | None:
    """Return the reason for which a record is refused; None when it is an event."""
    try:
        decode(record_of(sent), options)
    except RefusedError as refused:
        return refused.reason
    return None


def test_the_example_of_each_type_is_an_event() -> None:
    """The refused records below are made from these; they must be refused for nothing else."""
    assert {kind: reason_for(members) for kind, members in VALID.items()} == dict.fromkeys(VALID)


# Reasons.


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b" ",
        b"null",
        b"[]",
        b"7",
        b"{",
        b'{"type":"signup",}',
        b"{} x",
        b'{"type":NaN}',
        b'{"id":"\xff"}',
        b'{"id":"\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_malformed(value: bytes | None) -> None:
    """An empty value is what a producer's tombstone looks like; half of a surrogate pair is no character."""
    assert reason_for(Record(value=value, topic="customer.signup")) is Reason.MALFORMED_JSON


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, name) for kind in VALID for name in ("id", "type", "customer_id", "time")),
        ("signup", "plan"),
        ("signup", "mrr_minor"),
        ("upgrade", "plan"),
        ("downgrade", "mrr_minor"),
        ("revoke", "revokes"),
        ("survey", "kind"),
        ("survey", "score"),
        ("renewal", "outcome"),
    ],
)
def test_a_required_member_that_is_absent_or_null_is_missing(kind: str, name: str) -> None:
    """Null is absence: producers that write all members write it for those that they do not have."""
    assert reason_for(VALID[kind] | {name: None}) is Reason.MISSING_MEMBER
    assert reason_for({each: value for each, value in VALID[kind].items() if each != name}) is Reason.MISSING_MEMBER


@pytest.mark.parametrize(
    "event_type", ["", "login", "Signup", "change", "com.example.signup", "Contact", "marks", 7, ["signup"]]
)
def test_a_type_that_is_none_of_the_known_ones_is_unknown(event_type: object) -> None:
    """Also one that is no text; its members are not looked at, but for those that every event has."""
    assert reason_for(VALID["signup"] | {"type": event_type, "plan": 7}) is Reason.UNKNOWN_TYPE


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("signup", "id", ""),
        ("signup", "id", "x" * 257),
        ("signup", "id", 10**256),
        ("signup", "id", 1.0),
        ("signup", "id", True),
        ("signup", "source", 7),
        ("signup", "customer_id", ""),
        ("signup", "customer_id", "x" * 129),
        ("signup", "time", "2026-01-09"),
        ("signup", "time", "2026-01-09T10:00:00"),
        ("signup", "time", 1_767_607_200),
        ("signup", "sequence", "1"),
        ("signup", "sequence", 1.5),
        ("signup", "sequence", True),
        ("signup", "test", "true"),
        ("signup", "plan", ""),
        ("signup", "plan", "x" * 65),
        ("signup", "plan", "none"),
        ("signup", "plan", "other"),
        ("signup", "plan", 7),
        ("signup", "mrr_minor", -1),
        ("signup", "mrr_minor", 10**12 + 1),
        ("signup", "mrr_minor", 49.0),
        ("signup", "mrr_minor", "4900"),
        ("signup", "currency", "EURO"),
        ("signup", "currency", "€€€"),
        ("signup", "trial", 1),
        ("upgrade", "trial", "yes"),
        ("signup", "subscription_id", "x" * 129),
        ("pause", "subscription_id", ["A"]),
        ("resume", "effective_at", "tomorrow"),
        ("cancel", "involuntary", "no"),
        ("revoke", "revokes", ""),
        ("revoke", "revokes", 1.5),
        ("survey", "kind", "ces"),
        ("survey", "status", "opened"),
        ("survey", "score", 11),
        ("survey", "score", -1),
        ("survey", "score", "9"),
        ("survey", "score", True),
        ("renewal", "outcome", "Renewed"),
        ("onboarding", "completed", 1),
    ],
)
def test_a_member_that_decides_a_number_is_strict(kind: str, name: str, value: object) -> None:
    """Guessed, it would be a wrong number that nobody hears of."""
    assert reason_for(VALID[kind] | {name: value}) is Reason.INVALID_MEMBER


def test_a_score_is_judged_by_its_kind_and_whatever_the_status() -> None:
    """CSAT goes from 1 to 5, and a score that nobody needs must be one all the same."""
    assert reason_for(survey("a", DAY, "csat", 0)) is Reason.INVALID_MEMBER
    assert reason_for(survey("a", DAY, "csat", 6)) is Reason.INVALID_MEMBER
    assert reason_for(survey("a", DAY, "nps", 12, status="sent")) is Reason.INVALID_MEMBER
    assert reason_for(survey("a", DAY, "nps", status="sent")) is None


def test_members_of_other_types_are_ignored() -> None:
    """An event may carry more than is read; `effective_at` belongs to lifecycle events alone."""
    assert reason_for(activity("a", DAY, plan=7, mrr_minor=-1, score="x", note={"a": [1]})) is None
    late = decoded(renewal("a", DAY, "renewed") | {"effective_at": "2027-01-01T00:00:00Z", "subscription_id": 1.5})
    assert late.at_ms == late.time_ms


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("signup", "time", "1999-12-31T23:59:59.9999999Z"),
        ("signup", "time", "2000-01-01T05:29:59.999+05:30"),
        ("activity", "time", "0000-01-01T00:00:00Z"),
        ("renewal", "time", "2100-01-01T00:00:00Z"),
        ("signup", "time", "2099-12-31T23:59:60Z"),
        ("cancel", "effective_at", "1999-12-31T23:59:59.999Z"),
        ("pause", "effective_at", "2105-01-02T00:00:00Z"),
    ],
)
def test_a_time_out_of_range_is_refused(kind: str, name: str, value: object) -> None:
    """One wrong clock must not move the numbers into another century."""
    assert reason_for(VALID[kind] | {name: value}) is Reason.TIME_OUT_OF_RANGE


def test_times_at_the_bounds_are_in_range() -> None:
    """The first instant of 2000, the last one of 2099, and 1,827 days beyond it for what is scheduled."""
    for time in ("2000-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z"):
        assert reason_for(activity("a", time)) is None
    assert reason_for(cancel("a", DAY, effective_at="2105-01-01T23:59:59.999Z")) is None


def test_a_time_may_lie_no_more_than_an_hour_beyond_the_timestamp_of_the_record() -> None:
    """What is scheduled may lie 1,827 days further; a line of a file has no timestamp to lie beyond."""

    def at(members: Event, tolerance_ms: int = 3_600_000) -> Reason | None:
        value = json.dumps(members).encode()
        record = Record(value=value, topic="customer.events", timestamp_ms=JANUARY_MS)
        return reason_for(record, Options(future_tolerance_ms=tolerance_ms))

    assert at(activity("a", "2026-01-01T01:00:00Z")) is None
    assert at(activity("a", "2026-01-01T01:00:00.001Z")) is Reason.TIME_OUT_OF_RANGE
    assert at(activity("a", "2026-01-01T01:00:00.001Z"), 3_600_001) is None
    assert at(cancel("a", "2026-01-01", effective_at="2031-01-02T01:00:00Z")) is None
    assert at(cancel("a", "2026-01-01", effective_at="2031-01-02T01:00:00.001Z")) is Reason.TIME_OUT_OF_RANGE
    assert reason_for(activity("a", "2026-01-01T01:00:00.001Z")) is None


def test_the_first_reason_that_applies_is_the_one_that_counts() -> None:
    """Each record here has the faults of all that follow it, so that the order shows."""
    options = Options(max_record_bytes=200)
    faults: Event = {"type": "upgrade", "customer_id": "a", "time": "1990-01-01T00:00:00Z", "currency": "EUR"}
    whole: Event = faults | {"id": "x", "plan": "none", "mrr_minor": 1}
    assert reason_for(b"{" + b" " * 200, options) is Reason.OVERSIZED
    assert reason_for(b"{" + b" " * 199, options) is Reason.MALFORMED_JSON
    assert reason_for(faults | {"type": "login"}) is Reason.MISSING_MEMBER
    assert reason_for(faults | {"type": "login", "id": ""}) is Reason.UNKNOWN_TYPE
    assert reason_for(whole | {"mrr_minor": None, "amount_minor": 1}) is Reason.MISSING_MEMBER
    assert reason_for(whole) is Reason.INVALID_MEMBER
    assert reason_for(whole | {"plan": "pro"}) is Reason.TIME_OUT_OF_RANGE
    assert reason_for(whole | {"plan": "pro", "time": "2026-01-09T00:00:00Z"}) is Reason.CURRENCY_MISMATCH
    twice = [VALID["pause"], VALID["upgrade"] | {"currency": "EUR"}, VALID["signup"], VALID["upgrade"]]
    assert fates_of(twice, Options(max_facts=2))["dead_letters.currency_mismatch"] == 1


# Times and ids.


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05t10:00:00z", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05 10:00:00+00", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05T10:00:00+0130", "2026-01-05T08:30:00.000Z"),
        ("2026-01-05 10:00:00.123956+05:30", "2026-01-05T04:30:00.123Z"),
        ("2026-01-05T10:00:00-00:00", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05T10:00:00.1-0800", "2026-01-05T18:00:00.100Z"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00.000Z"),
        ("2026-12-31T23:59:60.999Z", "2027-01-01T00:00:00.000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
    ],
)
def test_forms_of_one_instant_are_that_instant(text: str, same: str) -> None:
    """Billing systems and databases write the same instant in several forms."""
    assert read_instant_ms(text) == instant_ms(datetime.fromisoformat(same))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-05",
        "2026-01-05T10:00Z",
        "2026-01-05T10:00:00",
        "2026-01-05T10:00:00.Z",
        "2026-01-05T10:00:00,5Z",
        "2026-01-05  10:00:00Z",
        "2026-01-05T10:00:00 Z",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-01-05T24:00:00Z",
        "2026-01-05T10:00:61Z",
        "2026-01-05T10:00:00+24:00",
        "2026-01-05T10:00:00+1",
        "2026-01-05T10:00:00+01:60",
        "٢٠٢٦-01-05T10:00:00Z",
        "1767607200",
    ],
)
def test_what_names_no_instant_is_none(text: str) -> None:
    """A time without an offset is an instant nowhere."""
    assert read_instant_ms(text) is None


def test_ids_that_are_integers_are_their_decimal_text() -> None:
    """Databases number customers; 17 and "17" are one."""
    log = [signup(17, "2025-12-10", id=1, subscription_id=5), cancel("17", DAY, subscription_id="5", id=2)]  # type: ignore[arg-type]
    assert counted(log)["cancellations"] == 1
    assert counted([*log, revoke("17", DAY, 2)])["customers_active"] == 1
    assert fates_of([signup("a", DAY, id=1), signup("a", DAY, id="1")])["duplicate"] == 1


def test_source_is_by_default_the_topic_of_the_type_wherever_the_record_lies() -> None:
    """A producer with one topic and one with several send the same event, which counts once."""
    mixed = Record(value=json.dumps(VALID["pause"]).encode(), topic="customer.events", key=b"other")
    assert decode(mixed, DEFAULTS).source == "customer.upgrade"
    named = VALID["pause"] | {"source": "customer.upgrade"}
    assert fates_of([mixed, named]) == {"applied": 1, "duplicate": 1}


# Prices.


@pytest.mark.parametrize(
    ("price", "mrr_minor"),
    [
        ({"amount_minor": 10_000, "interval": "year"}, 833),
        ({"amount_minor": 1_000, "interval": "month", "quantity": 3}, 3_000),
        ({"amount_minor": 1_000, "interval": "month", "interval_count": 3, "quantity": 2}, 667),
        ({"amount_minor": 84, "interval": "week"}, 365),
        ({"amount_minor": 12, "interval": "day"}, 365),
        ({"amount_minor": 30, "interval": "year"}, 2),
        ({"amount_minor": 42, "interval": "year"}, 4),
        ({"amount_minor": 0, "interval": "day"}, 0),
        ({"amount_minor": 5, "interval": "month", "quantity": 0}, 0),
        ({"amount_minor": 12 * 10**12, "interval": "year"}, 10**12),
        ({"amount_minor": 10**400, "interval": "year", "interval_count": 10**399}, 1),
    ],
)
def test_an_amount_and_its_interval_are_an_mrr_rounded_half_to_even(price: Event, mrr_minor: int) -> None:
    """Exactly: 30 a year is 2.5 a month and becomes 2, 42 is 3.5 and becomes 4."""
    assert decoded(VALID["signup"] | {"mrr_minor": None} | price).mrr_minor == mrr_minor


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ({"mrr_minor": 1, "amount_minor": 1, "interval": "month"}, Reason.INVALID_MEMBER),
        ({"mrr_minor": 1, "quantity": 1}, Reason.INVALID_MEMBER),
        ({"mrr_minor": 1, "interval": "month"}, Reason.INVALID_MEMBER),
        ({"mrr_minor": 1, "amount_minor": 1}, Reason.MISSING_MEMBER),
        ({"amount_minor": 1}, Reason.MISSING_MEMBER),
        ({"interval": "month"}, Reason.MISSING_MEMBER),
        ({"amount_minor": 1, "interval": "quarter"}, Reason.INVALID_MEMBER),
        ({"amount_minor": 1, "interval": "month", "interval_count": 0}, Reason.INVALID_MEMBER),
        ({"amount_minor": 1, "interval": "month", "quantity": -1}, Reason.INVALID_MEMBER),
        ({"amount_minor": 10**12 + 1, "interval": "month"}, Reason.INVALID_MEMBER),
        ({"mrr_minor": 1, "amount_minor": None, "quantity": None}, None),
    ],
)
def test_a_price_is_given_in_one_of_two_ways(price: Event, reason: Reason | None) -> None:
    """Two that differ would leave open which of them holds."""
    assert reason_for(VALID["upgrade"] | {"mrr_minor": None} | price) is reason


def test_a_price_is_rounded_in_its_currency_and_once_more_in_the_default_one() -> None:
    """10,000 a year are 833 a month before they are converted; the case of the currency does not matter."""
    options = Options(currency_rates={"EUR": "1.5"})
    price: Event = {"mrr_minor": None, "amount_minor": 10_000, "interval": "year", "currency": "eur"}
    found = decoded(VALID["signup"] | price, options)
    assert (found.price_minor, found.currency, found.mrr_minor) == (833, "EUR", 1_250)
    assert reason_for(VALID["signup"] | {"currency": "gbp"}, options) is Reason.CURRENCY_MISMATCH
    assert decoded(VALID["signup"] | {"currency": "usd"}).mrr_minor == 4_900
    assert monthly_minor(amount_minor=7, interval="month", interval_count=2, quantity=1) == 4


def test_a_rate_holds_from_the_first_instant_of_its_day_in_the_business_time_zone() -> None:
    """The event time decides, which is that of the effective instant of what is scheduled."""
    options = Options(business_time_zone="America/New_York", currency_rates={"EUR": "1", "EUR@2026-01-09": "2"})
    before = change("a", "2026-01-09T04:59:59.999Z", currency="EUR", mrr_minor=10)
    after = change("a", "2026-01-09T05:00:00Z", currency="EUR", mrr_minor=10)
    scheduled = before | {"effective_at": "2026-01-10T00:00:00Z"}
    assert [decoded(each, options).mrr_minor for each in (before, after, scheduled)] == [10, 20, 20]
    dated = Options(currency_rates={"EUR@2026-01-10": "2", "EUR@2026-01-09": "3"})
    assert (
        reason_for(VALID["signup"] | {"currency": "EUR", "time": "2026-01-08T23:59:59Z"}, dated)
        is Reason.CURRENCY_MISMATCH
    )
    assert decoded(VALID["signup"] | {"currency": "EUR"}, dated).mrr_minor == 3 * 4_900


def test_a_day_that_begins_at_one_o_clock_begins_there() -> None:
    """Where clocks go forward at midnight, the day's first instant is that of the change."""
    zone = ZoneInfo("America/Sao_Paulo")
    begin_ms = day_start_ms(date(2018, 11, 4), zone)
    assert begin_ms == instant_ms(datetime(2018, 11, 4, 3, tzinfo=UTC))
    assert rate_at({"EUR@2018-11-04": "2"}, "EUR", begin_ms - 1, zone) is None
    assert rate_at({"EUR@2018-11-04": "2"}, "EUR", begin_ms, zone) == 2


# Mending.


@pytest.mark.parametrize(
    ("sent", "slug"),
    [
        ("too_expensive", "too_expensive"),
        ("__a__b__", "__a__b__"),
        ("Too expensive", "too_expensive"),
        ("  Price / value!  ", "price_value"),
        ("Größe", "gr_e"),
        ("a - b", "a_-_b"),
        ("_A_", "a"),
        ("x" * 65, "x" * 64),
        ("x" * 63 + " y", "x" * 63),
        ("", None),
        ("!?", None),
        (7, None),
        (["price"], None),
    ],
)
def test_what_is_no_slug_is_made_one(sent: object, slug: str | None) -> None:
    """What is one stays as it is; what nothing is left of counts as absent."""
    assert mended_slug(sent) == slug


@pytest.mark.parametrize(
    ("sent", "way"),
    [
        ("in_app", "in_app"),
        ("EMAIL", "email"),
        ("In app", "in_app"),
        ("sms", "other"),
        ("other", "other"),
        ("", None),
        (1, None),
    ],
)
def test_a_way_that_is_none_of_the_three_is_other(sent: object, way: str | None) -> None:
    """Made a slug first; what cannot be made one counts as absent, which is `in_app`."""
    assert mended_way(sent) == way


def test_what_only_describes_an_event_never_costs_it() -> None:
    """The cancel of whoever typed a reason is a cancel."""
    log = [signup("a", "2025-12-10"), cancel("a", DAY, reason={"code": 7})]
    assert counted(log)["cancellations"] == 1
    assert decoded(log[1]).reason == "unspecified"


@pytest.mark.parametrize(
    ("name", "sent", "kept", "is_counted"),
    [
        ("country", "pt", "PT", True),
        ("country", "UK", "UK", False),
        ("country", None, "", False),
        ("country", "None", "NONE", True),
        ("country", "none", "", True),
        ("country", "ß" * 64, "SS" * 64, True),
        ("country", 7, "", True),
        ("channel", "", "", True),
        ("channel", "other", "", True),
        ("channel", "x" * 65, "", True),
        ("channel", "Ads", "Ads", False),
        ("size", "none", "", True),
        ("size", "small", "small", False),
        ("size", ["small"], "", True),
    ],
)
def test_a_value_of_a_dimension_is_kept_or_absent(name: str, sent: object, kept: str, is_counted: bool) -> None:
    """A country is put in capitals last of all, so that neither length nor reserved words are looked at again."""
    options = Options(dimensions=("size",))
    found = decoded(VALID["signup"] | {name: sent}, options)
    assert dict(zip(options.segment_members, found.segment_values, strict=True))[name] == kept
    assert found.mended == ({name} if is_counted else set())


def test_mended_members_are_counted_in_records() -> None:
    """A duplicate is mended too; a test and a dead letter are not, for they count nowhere else."""
    options = Options(dimensions=("size",))
    log = [
        signup("a", DAY, country="pt", size=""),
        signup("a", DAY, country="pt", size=""),
        cancel("a", DAY, reason="Too expensive"),
        cancel("a", DAY, id="2", reason="Too expensive", test=True),
        cancel("a", "1990-01-01", reason="Too expensive"),
        survey("a", DAY, score=9, via="other", reason="fine"),
        activity("a", DAY, feature="Export!"),
        activity("a", DAY, feature="export", country="pt"),
    ]
    mended = {name: count for name, count in fates_of(log, options).items() if name.startswith("mended")}
    assert mended == {"mended.country": 2, "mended.size": 2, "mended.reason": 1, "mended.via": 1, "mended.feature": 1}


# Fates of records.


def test_applied_duplicate_test_and_dead_letters_add_up_to_all_records() -> None:
    """Activity and onboarding have no identity: each is applied."""
    log: list[Event | bytes] = [VALID["signup"], VALID["signup"], VALID["signup"] | {"note": 1}, VALID["activity"]]
    log += [
        VALID["activity"],
        VALID["onboarding"] | {"id": VALID["signup"]["id"]},
        VALID["cancel"] | {"test": True},
        b"",
    ]
    assert fates_of(log) == {"applied": 4, "duplicate": 2, "test": 1, "dead_letters.malformed_json": 1}


def test_conflicts_are_contents_of_an_identity_beyond_the_first() -> None:
    """Sequence and every known member are content; forms of one price, and what is not read, are not."""
    yearly: Event = {"mrr_minor": None, "amount_minor": 58_800, "interval": "year"}
    same = [
        VALID["upgrade"],
        VALID["upgrade"] | yearly,
        VALID["upgrade"] | {"type": "downgrade", "sequence": 0, "note": 1},
    ]
    assert fates_of(same) == {"applied": 1, "duplicate": 2}
    others = [
        VALID["upgrade"] | each
        for each in ({"sequence": 1}, {"mrr_minor": 1}, {"trial": True}, {"subscription_id": "A"})
    ]
    assert fates_of([*same, *others, *others]) == {"applied": 1, "duplicate": 10, "conflict": 4}
    scheduled = VALID["upgrade"] | {"effective_at": VALID["upgrade"]["time"]}
    assert fates_of([VALID["upgrade"], scheduled]) == {"applied": 1, "duplicate": 1}


def test_a_customer_has_so_many_facts_and_no_more() -> None:
    """A repetition of one that is known, an activity and another customer's event go on being applied."""
    log = [signup("a", DAY), pause("a", DAY), resume("a", DAY), signup("a", DAY), activity("a", DAY), signup("b", DAY)]
    assert fates_of(log, Options(max_facts=2)) == {"applied": 4, "duplicate": 1, "dead_letters.too_many_facts": 1}


def test_lines_of_white_space_are_no_records() -> None:
    """A file that ends with an empty line has no dead letter for it."""
    assert lines_of(b'{"a":1}\r\n\n  \n{"b":2}\n') == [b'{"a":1}\r', b'{"b":2}']


# CloudEvents.


def binary(attributes: dict[str, str], data: Event) -> Record:
    """Return a CloudEvent in binary mode."""
    headers = tuple((f"ce_{name}", value.encode()) for name, value in attributes.items())
    return Record(value=json.dumps(data).encode(), topic="customer.events", headers=headers)


def structured(envelope: Mapping[str, object]) -> Record:
    """Return a CloudEvent in structured mode."""
    headers = (("Content-Type", b"application/cloudevents+json; charset=utf-8"),)
    return Record(value=json.dumps(envelope).encode(), topic="customer.events", headers=headers)


ATTRIBUTES = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/billing",
    "type": "com.example.billing.signup",
    "time": "2026-01-09T00:00:00Z",
    "subject": "a",
}
DATA: Event = {"plan": "pro", "mrr_minor": 4_900}


def test_a_cloudevent_says_in_each_mode_what_a_plain_event_says() -> None:
    """One known by the envelope's id and source, whose type is the last part of a dotted name."""
    plain = {"id": "e1", "source": "/billing", "type": "signup", "time": ATTRIBUTES["time"], "customer_id": "a"} | DATA
    packed = base64.b64encode(json.dumps(DATA).encode()).decode()
    line = json.dumps(ATTRIBUTES | {"data": DATA}).encode()
    forms = [
        binary(ATTRIBUTES, DATA),
        structured(ATTRIBUTES | {"data": DATA}),
        structured(ATTRIBUTES | {"data_base64": packed}),
        record_of(line),
    ]
    assert [decode(form, DEFAULTS) for form in forms] == [decoded(plain)] * 4
    assert reason_for(Record(value=line, topic="customer.events")) is Reason.MISSING_MEMBER


def test_data_of_a_cloudevent_names_the_customer_but_not_what_the_envelope_says() -> None:
    """The subject may be a subscription; id, source and time are the envelope's alone."""
    data: Event = DATA | {
        "customer_id": "b",
        "id": "other",
        "source": "other",
        "time": "2026-02-09T00:00:00Z",
        "type": "cancel",
    }
    found = decode(binary(ATTRIBUTES, data), DEFAULTS)
    assert (found.customer_id, found.id, found.source, found.kind) == ("b", "e1", "/billing", "signup")


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("specversion", "0.3", Reason.INVALID_MEMBER),
        ("specversion", None, Reason.MISSING_MEMBER),
        ("source", None, Reason.MISSING_MEMBER),
        ("time", None, Reason.MISSING_MEMBER),
        ("subject", None, Reason.MISSING_MEMBER),
        ("type", "com.example.login", Reason.UNKNOWN_TYPE),
    ],
)
def test_an_envelope_with_a_fault_is_refused(attribute: str, value: str | None, reason: Reason) -> None:
    """It is judged like a plain event, in both modes; `time` is required here."""
    faulty = {name: each for name, each in (ATTRIBUTES | {attribute: value}).items() if each is not None}
    assert reason_for(binary(faulty, DATA)) is reason
    assert reason_for(structured(faulty | {"data": DATA})) is reason


def test_data_that_is_no_object_is_malformed() -> None:
    """Nothing can be read from it; headers of tracing alone make no CloudEvent."""
    assert reason_for(structured(ATTRIBUTES | {"data": "plan"})) is Reason.MALFORMED_JSON
    assert reason_for(structured(ATTRIBUTES | {"data_base64": "é"})) is Reason.MALFORMED_JSON
    traced = Record(value=json.dumps(VALID["signup"]).encode(), topic="t", headers=(("traceparent", b"00"),))
    assert read([traced], DEFAULTS).fates.applied == 1
