"""JSON in the framing of Confluent's serializers is the event that it would be without."""

import json

import pytest

from schemas.decoding.framing import Frame, frame_of, unframed
from schemas.refusals import Reason
from tests.recount.decoding import decode as recounted
from tests.recount.options import Options
from tests.recount.records import Record
from tests.unit.schemas.lines import NOON_MS, SIGNUP, decode, event_of, reason_of

FRAME = b"\x00\x00\x00\x00\x07"


def test_framed_json_is_the_event_that_it_would_be_without() -> None:
    """Producers whose serializer frames need no translation; the recount, which has rules of its own, agrees."""
    value = FRAME + json.dumps(SIGNUP).encode()
    assert decode(value).events == [event_of(SIGNUP)]
    assert recounted(Record(value=value, topic="customer.signup", timestamp_ms=NOON_MS), Options()).customer_id == "c1"


@pytest.mark.parametrize(
    "value",
    [
        FRAME,
        FRAME + b"{",
        FRAME + b"[]",
        FRAME + b"\x06ann",
        FRAME + FRAME + b"{}",
        b"\x00{}",
        b"\x00",
        b"\x01" + FRAME,
    ],
    ids=repr,
)
def test_what_is_no_framed_object_is_refused_as_it_was(value: bytes) -> None:
    """Avro, a frame within a frame, and bytes that only begin like one."""
    assert reason_of(value) is Reason.MALFORMED_JSON


def test_frame_names_its_schema() -> None:
    """The id is four bytes, the most significant first."""
    assert frame_of(b"\x00\x01\x00\x00\x02abc") == Frame(0x01000002, b"abc")
    assert frame_of(b"\x00\x01\x00\x00") is None
    assert unframed(b"{}") == b"{}"
