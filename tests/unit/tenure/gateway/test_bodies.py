"""Bodies of requests: what each content type holds, and what cannot be taken apart."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.gateway.bodies import (
    CONTENT_TYPES,
    ENVELOPE,
    ENVELOPES,
    EVENTS_MAX,
    JSON,
    LINES,
    BodyError,
    content_type_of,
    events_in,
)

ONE, TWO = b'{"id": "1"}', b'{"id": "2", "x": [1, {"y": "\\u00e9"}]}'
STRUCTURED = (("content-type", b"application/cloudevents+json"),)


@pytest.mark.parametrize(
    ("content_type", "body", "values"),
    [
        (JSON, ONE, [ONE]),
        (JSON, b" \n" + ONE, [b" \n" + ONE]),
        (JSON, b"[" + ONE + b", " + TWO + b"]", [ONE, TWO]),
        (JSON, b"[]", []),
        (LINES, ONE + b"\n\r\n" + TWO + b"\n", [ONE, TWO]),
        (LINES, b"{}\n" * EVENTS_MAX, [b"{}"] * EVENTS_MAX),
        (JSON, b"[" + b",".join([b"{}"] * EVENTS_MAX) + b"]", [b"{}"] * EVENTS_MAX),
        (JSON, b"[null, 1]", [b"null", b"1"]),
        (ENVELOPE, ONE, [ONE]),
        (ENVELOPES, b"[" + ONE + b"," + TWO + b"]", [ONE, TWO]),
    ],
    ids=[
        "object",
        "object-after-blanks",
        "array",
        "empty-array",
        "lines",
        "most-lines",
        "most",
        "no-objects",
        "cloudevent",
        "cloudevents",
    ],
)
def test_events_of_a_body_come_out_byte_for_byte(content_type: str, body: bytes, values: list[bytes]) -> None:
    """What is judged here must be what the stream reads later."""
    events = events_in(body, content_type, {})
    assert [event.value for event in events] == values
    announced = STRUCTURED if content_type in (ENVELOPE, ENVELOPES) else ()
    assert {event.headers for event in events} <= {announced}


def test_attributes_in_headers_are_those_of_the_kafka_binding() -> None:
    """HTTP encodes by per cent and begins with `ce-`, Kafka has bytes and begins with `ce_`."""
    headers = {"ce-id": "a%20b", "ce-specversion": "1.0", "ce-source": "/app", "x-other": "1"}
    (event,) = events_in(ONE, JSON, headers)
    assert event.headers == (
        ("content-type", b"application/json"),
        ("ce_id", b"a b"),
        ("ce_specversion", b"1.0"),
        ("ce_source", b"/app"),
    )


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (None, JSON),
        ("application/json; charset=utf-8", JSON),
        ("Application/JSONL", LINES),
        ("application/ndjson", LINES),
        *((each, each) for each in CONTENT_TYPES),
    ],
    ids=lambda each: str(each).replace("; ", "-"),
)
def test_content_types_are_read_as_senders_write_them(said: str | None, read: str) -> None:
    """Three names of lines are in use, and `curl --json` and browsers write parameters."""
    assert content_type_of({} if said is None else {"content-type": said}) == read


@pytest.mark.parametrize(
    "headers", [{"content-type": "text/csv"}, {"content-encoding": "gzip"}], ids=["csv", "compressed"]
)
def test_what_is_not_read_is_refused_with_what_is(headers: dict[str, str]) -> None:
    """A sender that guesses sees which to choose."""
    with pytest.raises(BodyError, match="; send ") as raised:
        content_type_of(headers)
    assert raised.value.status == 415


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (JSON, b" ", 400),
        (LINES, b"\n\n", 400),
        (JSON, b'[{"id": 1},', 400),
        (ENVELOPES, b'{"id": 1}', 400),
        (JSON, b"[" * 5_000, 400),
        (JSON, b'["\xff"', 400),
        (LINES, b"{}\n" * (EVENTS_MAX + 1), 413),
        (JSON, b"[" + b"{}," * EVENTS_MAX + b"{}]", 413),
    ],
    ids=["blank", "no-lines", "cut", "no-array", "deep", "no-text", "too-many-lines", "too-many"],
)
def test_body_that_cannot_be_taken_apart_is_refused(content_type: str, body: bytes, status: int) -> None:
    """Nothing of it is sent, and the sender is told."""
    with pytest.raises(BodyError) as raised:
        events_in(body, content_type, {})
    assert raised.value.status == status


@pytest.mark.parametrize(("content_type", "beyond"), [(LINES, b"1\n"), (JSON, b"1,")], ids=["lines", "array"])
def test_events_beyond_the_limit_are_not_taken_apart(content_type: str, beyond: bytes) -> None:
    """A body of a few megabytes holds millions of values, for which there would be no memory: its end is unread."""
    body = (b"[" if content_type == JSON else b"") + beyond * EVENTS_MAX * 2 + b"[no JSON"
    with pytest.raises(BodyError, match="more than 10,000 events are too many"):
        events_in(body, content_type, {})


@given(body=st.binary(), content_type=st.sampled_from(CONTENT_TYPES))
def test_any_bytes_are_taken_apart_or_refused(body: bytes, content_type: str) -> None:
    """Whatever is sent: nothing else is raised."""
    try:
        events_in(body, content_type, {})
    except BodyError as error:
        assert error.status in (400, 413)  # noqa: PT017 - either is fine


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans()))))
def test_array_and_lines_hold_the_same_events(events: list[dict[str, object]]) -> None:
    """Producers choose the form that they have."""
    values = [msgspec.json.encode(event) for event in events]
    in_array = events_in(b"[" + b",".join(values) + b"]", JSON, {})
    assert [event.value for event in in_array] == values
    if values:
        assert events_in(b"\n".join(values), LINES, {}) == in_array


@pytest.mark.parametrize(
    ("content_type", "body", "advice"),
    [
        (JSON, ONE + b"\n" + TWO, LINES),
        (JSON, ONE + b"\n\n" + TWO + b"\n{oops", LINES),
        (LINES, b"[" + ONE + b",\n" + TWO + b"]", JSON),
        (LINES, b" []", JSON),
    ],
    ids=["lines", "broken-later", "array", "empty-array"],
)
def test_body_of_another_type_than_its_header_says_is_told_the_right_one(
    content_type: str, body: bytes, advice: str
) -> None:
    """Each line of an array is malformed, and so is a file of lines: the events are right, and the header is not."""
    with pytest.raises(BodyError, match=f"send (it|them) as {advice}") as refused:
        events_in(body, content_type, {})
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("content_type", "body", "count"),
    [
        (JSON, b'{\n"id": "1",\n"x": {}\n}', 1),
        (JSON, ONE + b"\nrest", 1),
        (LINES, b"[oops\n" + ONE, 2),
        (LINES, b"[1]\n" + ONE, 2),
    ],
    ids=["over-lines", "trailing", "broken-first", "array-first"],
)
def test_body_of_one_broken_event_is_left_to_the_judgement_of_events(
    content_type: str, body: bytes, count: int
) -> None:
    """That says which of them is wrong, and how."""
    assert len(events_in(body, content_type, {})) == count
