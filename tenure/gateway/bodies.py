"""Bodies of requests, taken apart into events as Kafka's records will have them.

One JSON object, an array, or one object a line; CloudEvents 1.0 by their HTTP binding, alone, in a batch, or with the
attributes in headers. Nothing of an event is judged here.
Source: CloudEvents 1.0.2, HTTP protocol binding; docs/gateway.md.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import unquote

import msgspec
from msgspec.structs import astuple

from schemas.decoding.cloudevents import CONTENT_TYPE, PREFIX, STRUCTURED_JSON
from streams.records import NO_HEADERS, Headers

EVENTS_MAX: Final = 10_000
"""Events of one request: what is wrong with each of them is told in one answer."""
JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
ENVELOPE: Final = "application/cloudevents+json"
ENVELOPES: Final = "application/cloudevents-batch+json"
CONTENT_TYPES: Final = (JSON, LINES, ENVELOPE, ENVELOPES)

#: By its bytes: of UTF-32 first, whose mark begins as that of UTF-16 does.
_OTHER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_SAME: Final = {"application/ndjson": LINES, "application/jsonl": LINES, "application/jsonlines": LINES}
_HTTP_PREFIX: Final = "ce-"
_LINE: Final = re.compile(rb"\S[^\n]*")
# An array that has a place for each event: what is beyond the last is refused as soon as it is met, while a list would
# be built whole, of millions of values in a body of a few megabytes.
_read_array: Final = msgspec.json.Decoder(
    msgspec.defstruct(
        "EventArray",
        [(f"event_{n}", msgspec.Raw, None) for n in range(EVENTS_MAX)],
        array_like=True,
        forbid_unknown_fields=True,
    )
).decode
# An object of whatever members: none of them is built.
_read_object = msgspec.json.Decoder(msgspec.defstruct("EventObject", [])).decode


class Incoming(NamedTuple):
    """One event as it came.

    Attributes:
        value: Byte for byte.
        headers: What announces its format in Kafka, where it is not the product's own JSON.
    """

    value: bytes
    headers: Headers = NO_HEADERS


class BodyError(Exception):
    """A body that cannot be taken apart.

    Args:
        status: Of the answer.
        message: What is wrong and what to do.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def content_type_of(headers: Mapping[str, str]) -> str:
    """Return the content type of a request, without parameters; one of `CONTENT_TYPES`, JSON where none is said.

    Raises:
        BodyError: It is none of those that are read, or the body is compressed.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise BodyError(415, f"Content-Encoding {coding!r} is not read; send the body as it is")
    said = headers.get(CONTENT_TYPE, JSON).partition(";")[0].strip().lower()
    found = _SAME.get(said, said)
    if found not in CONTENT_TYPES:
        raise BodyError(415, f"Content-Type {said!r} is not read; send {', '.join(CONTENT_TYPES)}")
    return found


def events_in(body: bytes, content_type: str, headers: Mapping[str, str]) -> Sequence[Incoming]:
    """Return the events of a body, in their order.

    Args:
        body: As it came; a byte-order mark of UTF-8 before it is left out.
        content_type: One of `CONTENT_TYPES`.
        headers: Of the request; `ce-` ones make a CloudEvent of the body.

    Raises:
        BodyError: It is empty, not UTF-8 by its mark, no list where it should be one, or holds too many.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    for mark, encoding in _OTHER_MARKS.items():
        if body.startswith(mark):
            raise BodyError(400, f"the body begins with the byte-order mark of {encoding}; send it as UTF-8")
    if not body.strip():
        raise BodyError(400, "the body is empty; send an event as a JSON object")
    attributes = [(name, value) for name, value in headers.items() if name.startswith(_HTTP_PREFIX)]
    if content_type == ENVELOPE:
        return [Incoming(body, _ENVELOPE_HEADERS)]
    if content_type == ENVELOPES:
        return [Incoming(value, _ENVELOPE_HEADERS) for value in _listed(body)]
    if content_type == LINES:
        if body.lstrip()[:1] == b"[" and _is(_read_array, body):
            raise BodyError(400, f"the body is a JSON array, and not one event a line; send it as {JSON}")
        return [Incoming(line) for line in _lines(body)]
    if attributes:
        return [Incoming(body, ((CONTENT_TYPE, JSON.encode()), *map(_attribute, attributes)))]
    if body.lstrip()[:1] == b"[":
        return [Incoming(value) for value in _listed(body)]
    first = [line[0] for line in islice(_LINE.finditer(body), 2)]
    if len(first) > 1 and all(_is(_read_object, line) for line in first):
        raise BodyError(400, f"the body is several JSON objects, one a line; send them as {LINES}, or as an array")
    return [Incoming(body)]


_ENVELOPE_HEADERS: Final[Headers] = ((CONTENT_TYPE, STRUCTURED_JSON),)


def _attribute(header: tuple[str, str]) -> tuple[str, bytes]:
    """Return an attribute of a CloudEvent as the binding of Kafka has it; that of HTTP encodes by per cent."""
    name, value = header
    return PREFIX + name.removeprefix(_HTTP_PREFIX), unquote(value).encode("utf-8", "replace")


def _listed(body: bytes) -> list[bytes]:
    try:
        found = astuple(_read_array(body))
    except msgspec.ValidationError as error:
        if body.lstrip()[:1] == b"[":
            raise _too_many() from error
        raise BodyError(400, f"the body is no JSON array of events: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError(400, f"the body is no JSON array of events: {error}") from error
    return [bytes(value) for value in found if value is not None]


def _is(read: Callable[[bytes], object], text: bytes) -> bool:
    try:
        read(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _lines(body: bytes) -> list[bytes]:
    found = [line[0] for line in islice(_LINE.finditer(body), EVENTS_MAX + 1)]
    if len(found) > EVENTS_MAX:
        raise _too_many()
    return found


def _too_many() -> BodyError:
    return BodyError(413, f"more than {EVENTS_MAX:,} events are too many for one request; send fewer")
