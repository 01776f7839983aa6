"""What is an event and what is refused, by hand.

Definitions: docs/events.md.
"""

import json
from datetime import UTC, datetime

import pytest

from tests.oracle.decoding import Event, Reason, RefusedError, decode, rfc_3339_ms
from tests.oracle.events import activity, cancel, change, onboarding, renewal, revoke, signup, survey
from tests.oracle.options import DEFAULTS, Options, instant_ms
from tests.oracle.refused_records import INVALID, MALFORMED, MISSING, OUT_OF_RANGE, UNKNOWN, VALID, valid_members

NEW_YEAR_MS = instant_ms(datetime(2025, 1, 1, tzinfo=UTC))


def reason_for(record: bytes | dict[str, object], options: Options = DEFAULTS) -> Reason | None:
    """Return why a record is refused; None when it is an event."""
    try:
        decode(record, options)
    except RefusedError as refused:
        return refused.reason
    return None


@pytest.mark.parametrize("kind", VALID)
def test_the_example_of_each_type_is_an_event(kind: str) -> None:
    """The refused records are made from these; they must be refused for nothing else."""
    assert reason_for(valid_members(kind)) is None
    assert reason_for(json.dumps(valid_members(kind)).encode()) is None


@pytest.mark.parametrize("record", MALFORMED)
def test_what_is_no_object_is_malformed(record: bytes) -> None:
    """An empty value is what a producer's tombstone looks like; it is no event."""
    assert reason_for(record) is Reason.MALFORMED_JSON


@pytest.mark.parametrize(("kind", "name"), MISSING)
def test_a_required_member_is_missed(kind: str, name: str) -> None:
    """A missing member is named as such and not called invalid."""
    members = valid_members(kind)
    del members[name]
    assert reason_for(members) is Reason.MISSING_MEMBER


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_unknown_type_is_refused(kind: str) -> None:
    """Types are exact: neither another case nor what the state machine calls a fact will do."""
    assert reason_for(valid_members("activity") | {"type": kind}) is Reason.UNKNOWN_TYPE


@pytest.mark.parametrize(("kind", "name", "value"), INVALID)
def test_an_invalid_member_is_refused(kind: str, name: str, value: object) -> None:
    """An explicit null is invalid, also where the member may be absent."""
    assert reason_for(valid_members(kind) | {name: value}) is Reason.INVALID_MEMBER


@pytest.mark.parametrize(("kind", "name", "value"), OUT_OF_RANGE)
def test_a_time_out_of_range_is_refused(kind: str, name: str, value: object) -> None:
    """One wrong clock must not move the whole company's numbers into another century."""
    assert reason_for(valid_members(kind) | {name: value}) is Reason.TIME_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("signup", "id", "x" * 256),
        ("signup", "id", "ü" * 256),
        ("signup", "customer_id", "x" * 128),
        ("signup", "time", "2000-01-01T00:00:00Z"),
        ("signup", "time", "2099-12-31T23:59:59.99999999999Z"),
        ("signup", "time", "1999-12-31T23:00:00-01:00"),
        ("signup", "sequence", -(2**40)),
        ("signup", "plan", "None"),
        ("signup", "plan", "p"),
        ("signup", "plan", "ü" * 64),
        ("signup", "mrr_minor", 10**12),
        ("signup", "mrr_minor", 0),
        ("signup", "reason", None),
        ("signup", "team", None),
        ("upgrade", "country", "Germany"),
        ("cancel", "effective_at", "2000-01-01T00:00:00Z"),
        ("cancel", "effective_at", "2105-01-01T23:59:59.999Z"),
        ("cancel", "reason", "-_0"),
        ("revoke", "revokes", "bad-1"),
        ("survey", "score", 0),
        ("survey", "score", 10),
        ("activity", "effective_at", "tomorrow"),
    ],
)
def test_the_last_valid_value_is_accepted(kind: str, name: str, value: object) -> None:
    """Bounds are inclusive as the contract has them, and unknown members are ignored."""
    assert reason_for(valid_members(kind) | {name: value}) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"plan": None, "note": "x" * 300}, Reason.OVERSIZED),
        ({"type": "login", "id": None}, Reason.UNKNOWN_TYPE),
        ({"plan": None, "time": "1999-01-01T00:00:00Z"}, Reason.INVALID_MEMBER),
        ({"currency": "EUR", "time": "1999-01-01T00:00:00Z"}, Reason.TIME_OUT_OF_RANGE),
        ({"currency": "EUR", "test": True}, Reason.CURRENCY_MISMATCH),
        ({"currency": "USD", "test": True}, None),
    ],
)
def test_the_first_reason_that_applies_is_given(changes: dict[str, object], expected: Reason | None) -> None:
    """A closed list in a fixed order makes the counts by reason comparable between implementations."""
    record = json.dumps(valid_members("signup") | changes).encode()
    assert reason_for(record, Options(max_record_bytes=300)) is expected


def test_the_longest_record_is_read_and_a_byte_more_is_not() -> None:
    """The limit is inclusive and counts bytes."""
    record = json.dumps(valid_members("signup")).encode()
    assert reason_for(record, Options(max_record_bytes=len(record))) is None
    assert reason_for(record + b" ", Options(max_record_bytes=len(record))) is Reason.OVERSIZED


def test_a_missing_member_goes_before_an_unknown_type() -> None:
    """Without a known type only the members that all types share can be missed."""
    assert reason_for({"type": "login", "id": "1", "customer_id": "c"}) is Reason.MISSING_MEMBER
    assert reason_for({}) is Reason.MISSING_MEMBER


def test_a_score_is_required_of_an_answer_alone_and_must_suit_the_kind() -> None:
    """The default status is answered; zero and six to ten are no CSAT scores."""
    for status in ("sent", "dismissed"):
        assert reason_for(survey("c", "2025-01-01", "csat", status=status)) is None
        assert reason_for(survey("c", "2025-01-01", "csat", 9, status=status)) is Reason.INVALID_MEMBER
    assert reason_for(survey("c", "2025-01-01", "csat", status="answered")) is Reason.MISSING_MEMBER
    accepted = [score for score in range(-2, 12) if reason_for(survey("c", "2025-01-01", "csat", score)) is None]
    assert accepted == [1, 2, 3, 4, 5]


def test_an_extra_dimension_is_checked_once_the_settings_name_it() -> None:
    """The same member is unknown, and ignored, without the setting."""
    members = signup("c", "2025-01-01", team=["red"])
    assert reason_for(members) is None
    assert reason_for(members, Options(dimensions=("team",))) is Reason.INVALID_MEMBER


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("2025-01-01T00:00:00Z", NEW_YEAR_MS),
        ("2025-01-01t00:00:00z", NEW_YEAR_MS),
        ("2025-01-01T00:00:00-00:00", NEW_YEAR_MS),
        ("2025-01-01T05:30:00+05:30", NEW_YEAR_MS),
        ("2024-12-31T16:00:00-08:00", NEW_YEAR_MS),
        ("2025-01-01T23:59:00+23:59", NEW_YEAR_MS),
        ("2025-01-01T00:00:00.5Z", NEW_YEAR_MS + 500),
        ("2025-01-01T00:00:00.05Z", NEW_YEAR_MS + 50),
        ("2025-01-01T00:00:00.0009999999999Z", NEW_YEAR_MS),
        ("2025-01-01T00:00:00.9999999Z", NEW_YEAR_MS + 999),
        ("2024-02-29T00:00:00Z", NEW_YEAR_MS - 307 * 86_400_000),
        ("2025-02-29T00:00:00Z", None),
        ("2025-13-01T00:00:00Z", None),
        ("2025-00-01T00:00:00Z", None),
        ("2025-01-01T24:00:00Z", None),
        ("2025-01-01T00:60:00Z", None),
        ("2025-01-01T00:00:61Z", None),
        ("2024-12-31T23:59:60Z", NEW_YEAR_MS),
        ("2025-01-01T05:29:60.987654+05:30", NEW_YEAR_MS),
        ("2025-02-29T23:59:60Z", None),
        ("2025-01-01T00:00:00+24:00", None),
        ("2025-01-01T00:00:00+01:60", None),
        ("2025-01-01T00:00:00,5Z", None),
        ("2025-01-01T00:00Z", None),
        ("2025-01-01 00:00:00Z", None),
        ("2025-01-01T00:00:00Z ", None),
        ("2025-01-01T00:00:00Z\n", None),
        ("٢025-01-01T00:00:00Z", None),
        ("+2025-01-01T00:00:00Z", None),
    ],
)
def test_a_time_is_cut_to_its_millisecond_or_is_none(text: str, expected_ms: int | None) -> None:
    """Rounding .9999999 up would move an event over the edge of a window."""
    assert expected_ms == rfc_3339_ms(text)


def test_a_year_before_our_calendar_is_out_of_range_and_not_invalid() -> None:
    """RFC 3339 has a year zero; Python has none."""
    assert reason_for(valid_members("signup") | {"time": "0000-02-29T00:00:00Z"}) is Reason.TIME_OUT_OF_RANGE


def decoded(members: dict[str, object]) -> Event:
    """Return a valid event, with one extra dimension in the settings."""
    return decode(members, Options(dimensions=("team",)))


def test_absent_members_have_the_defaults_that_conflicts_compare() -> None:
    """An event that spells a default out is the same event as one that leaves it away."""
    time_ms = NEW_YEAR_MS
    assert decoded(signup("c", "2025-01-01")).own_members() == ("pro", 1_000, "USD", "none", "none", "none")
    assert decoded(change("c", "2025-01-01", "pro", 5, currency="USD")).own_members() == ("pro", 5, "USD")
    assert decoded(cancel("c", "2025-01-01")).own_members() == ("unspecified", 0, time_ms)
    assert decoded(survey("c", "2025-01-01", status="sent")).own_members() == ("nps", "sent", -1, "", "in_app")
    assert decoded(renewal("c", "2025-01-01", "failed")).own_members() == ("failed",)
    assert decoded(revoke("c", "2025-01-01", "e1")).own_members() == ("e1",)


def test_a_source_that_is_absent_is_the_topic_of_the_type() -> None:
    """It is part of the identity, so upgrade and downgrade share one and cancel and revoke another."""
    events = [
        signup("c", "2025-01-01"),
        change("c", "2025-01-01", "pro", 5),
        change("c", "2025-01-01", "pro", 5, type="downgrade"),
        cancel("c", "2025-01-01"),
        revoke("c", "2025-01-01", "e1"),
        survey("c", "2025-01-01", "nps", 5),
        renewal("c", "2025-01-01", "failed"),
        onboarding("c", "2025-01-01"),
        activity("c", "2025-01-01"),
        signup("c", "2025-01-01", source="shop"),
    ]
    topics = ["signup", "upgrade", "upgrade", "cancel", "cancel", "survey", "renewal", "onboarding", "activity"]
    assert [decoded(event).source for event in events] == [*(f"customer.{topic}" for topic in topics), "shop"]


@pytest.mark.parametrize(
    ("rate", "mrr_minor", "expected_minor"),
    [("0.5", 1, 0), ("0.5", 3, 2), ("0.5", 5, 2), ("1.005", 100, 100), ("1.015", 100, 102), ("0.1", 10**12, 10**11)],
)
def test_money_is_converted_exactly_and_halves_go_to_even(rate: str, mrr_minor: int, expected_minor: int) -> None:
    """Binary fractions would turn 101.5 into 101 on one machine's path and 102 on another's."""
    options = Options(rates={"EUR": rate})
    event = decode(signup("c", "2025-01-01", mrr_minor=mrr_minor, currency="EUR"), options)
    assert (mrr_minor, expected_minor) == (event.mrr_given_minor, event.mrr_minor)
