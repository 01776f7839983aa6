"""Whatever the bytes: nothing raises, and both paths of the decoder say the same."""

import datetime as dt
import json
import re
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.decoding.decoder import Decoder
from schemas.decoding.diagnosis import Accepted, Diagnosis
from schemas.events import COMMON_MEMBERS, EVENT_TYPES
from schemas.refusals import Refusal
from tests.unit.schemas.lines import Line

DECODER = Decoder(dimensions=("team",), currencies={"EUR": 0}, max_record_bytes=2_000)
DIAGNOSIS = Diagnosis(
    signup=DECODER.signup,
    currencies={"USD": 0, "EUR": 0},
    future_tolerance_ms=3_600_000,
    latest_ms=None,
    max_record_bytes=2_000,
)


FAR_MS = 2**62
TYPES = [event_type.TYPE for event_type in EVENT_TYPES]
WORDS_OF_NOTE = "a none other pro Pro DE de USD EUR CHF too_expensive nps csat sent answered dismissed email renewed ü"
TEXTS = [
    *re.findall(r"\w+", WORDS_OF_NOTE),
    *TYPES,
    "",
    "x" * 64,
    "x" * 65,
    "x" * 257,
    "\ud800",
    "\x00",
    '[{"',
    "1.2345678Z",
]
CLOCK = st.tuples(
    st.sampled_from(["2026-01-01", "1999-12-31", "2030-12-31", "0001-01-01", "2100-01-01", "9999-12-31", "2026-02-30"]),
    st.sampled_from("Tt _"),
    st.sampled_from(["12:00:00", "23:59:59", "00:00:00", "24:00:00", "12:59:60", "23:59:60"]),
    st.one_of(st.just(""), st.text("0159", max_size=10).map(".".__add__)),
    st.sampled_from(["Z", "z", "", "+00:00", "-00:00", "+23:59", "-23:59", "+0530", "+24:00", "+05"]),
).map("".join)
WORDS = st.text('aZ0_-"\\[{é✓\n', max_size=4)
SCALARS = st.one_of(
    st.sampled_from(TEXTS),
    CLOCK,
    st.none(),
    st.booleans(),
    st.integers(-2, 12),
    st.floats(),
    st.integers(),
    WORDS,
    st.sampled_from([10**12, 10**12 + 1, 2**63, -(2**63), 10**400]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2))
NAMES = sorted(
    {*COMMON_MEMBERS, "team", "names_source", *(name for event_type in EVENT_TYPES for name in event_type.OWN_MEMBERS)}
)
SOUND: dict[str, Any] = {
    "id": "a",
    "customer_id": "c",
    "time": "2026-01-01T12:00:00.123Z",
    "plan": "pro",
    "mrr_minor": 5,
    "revokes": "b",
    "kind": "nps",
    "score": 3,
    "outcome": "renewed",
}


def altered(
    event_type: str, changes: dict[str, object], absent: set[str], surplus: bytes, *, ascii_only: bool
) -> bytes:
    """Return the JSON of a sound event with some members changed, one left out, and raw text put in."""
    event = {**SOUND, "type": event_type, **changes}
    text = json.dumps({name: value for name, value in event.items() if name not in absent}, ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass").replace(b'"plan"', surplus + b'"plan"', 1)


EVENTS = st.builds(
    altered,
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3),
    st.sets(st.sampled_from(NAMES), max_size=1),
    st.sampled_from(
        [b"", b'"x":"\xff",', b'"\xff":1,', b'"id":"z",', b'"id":7,', b'"type":"cancel",', b'"\\u0069d":"y",']
    ),
    ascii_only=st.booleans(),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return an event with a few bytes overwritten."""
    event = bytearray(draw(EVENTS))
    place = draw(st.integers(0, len(event)))
    event[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(event)


def judged(record: Line) -> Accepted | Refusal | str:
    """Return the decoder's verdict on one record."""
    decoded = DECODER.decode([record])
    if decoded.refused:
        return decoded.refused[0][1]
    return "test" if decoded.tests else Accepted(decoded.events[0], decoded.times[0], decoded.mended.get(0, ()))


def check(record: Line) -> None:
    """Assert that the decoder and the diagnosis alone come to the same verdict."""
    fast, slow = judged(record), DIAGNOSIS.examine(record)
    if isinstance(slow, Refusal):
        assert slow == fast
        return
    event = slow.event
    if event.test:
        assert fast == "test"
        return
    assert isinstance(fast, Accepted)
    assert (slow.at_ms, slow.mended) == (fast.at_ms, fast.mended)
    # Beyond milliseconds the fast path may hold a time as msgspec rounded it; nothing reads that far.
    assert abs(event.time - fast.event.time) <= dt.timedelta(microseconds=1)
    same_time = {"time": event.time, "effective_at": None} if hasattr(event, "effective_at") else {"time": event.time}
    assert msgspec.structs.replace(event, **same_time) == msgspec.structs.replace(fast.event, **same_time)


@given(EVENTS)
@example(b'{"id":"a","type":"cancel","customer_id":"c","time":"2026-01-01T12:00:00Z","effective_at":null}')
@example(b'{"id":"a","type":"revoke","customer_id":"c","time":"2026-01-01T12:00:00Z","revokes":"b","x":{"source":1}}')
@example(
    b'{"id":"a","type":"revoke","customer_id":"c","time":"2026-01-01T12:00:00Z","revokes":"b","names_source":false}'
)
@example(b'{"id":"a","type":"activity","customer_id":"c","time":"2026-01-01T12:00:00.1234567+0000"}')
def test_fast_and_slow_path_agree_on_events_with_odd_members(value: bytes) -> None:
    """The slow path is the rule book; the fast one may only be faster."""
    check(Line(value))
    check(Line(value, timestamp=FAR_MS))


@given(damaged())
def test_fast_and_slow_path_agree_on_damaged_bytes(value: bytes) -> None:
    """A flipped byte somewhere must not be the difference between two workers."""
    check(Line(value))


@given(st.binary(max_size=300))
def test_no_bytes_raise(value: bytes) -> None:
    """An exception that leaves the decoder would stop the partition."""
    check(Line(value))


ATTRIBUTES = ("specversion", "id", "type", "source", "time", "subject", "x")
HEADER_NAMES = [*(f"ce_{name}" for name in ATTRIBUTES), "content-type", "traceparent"]
HEADER_VALUES = [
    b"1.0",
    b"0.3",
    b"com.example.signup",
    b"2026-01-01T12:00:00.9999999Z",
    b"application/cloudevents+json; charset=UTF-8",
    b"application/cloudevents+avro",
    b"application/json",
    b"\xff",
]
HEADERS = st.lists(
    st.tuples(st.sampled_from(HEADER_NAMES), st.sampled_from(HEADER_VALUES) | st.binary(max_size=3)), max_size=8
).map(tuple)


@given(EVENTS | damaged(), HEADERS)
def test_fast_and_slow_path_agree_on_cloudevents(value: bytes, headers: tuple[tuple[str, bytes], ...]) -> None:
    """Envelopes come from other people's libraries; they are as odd as the events."""
    check(Line(value, headers=headers))


@given(st.lists(EVENTS | damaged(), max_size=6))
def test_neighbours_in_a_batch_do_not_change_a_verdict(values: list[bytes]) -> None:
    """Some checks look at the whole batch at once; how Kafka cut the batches may not matter."""
    records = [Line(value) for value in values]
    together = DECODER.decode(records)
    alone = [DECODER.decode([record]) for record in records]
    assert sum(decoded.tests for decoded in alone) == together.tests
    assert [time_ms for decoded in alone for time_ms in decoded.times] == together.times
    assert [refused for decoded in alone for refused in decoded.refused] == together.refused
    assert [event.id for decoded in alone for event in decoded.events] == [event.id for event in together.events]
