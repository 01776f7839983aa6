"""What the decoder hands on: event times, defaults, dimensions, order."""

import pytest

from schemas.decoding.decoder import Decoder
from schemas.events import Activity, Cancel, Change, Onboarding, Renewal, Revoke, Signup, Survey
from schemas.refusals import Reason
from tests.unit.schemas.lines import (
    CANCEL,
    DAY_MS,
    GOOD,
    NOON_MS,
    SIGNUP,
    SURVEY,
    Line,
    decode,
    event_of,
    line,
    reason_of,
    say,
)

TIMES = [
    ("2026-01-01T12:00:00Z", 0),
    ("2026-01-01t12:00:00z", 0),
    ("2026-01-01 12:00:00Z", 0),
    ("2026-01-01T14:30:00+02:30", 0),
    ("2026-01-01T12:00:00-00:00", 0),
    ("2026-01-01T12:00:00.001999Z", 1),
    ("2026-01-01T12:00:00.0009999Z", 0),
    ("2026-01-01T12:00:00.9999999Z", 999),
    ("2026-01-01T12:00:00.999999999999999Z", 999),
    ("2026-01-01T11:59:59.9999995+00:00", -1),
    ("2026-01-01T12:00:00.1234567Z", 123),
    ("2026-01-01T12:59:59.9999999Z", 3_599_999),
    ("2026-01-01T13:00:00.0009999Z", 3_600_000),
    ("2026-01-01T12:59:60Z", 3_600_000),
    ("2026-01-01t11:59:60.75z", 0),
    ("2026-01-01 00:29:60.123456789-11:30", 0),
    ("2026-01-01T14:00:00+02", 0),
    ("2026-01-01 14:30:00.9999999+0230", 999),
    ("2026-01-01t11:59:60+00", 0),
]


@pytest.mark.parametrize(("time", "after_noon_ms"), TIMES)
@pytest.mark.parametrize("extra", [{}, {"note": "ü"}, {"note": 'say "x"'}], ids=["plain", "umlaut", "escape"])
def test_event_time_is_cut_to_milliseconds_and_never_rounded(
    time: str, after_noon_ms: int, extra: dict[str, object]
) -> None:
    """Rounding would move an event over the border of a bucket, and the decoder's library rounds."""
    decoded = Decoder().decode([line({**SIGNUP, "time": time, **extra})])
    assert [NOON_MS + after_noon_ms] == decoded.times


def test_decimals_that_are_written_as_escapes_are_cut_too() -> None:
    """JSON allows any character to be escaped; the rule may not depend on the spelling."""
    value = b'{"\\u0069d":"a","type":"activity","customer_id":"c","\\u0074ime":"2026-01-01T12:00:00\\u002e9999999Z"}'
    decoded = decode(value)
    assert (decoded.times, decoded.events[0].id) == ([NOON_MS + 999], "a")


def test_only_the_instants_lose_their_surplus_decimals() -> None:
    """An id may look like a time; two ids that differ in their last digit are two events."""
    stamp = "2026-01-01T12:00:00.1234567Z"
    event = event_of({**CANCEL, "id": stamp, "customer_id": stamp, "effective_at": "2026-01-01T12:00:00.0009999Z"})
    assert (stamp, stamp) == (event.id, event.customer_id)


def test_cancel_counts_at_effective_at() -> None:
    """A cancel that is announced today and takes effect next month is next month's."""
    events = [
        {**CANCEL, "effective_at": "2026-01-31T12:00:00Z"},
        {**CANCEL, "effective_at": "2026-01-01T12:00:00.9999999Z"},
        {**CANCEL, "effective_at": "2031-01-02T13:00:00Z"},
        CANCEL,
    ]
    decoded = Decoder().decode([line(event) for event in events])
    assert decoded.times == [NOON_MS + 30 * DAY_MS, NOON_MS + 999, NOON_MS + 1827 * DAY_MS + 3_600_000, NOON_MS]


def test_files_have_a_last_instant_instead_of_a_tolerance() -> None:
    """Records of a file have no Kafka timestamp to compare with."""
    decoder = Decoder(latest_ms=NOON_MS + 1000)
    times = ["2026-01-01T12:00:00.999Z", "2026-01-01T12:00:01Z"]
    decoded = decoder.decode([Line(line({**SIGNUP, "time": time}).value, timestamp=0) for time in times])
    assert (decoded.times, [r.reason for _, r in decoded.refused]) == ([NOON_MS + 999], [Reason.TIME_OUT_OF_RANGE])
    five_years_on = {**CANCEL, "effective_at": "2031-01-02T12:00:01Z"}
    assert reason_of(line(five_years_on).value, decoder) == Reason.TIME_OUT_OF_RANGE
    assert decode(line({**CANCEL, "effective_at": "2031-01-02T12:00:00.999Z"}).value, decoder).refused == []


LAST_MS = 4_102_444_800_000 - 1


@pytest.mark.parametrize("timestamp_ms", [LAST_MS, LAST_MS + 3_600_000, 253_402_300_799_999, 2**63 - 1])
def test_the_year_2100_is_too_late_for_live_records_too(timestamp_ms: int) -> None:
    """Where a topic bounds no timestamps, one record from far away would push a bucket out of its bits."""
    times = ["2099-12-31T23:59:59.999Z", "2100-01-01T00:00:00Z", "3900-01-01T00:00:00Z"]
    decoded = Decoder().decode([Line(line({**SIGNUP, "time": time}).value, timestamp_ms) for time in times])
    refused = [Reason.TIME_OUT_OF_RANGE] * 2
    assert (decoded.times, [refusal.reason for _, refusal in decoded.refused]) == ([LAST_MS], refused)
    effective = ["2105-01-01T23:59:59.999Z", "2105-01-02T00:00:00Z"]
    cancels = [{**CANCEL, "time": times[0], "effective_at": at} for at in effective]
    decoded = Decoder().decode([Line(line(cancel).value, timestamp_ms) for cancel in cancels])
    assert (decoded.times, len(decoded.refused)) == ([LAST_MS + 1827 * DAY_MS], 1)


def test_currency_with_a_rate_is_accepted() -> None:
    """The decoder lets through what the settings can convert."""
    decoder = Decoder(default_currency="EUR", currencies={"CHF": 0})
    assert decode(line({**SIGNUP, "currency": "CHF"}).value, decoder).refused == []
    assert decode(line({**SIGNUP, "currency": "EUR"}).value, decoder).refused == []
    assert reason_of(line({**SIGNUP, "currency": "USD"}).value, decoder) == Reason.CURRENCY_MISMATCH


def test_absent_members_have_the_documented_defaults() -> None:
    """The fold relies on them, so that it never has to ask whether a member was there."""
    events = Decoder().decode([line(event) for event in (SIGNUP, CANCEL, SURVEY, say("activity"))]).events
    signup, cancel, survey, activity = events
    assert isinstance(signup, Signup)
    assert isinstance(cancel, Cancel)
    assert isinstance(survey, Survey)
    assert isinstance(activity, Activity)
    assert (signup.source, signup.sequence, signup.test) == ("customer.signup", 0, False)
    assert (signup.currency, signup.country, signup.channel) == ("", "", "")
    assert (
        cancel.source, cancel.reason, cancel.involuntary, cancel.effective_at,
    ) == ("customer.cancel", "unspecified", False, None)  # fmt: skip
    assert (survey.status, survey.via, survey.reason) == ("answered", "in_app", "")
    assert activity.feature == ""


def test_source_defaults_to_the_topic_of_the_type() -> None:
    """The default may not depend on where the record lies, or a forwarded record would be another event."""
    sources = {
        type(event).TYPE: event.source
        for event in Decoder().decode([line(event) for event in GOOD]).events
        if event.source
    }
    assert sources == {
        "signup": "customer.signup",
        "cancel": "customer.cancel",
        "revoke": "customer.cancel",
        "pause": "customer.upgrade",
        "resume": "customer.upgrade",
        "upgrade": "customer.upgrade",
        "downgrade": "customer.upgrade",
        "survey": "customer.survey",
        "renewal": "customer.renewal",
        "onboarding": "customer.onboarding",
        "activity": "customer.activity",
    }


def test_each_type_has_its_struct() -> None:
    """Agents tell events apart by their class."""
    classes = [type(event_of(event)) for event in GOOD[-6:]]
    assert [Survey, Renewal, Onboarding, Onboarding, Activity, Activity] == [
        kind for kind in classes if not issubclass(kind, Change | Revoke)
    ]


def test_extra_dimension_is_an_attribute_of_the_signup_and_judged_like_a_plan() -> None:
    """Segments by a company's own dimensions are a setting, not a change of code."""
    decoder = Decoder(dimensions=("plan", "country", "team_size"))
    signup = event_of({**SIGNUP, "team_size": "10-50"}, decoder)
    assert isinstance(signup, Signup)
    assert (getattr(signup, "team_size", None), type(signup) is decoder.signup) == ("10-50", True)
    assert getattr(event_of(SIGNUP, decoder), "team_size", None) == ""
    for bad in ("none", "", "x" * 65, 10):
        decoded = decoder.decode([line({**SIGNUP, "team_size": bad})])
        assert (getattr(decoded.events[0], "team_size", None), decoded.mended) == ("", {0: ("team_size",)})


@pytest.mark.parametrize("name", ["", "Team", "1st", "team size", "id", "type", "mrr_minor", "currency", "a" * 65])
def test_dimension_that_cannot_be_a_member_is_refused_at_start(name: str) -> None:
    """A setting that could never match anything is a mistake that its author wants to know."""
    with pytest.raises(ValueError, match="dimension"):
        Decoder(dimensions=(name,))


def test_currency_that_is_none_is_refused_at_start() -> None:
    """As for dimensions."""
    with pytest.raises(ValueError, match="currency"):
        Decoder(default_currency="dollars")


def test_of_a_member_that_comes_twice_the_last_one_counts() -> None:
    """It is what most JSON readers do; the two paths of the decoder may not differ in it."""
    value = b'{"id":7,"id":"b","type":"nonsense","type":"activity","customer_id":"c","time":"2026-01-01T12:00:00Z"}'
    decoded = decode(value)
    assert [event.id for event in decoded.events] == ["b"]


def test_batch_keeps_the_order_of_its_records() -> None:
    """Events, times and records are parallel lists, also where some were read by the slow path."""
    records = [
        line({**SIGNUP, "id": str(n), "time": f"2026-01-01T12:00:00.{n:03}{'9999' * (n % 2)}Z"}) for n in range(9)
    ]
    records[4] = Line(b"nonsense")
    decoded = Decoder().decode(records)
    assert [event.id for event in decoded.events] == ["0", "1", "2", "3", "5", "6", "7", "8"]
    assert [NOON_MS + n for n in range(9) if n != 4] == decoded.times
    assert [record for record in records if record != Line(b"nonsense")] == decoded.records
    assert [records[4]] == [record for record, _ in decoded.refused]


def test_detail_names_member_and_value_and_is_short() -> None:
    """A dead letter is read by somebody who has to repair a producer."""
    _, refusal = decode(line({**SIGNUP, "mrr_minor": "x" * 10_000}).value).refused[0]
    assert refusal.detail.startswith('mrr_minor: must be an integer from 0 to 10^12; got "xxx')
    assert len(refusal.detail) < 150


def test_slugs_beyond_the_remembered_ones_are_still_judged() -> None:
    """The memory of the decoder is bounded; its judgement may not change when it is full."""
    decoder = Decoder()
    records = [line(say("activity", feature=f"feature-{n}")) for n in range(5000)]
    assert len(decoder.decode(records).events) == 5000
    assert decoder.decode([line(say("activity", feature="Feature"))]).mended == {0: ("feature",)}
