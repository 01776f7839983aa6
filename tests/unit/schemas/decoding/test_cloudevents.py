"""CloudEvents in both modes of the Kafka binding."""

import base64
import json

import pytest

from schemas.decoding import cloudevents
from schemas.decoding.decoder import Decoded, Decoder
from schemas.events import Cancel, Signup
from schemas.refusals import Reason
from tests.unit.schemas.lines import NOON, NOON_MS, SIGNUP, Line, line

Headers = tuple[tuple[str, bytes], ...]

STRUCTURED: Headers = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
ENVELOPE = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/billing",
    "type": "com.example.billing.signup",
    "subject": "c1",
    "time": NOON,
    "data": {"plan": "pro", "mrr_minor": 4900},
}
BINARY = {
    "ce_specversion": b"1.0",
    "ce_id": b"e1",
    "ce_source": b"/billing",
    "ce_type": b"com.example.billing.cancel",
    "ce_subject": b"c1",
    "ce_time": NOON.encode(),
    "content-type": b"application/json",
}


def structured(headers: Headers = STRUCTURED, **changes: object) -> Decoded[Line]:
    """Return what becomes of a structured event with some members changed; None leaves one out."""
    envelope = {name: value for name, value in {**ENVELOPE, **changes}.items() if value is not None}
    return Decoder().decode([Line(json.dumps(envelope).encode(), headers=headers)])


def binary(value: bytes = b'{"reason":"price"}', **changes: bytes | None) -> Decoded[Line]:
    """Return what becomes of a binary event with some headers changed; None leaves one out."""
    headers = tuple((name, header) for name, header in {**BINARY, **changes}.items() if header is not None)
    return Decoder().decode([Line(value, headers=headers)])


def nulled(name: str) -> Decoded[Line]:
    """Return what becomes of a structured event with a null."""
    return Decoder().decode([Line(json.dumps({**ENVELOPE, name: None}).encode(), headers=STRUCTURED)])


def plain(header: tuple[str, bytes]) -> Decoded[Line]:
    """Return what becomes of an event in the product's own JSON that has a header."""
    return Decoder().decode([Line(line(SIGNUP).value, headers=(header,))])


def reason(decoded: Decoded[Line]) -> Reason:
    """Return why the only record was refused."""
    assert decoded.events == []
    return decoded.refused[0][1].reason


def test_structured_event_is_read_from_its_envelope_and_data() -> None:
    """A producer with CloudEvents must not need an adapter."""
    decoded = structured()
    assert decoded.refused == []
    event = decoded.events[0]
    assert isinstance(event, Signup)
    assert (event.id, event.source, event.customer_id, event.plan, event.mrr_minor) == (
        "e1",
        "/billing",
        "c1",
        "pro",
        4900,
    )
    assert decoded.times == [NOON_MS]


def test_binary_event_is_read_from_its_headers_and_value() -> None:
    """As above, for the mode that most client libraries default to."""
    decoded = binary()
    assert decoded.refused == []
    event = decoded.events[0]
    assert isinstance(event, Cancel)
    assert (event.id, event.source, event.customer_id, event.reason) == ("e1", "/billing", "c1", "price")


@pytest.mark.parametrize("content_type", [b"application/cloudevents+json", b"Application/CloudEvents+JSON ; x=y"])
def test_media_type_may_have_parameters_and_capitals(content_type: bytes) -> None:
    """Media types are compared as RFC 2045 says."""
    assert structured((("Content-Type", content_type),)).refused == []


def test_data_may_name_the_customer_itself() -> None:
    """The subject may be an invoice; then the data says whose."""
    decoded = structured(data={"plan": "pro", "mrr_minor": 1, "customer_id": "c2"})
    assert [event.customer_id for event in decoded.events] == ["c2"]
    assert [event.customer_id for event in binary(b'{"customer_id":"c2"}').events] == ["c2"]


def test_envelope_wins_over_members_of_the_data() -> None:
    """The identity of a CloudEvent is its envelope's; data often repeats part of it in another form."""
    data = {"plan": "pro", "mrr_minor": 1, "id": 7, "source": "x", "time": "yesterday", "type": "cancel"}
    event = structured(data=data).events[0]
    assert (type(event), event.id, event.source) == (Signup, "e1", "/billing")


def test_null_is_absence_in_envelopes_and_in_data() -> None:
    """Libraries write members that have no value as null."""
    decoded = structured(data={"plan": "pro", "mrr_minor": 1, "customer_id": None, "sequence": None})
    assert [event.customer_id for event in decoded.events] == ["c1"]
    data = base64.b64encode(b'{"plan":"pro","mrr_minor":1}').decode()
    envelope = {**ENVELOPE, "data": None, "data_base64": data}
    assert len(Decoder().decode([Line(json.dumps(envelope).encode(), headers=STRUCTURED)]).events) == 1


def test_ids_of_envelopes_and_of_data_may_be_integers() -> None:
    """Billing systems count their customers."""
    event = structured(id=7, data={"plan": "pro", "mrr_minor": 1, "customer_id": 8, "subscription_id": 9}).events[0]
    assert isinstance(event, Signup)
    assert (event.id, event.customer_id, event.subscription_id) == ("7", "8", "9")
    assert [event.customer_id for event in structured(subject=10).events] == ["10"]


@pytest.mark.parametrize(
    ("changes", "customer_id"),
    [({}, "c1"), ({"subject": 10}, "10"), ({"data": {"customer_id": 8}}, "8"), ({"data": {"customer_id": True}}, "c1")],
    ids=str,
)
def test_customer_that_a_value_out_of_a_file_names_may_be_an_integer(
    changes: dict[str, object], customer_id: str
) -> None:
    """Its text is the key of the record in Kafka, and so decides about the partition."""
    assert cloudevents.heading_of(json.dumps({**ENVELOPE, **changes}).encode()) == (customer_id, "signup")


def test_data_may_be_base64() -> None:
    """Libraries encode bytes that way, whatever is in them."""
    data = base64.b64encode(b'{"plan":"pro","mrr_minor":1}').decode()
    assert structured(data=None, data_base64=data).refused == []
    for odd in ("%%%", "é", 7, "bm9uc2Vuc2U="):
        assert reason(structured(data=None, data_base64=odd)) == Reason.MALFORMED_JSON
    assert reason(structured(data_base64=data)) == Reason.INVALID_MEMBER
    surplus = base64.b64encode(b'{"plan":"pro","mrr_minor":1,"x":"\xff"}').decode()
    assert reason(structured(data=None, data_base64=surplus)) == Reason.MALFORMED_JSON


def test_time_of_a_header_is_cut_and_not_rounded() -> None:
    """The headers are not among the bytes that the batch is searched for."""
    assert binary(ce_time=b"2026-01-01T12:00:00.9999999Z").times == [NOON_MS + 999]


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        (structured(data=[1]), Reason.MALFORMED_JSON),
        (structured(data="text"), Reason.MALFORMED_JSON),
        (structured((("content-type", b"application/cloudevents+avro"),)), Reason.MALFORMED_JSON),
        (structured((("content-type", b"application/cloudevents-batch+json"),)), Reason.MALFORMED_JSON),
        (structured(data=None), Reason.MISSING_MEMBER),
        (structured(specversion=None), Reason.MISSING_MEMBER),
        (structured(id=None), Reason.MISSING_MEMBER),
        (structured(source=None), Reason.MISSING_MEMBER),
        (structured(type=None), Reason.MISSING_MEMBER),
        (structured(time=None), Reason.MISSING_MEMBER),
        (structured(subject=None), Reason.MISSING_MEMBER),
        (structured(type="com.example.signup.v2"), Reason.UNKNOWN_TYPE),
        (structured(type=7), Reason.UNKNOWN_TYPE),
        (structured(specversion="0.3", type="com.example.other"), Reason.UNKNOWN_TYPE),
        (structured(specversion="0.3"), Reason.INVALID_MEMBER),
        (structured(specversion=1.0), Reason.INVALID_MEMBER),
        (structured(specversion="0.3", time="1999-01-01T00:00:00Z"), Reason.INVALID_MEMBER),
        (structured(time="1999-01-01T00:00:00Z"), Reason.TIME_OUT_OF_RANGE),
        (binary(b""), Reason.MALFORMED_JSON),
        (binary(b"[]"), Reason.MALFORMED_JSON),
        (binary(ce_id=b"\xff"), Reason.INVALID_MEMBER),
        (binary(ce_type=b"\xff"), Reason.UNKNOWN_TYPE),
        (binary(ce_id=None), Reason.MISSING_MEMBER),
        (binary(ce_specversion=None), Reason.MISSING_MEMBER),
        (binary(ce_specversion=b"0.3"), Reason.INVALID_MEMBER),
        (binary(ce_id=b""), Reason.INVALID_MEMBER),
        (binary(ce_time=b"noon"), Reason.INVALID_MEMBER),
        (binary(ce_time=None), Reason.MISSING_MEMBER),
        (plain(("ce_partitionkey", b"c1")), Reason.MISSING_MEMBER),
        (plain(("CE_SUBJECT", b"c1")), Reason.MISSING_MEMBER),
        (nulled("id"), Reason.MISSING_MEMBER),
        (nulled("type"), Reason.MISSING_MEMBER),
        (nulled("source"), Reason.MISSING_MEMBER),
        (nulled("specversion"), Reason.MISSING_MEMBER),
        (nulled("data"), Reason.MISSING_MEMBER),
    ],
)
def test_faulty_cloudevent_gets_the_first_reason_that_applies(decoded: Decoded[Line], expected: Reason) -> None:
    """Envelope and data are one event; their faults are ordered by the one closed list."""
    assert reason(decoded) == expected


@pytest.mark.parametrize(
    "headers",
    [
        (("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),),
        (("content-type", b"application/json"),),
        (("tenure-forwarded", b"1"), ("empty", None)),
    ],
)
def test_other_headers_do_not_make_a_record_a_cloudevent(headers: Headers) -> None:
    """Tracing and forwarding put headers on every record; what it says stays in its value."""
    decoded = Decoder().decode([Line(line(SIGNUP).value, headers=headers)])
    assert decoded.refused == []
