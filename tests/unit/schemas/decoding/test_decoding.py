"""Which records are applied, and which reason the others get: tables, one record a line."""

import json
from collections.abc import Generator

import pytest

from schemas.decoding.cut_values import CutValue
from schemas.decoding.decoder import STEP_BYTES, STEP_RECORDS, Decoded, Decoder
from schemas.refusals import Reason
from tests.unit.schemas.lines import (
    BENT,
    CANCEL,
    GOOD,
    NOON,
    SIGNUP,
    SURVEY,
    Line,
    decode,
    line,
    reason_of,
    say,
    without,
)


@pytest.mark.parametrize("event", GOOD + BENT, ids=str)
def test_event_of_the_contract_is_applied(event: dict[str, object]) -> None:
    """What the events page promises to producers must not end up among the dead letters."""
    decoded = Decoder().decode([line(event)])
    assert decoded.refused == []
    assert [str(event["id"])] == [decoded.events[0].id]


MALFORMED: list[bytes | None] = [
    None,
    b"",
    b" ",
    b"[]",
    b"null",
    b'"signup"',
    b"{",
    b'{"id":NaN}',
    b'{"id":"a"} x',
    b"\xef\xbb\xbf{}",
    b'{"id":"a","type":"activity","customer_id":"c","time":"2026-01-01T12:00:00Z","x":"\xff"}',
    b'{"id":"\xc3","type":"activity","customer_id":"c","time":"2026-01-01T12:00:00Z"}',
    b'{"id":"\\ud800","type":"activity","customer_id":"c","time":"2026-01-01T12:00:00Z"}',
    b'{"id":"a","type":"activity","customer_id":"c","time":"2026-01-01T12:00:00Z","x":'
    + b"[" * 200
    + b"]" * 200
    + b"}",
    b'{"x":' + b'{"x":' * 100_000,
    b"[" * 500_000,
]


@pytest.mark.parametrize("value", MALFORMED, ids=lambda value: repr(value)[:60])
def test_what_is_not_an_object_of_utf_8_json_is_malformed(value: bytes | None) -> None:
    """The bytes are judged before what they say, unknown members included."""
    assert reason_of(value) == Reason.MALFORMED_JSON


REFUSED: list[tuple[Reason, dict[str, object]]] = [
    (Reason.MISSING_MEMBER, {}),
    (Reason.MISSING_MEMBER, without(SIGNUP, "id")),
    (Reason.MISSING_MEMBER, without(SIGNUP, "type")),
    (Reason.MISSING_MEMBER, without(SIGNUP, "customer_id")),
    (Reason.MISSING_MEMBER, without(SIGNUP, "time")),
    (Reason.MISSING_MEMBER, without(SIGNUP, "plan")),
    (Reason.MISSING_MEMBER, without(SIGNUP, "mrr_minor")),
    (Reason.MISSING_MEMBER, say("upgrade", plan="pro")),
    (Reason.MISSING_MEMBER, say("downgrade", mrr_minor=1)),
    (Reason.MISSING_MEMBER, say("revoke")),
    (Reason.MISSING_MEMBER, say("renewal")),
    (Reason.MISSING_MEMBER, say("survey", score=1)),
    (Reason.MISSING_MEMBER, say("survey", kind="nps")),
    (Reason.MISSING_MEMBER, say("survey", kind="nps", status="answered")),
    (Reason.MISSING_MEMBER, without(say("nonsense", time=None), "id")),
    (Reason.MISSING_MEMBER, {**SIGNUP, "id": None}),
    (Reason.MISSING_MEMBER, {**SIGNUP, "plan": None}),
    (Reason.MISSING_MEMBER, {**SIGNUP, "mrr_minor": None}),
    (Reason.MISSING_MEMBER, say(None)),
    (Reason.MISSING_MEMBER, {**SURVEY, "score": None}),
    (Reason.MISSING_MEMBER, say("survey", kind="nps", status=None)),
    (Reason.MISSING_MEMBER, say("signup", plan="pro", interval="month")),
    (Reason.MISSING_MEMBER, say("upgrade", plan="pro", amount_minor=1)),
    (Reason.MISSING_MEMBER, say("upgrade", plan="pro", amount_minor=1, interval=None)),
    (Reason.MISSING_MEMBER, {**SIGNUP, "amount_minor": 1}),
    (Reason.UNKNOWN_TYPE, say("nonsense")),
    (Reason.UNKNOWN_TYPE, say("Signup")),
    (Reason.UNKNOWN_TYPE, say(7)),
    (Reason.UNKNOWN_TYPE, say(["signup"])),
    (Reason.INVALID_MEMBER, {**SIGNUP, "id": ""}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "id": "i" * 257}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "id": True}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "subscription_id": "s" * 129}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "subscription_id": []}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "source": 7}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "customer_id": "c" * 129}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "time": 1_767_268_800}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "time": "2026-01-01"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "time": "2026-01-01T12:00:00"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "time": "2026-02-30T12:00:00Z"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "time": "2016-02-30T23:59:60Z"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "time": "2016-12-31T23:59:61Z"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "time": "2016-12-31T23:60:60Z"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "sequence": 1.5}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "sequence": 2**63}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "test": "true"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "plan": "none"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "plan": ""}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "plan": "p" * 65}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "mrr_minor": "4900"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "mrr_minor": -1}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "mrr_minor": 10**12 + 1}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "mrr_minor": True}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "mrr_minor": 10**60}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "amount_minor": 4900, "interval": "month"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "interval": "month"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "quantity": 1}),
    (Reason.INVALID_MEMBER, say("upgrade", plan="pro", amount_minor=1, interval="Month")),
    (Reason.INVALID_MEMBER, say("upgrade", plan="pro", amount_minor=-1, interval="month")),
    (Reason.INVALID_MEMBER, say("upgrade", plan="pro", amount_minor=1, interval="month", interval_count=0)),
    (Reason.INVALID_MEMBER, say("upgrade", plan="pro", amount_minor=1, interval="month", quantity="2")),
    (Reason.INVALID_MEMBER, {**SIGNUP, "trial": 1}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "currency": "u\u017fd"}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "currency": ""}),
    (Reason.INVALID_MEMBER, {**SIGNUP, "currency": "USDX", "time": "1999-01-01T00:00:00Z"}),
    (Reason.INVALID_MEMBER, {**CANCEL, "involuntary": 1}),
    (Reason.INVALID_MEMBER, say("pause", effective_at=7)),
    (Reason.INVALID_MEMBER, say("revoke", revokes="")),
    (Reason.INVALID_MEMBER, {**SURVEY, "kind": "ces"}),
    (Reason.INVALID_MEMBER, {**SURVEY, "status": "opened"}),
    (Reason.INVALID_MEMBER, {**SURVEY, "score": 11}),
    (Reason.INVALID_MEMBER, {**SURVEY, "score": -1}),
    (Reason.INVALID_MEMBER, {**SURVEY, "kind": "csat"}),
    (Reason.INVALID_MEMBER, {**SURVEY, "kind": "csat", "score": 0, "status": "dismissed"}),
    (Reason.INVALID_MEMBER, say("renewal", outcome="lapsed")),
    (Reason.INVALID_MEMBER, say("onboarding", completed="yes")),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "time": "1999-12-31T23:59:59.999Z"}),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "time": "2026-01-01T13:00:00.001Z"}),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "time": "0001-01-01T00:00:00+23:59"}),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "time": "9999-12-31T23:59:59.9999999-23:59"}),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "time": "2030-01-01T00:00:00Z", "currency": "EUR"}),
    (Reason.TIME_OUT_OF_RANGE, {**CANCEL, "effective_at": "1999-12-31T23:59:59Z"}),
    (Reason.TIME_OUT_OF_RANGE, {**CANCEL, "effective_at": "2031-01-02T13:00:00.001Z"}),
    (Reason.TIME_OUT_OF_RANGE, {**CANCEL, "time": "2030-01-01T00:00:00Z", "effective_at": NOON}),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "time": "9999-12-31T23:59:60Z"}),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "time": "0000-02-29T12:00:00Z"}),
    (Reason.TIME_OUT_OF_RANGE, {**SIGNUP, "effective_at": "2031-01-02T13:00:00.001Z"}),
    (Reason.TIME_OUT_OF_RANGE, say("pause", effective_at="1999-12-31T23:59:59Z")),
    (Reason.CURRENCY_MISMATCH, {**SIGNUP, "currency": "EUR"}),
    (Reason.CURRENCY_MISMATCH, say("upgrade", plan="pro", mrr_minor=1, currency="jpy")),
    (Reason.CURRENCY_MISMATCH, say("upgrade", plan="pro", amount_minor=0, interval="day", currency="Jpy")),
]


#: Invalid, too, and JSON Schema cannot say so.
INVALID_BEYOND_SCHEMA: list[dict[str, object]] = [
    {**SIGNUP, "id": 17.0},
    {**SIGNUP, "customer_id": 10**128},
    {**SIGNUP, "mrr_minor": 49.0},
    {**CANCEL, "effective_at": ""},
    say("upgrade", plan="pro", amount_minor=10**12, interval="month", quantity=2),
]


@pytest.mark.parametrize(
    ("reason", "event"), [*REFUSED, *((Reason.INVALID_MEMBER, event) for event in INVALID_BEYOND_SCHEMA)], ids=str
)
def test_record_gets_the_first_reason_of_the_closed_list_that_applies(reason: Reason, event: dict[str, object]) -> None:
    """Operators count dead letters by reason; a record with two faults must not count at random."""
    assert reason == reason_of(line(event).value)


def test_test_event_is_judged_like_any_other_and_then_only_counted() -> None:
    """A producer that tries its integration must see its mistakes, and must not change a number."""
    decoded = Decoder().decode([line({**SIGNUP, "test": True}), line({**SIGNUP, "test": True, "plan": "none"})])
    assert (decoded.tests, decoded.events, len(decoded.refused)) == (1, [], 1)


def test_oversized_record_is_not_looked_into() -> None:
    """Reading what is too large to be meant costs more than it can tell."""
    value = line(SIGNUP).value
    assert value is not None
    assert reason_of(b"x" * 101, Decoder(max_record_bytes=100)) == Reason.OVERSIZED
    assert decode(value, Decoder(max_record_bytes=len(value))).refused == []
    assert reason_of(value, Decoder(max_record_bytes=len(value) - 1)) == Reason.OVERSIZED


def test_nesting_is_limited_to_200_levels_whatever_the_stack() -> None:
    """Where one worker refuses what another one applies, two rebuilds of one log differ."""
    for levels, refused in ((199, 0), (200, 1)):
        value = b'{"id":"a","type":"activity","customer_id":"c","time":"2026-01-01T12:00:00Z","x":%s%s}'
        assert refused == len(decode(value % (b"[" * levels, b"]" * levels)).refused)


def test_brackets_inside_strings_do_not_count_as_nesting() -> None:
    """A chat message full of brackets is a member that is ignored, not a fault."""
    assert decode(line({**SIGNUP, "text": '[{"' * 400}).value).refused == []


def test_value_of_which_only_the_beginning_was_kept_is_oversized() -> None:
    """Its beginning may be within the limit, and even be JSON."""
    refused = decode(CutValue(json.dumps(SIGNUP).encode(), 9_000_000)).refused
    assert [(refusal.reason, refusal.detail) for _, refusal in refused] == [
        (Reason.OVERSIZED, "9000000 bytes; the limit is 1048576")
    ]


@pytest.mark.parametrize("inside", ["[],", '"[[",', r'"\"[[",', r'"\\",', '{"a":[1]},'])
def test_many_brackets_that_are_closed_again_are_no_nesting(inside: str) -> None:
    """They were looked at one by one, in a fifth of a second for each record of a megabyte."""
    text = json.dumps(SIGNUP)[:-1] + ',"x":[' + inside * 1_000 + "1]}"
    assert len(decode(text.encode()).events) == 1


def test_records_are_decoded_in_steps_of_bounded_size() -> None:
    """Between two steps the worker answers; what comes out is the same."""
    large = line({**SIGNUP, "x": "y" * STEP_BYTES})
    lines = [line({**SIGNUP, "id": f"e{n}"}) for n in range(STEP_RECORDS + 1)] + [large] * 3 + [Line(b"no")]
    done: list[Decoded[Line]] = []

    def work() -> Generator[None, None, None]:
        done.append((yield from Decoder().decode_in_steps(lines)))

    steps = sum(1 for _ in work())
    whole = Decoder().decode(lines)
    assert (done[0].events, done[0].times, done[0].refused) == (whole.events, whole.times, whole.refused)
    assert steps >= 5
