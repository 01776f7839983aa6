"""CloudEvents 1.0 in the Kafka protocol binding, turned into the product's own JSON.

Structured: header `content-type: application/cloudevents+json`, the value is the envelope. Binary: the attributes are
headers with the prefix `ce_`, the value is the data. In both, `id`, `source` and `time` are the envelope's, the event's
type is the last dot-separated part of the envelope's, and `subject` names the customer unless the data does.
One of the formats of `schemas.decoding.wire_formats`.
Source: CloudEvents 1.0.2, JSON format and Kafka protocol binding; docs/events.md, section CloudEvents.
"""

import base64
from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.refusals import Reason, Refusal

CONTENT_TYPE: Final = "content-type"
STRUCTURED: Final = b"application/cloudevents"
STRUCTURED_JSON: Final = b"application/cloudevents+json"
PREFIX: Final = "ce_"
TAKEN_OVER: Final = ("id", "source", "time")
# Of a record with any of the others but without these nothing is counted.
_READ: Final = frozenset({CONTENT_TYPE, "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject"})
NOTHING: Final = b"{}"
#: See `schemas.decoding.wire_formats`.
HOLDS_JSON: Final = True

Headers = Sequence[tuple[str, bytes | None]]
Members = dict[str, msgspec.Raw]
_NULL: Final = msgspec.Raw(b"null")
_NO_TEXT: Final = msgspec.Raw(b'["bytes that are not UTF-8"]')

_read_members: Final = msgspec.json.Decoder(Members).decode
_write: Final = msgspec.json.Encoder().encode


def is_announced(headers: Headers) -> bool:
    """Tell whether the headers announce a CloudEvent; tracing headers and the like do not.

    Any attribute shows the intent; that others are missing is then an error.
    """
    for name, header in headers:
        lower = name.lower()
        if lower.startswith(PREFIX):
            return True
        if header is not None and lower == CONTENT_TYPE and header.strip().lower().startswith(STRUCTURED):
            return True
    return False


def carries_event(name: str) -> bool:
    """Return whether a header of this name belongs to a CloudEvent; all others say nothing of the event."""
    lower = name.lower()
    return lower.startswith(PREFIX) or lower == CONTENT_TYPE


def is_read(name: str) -> bool:
    """Return whether what is counted may depend on a header of this name."""
    return name.lower() in _READ


def translate(value: bytes, headers: Headers) -> tuple[bytes, Refusal | None]:
    """Return the product's own JSON of a CloudEvent, and what is wrong with the envelope itself, if anything.

    Args:
        value: The record's value, UTF-8 and not nested too deeply.
        headers: The record's headers; `is_announced` holds for them.

    Returns:
        The event's JSON (an empty object where there is no telling) and the envelope's fault or None. Faults of the
        members are for the caller to find: the earlier reason of the two decides.
    """
    attributes = {name.lower(): header for name, header in headers if header is not None}
    media_type = attributes.get(CONTENT_TYPE, b"").split(b";")[0].strip().lower()
    try:
        if not media_type.startswith(STRUCTURED):
            return _joined(_binary_envelope(attributes), _read_members(value))
        if media_type != STRUCTURED_JSON:
            return NOTHING, _malformed("of the structured CloudEvents only the JSON format is understood")
        envelope = _read_members(value)
        return _joined(envelope, _read_members(_data(envelope)))
    except UnicodeDecodeError:
        return NOTHING, _malformed("a member of the CloudEvent is not UTF-8")
    except ValueError:  # binascii.Error is one; characters beyond ASCII raise the plain one.
        return NOTHING, _malformed("data_base64 of the CloudEvent is not base64")
    except (msgspec.DecodeError, RecursionError) as error:
        return NOTHING, _malformed(f"the CloudEvent or its data is not a JSON object: {error}")


class _EnvelopeHeading(msgspec.Struct):
    """The members of an envelope that say whose event it is; any type: one wrong member does not hide the others."""

    customer_id: object = None
    type: object = None
    specversion: object = msgspec.UNSET
    subject: object = None
    data: object = None


_read_heading: Final = msgspec.json.Decoder(_EnvelopeHeading).decode
_STRUCTURED_HEADERS: Final[Sequence[tuple[str, bytes]]] = ((CONTENT_TYPE, STRUCTURED_JSON),)


def headers_of(value: bytes) -> Sequence[tuple[str, bytes]] | None:
    """Return the header that a structured CloudEvent out of a file has in Kafka; None where it is none."""
    if b'"specversion"' not in value:
        return None
    try:
        is_envelope = _read_heading(value).specversion is not msgspec.UNSET
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return _STRUCTURED_HEADERS if is_envelope else None


def heading_of(value: bytes) -> tuple[str | None, str | None]:
    """Return the customer of a structured CloudEvent's data or its subject, and the last part of its type."""
    heading = _read_heading(value)
    customer_id = heading.data.get("customer_id") if isinstance(heading.data, dict) else heading.customer_id
    kind = heading.type if isinstance(heading.type, str) else None
    return _id_of(customer_id) or _id_of(heading.subject), kind.rpartition(".")[2] if kind else None


def _id_of(member: object) -> str | None:
    """Return an id as its text, which an integer is too."""
    if isinstance(member, int) and not isinstance(member, bool):
        return str(member)
    return member if isinstance(member, str) else None


def _binary_envelope(attributes: dict[str, bytes]) -> Members:
    return {
        name.removeprefix(PREFIX): _attribute(header) for name, header in attributes.items() if name.startswith(PREFIX)
    }


def _attribute(header: bytes) -> msgspec.Raw:
    """Return the JSON of a header; bytes that are no text become what no member may be."""
    try:
        return msgspec.Raw(_write(header.decode()))
    except UnicodeDecodeError:
        return _NO_TEXT


def _data(envelope: Members) -> bytes:
    if _has(envelope, "data_base64"):
        text = msgspec.json.decode(envelope["data_base64"], type=str)
        return base64.b64decode(text, validate=True)
    return bytes(envelope["data"]) if _has(envelope, "data") else NOTHING


def _has(members: Members, name: str) -> bool:
    """Tell whether a member is there; null is absence."""
    return members.get(name, _NULL) != _NULL


def _joined(envelope: Members, data: Members) -> tuple[bytes, Refusal | None]:
    """Let the envelope's attributes replace the data's members of the same names."""
    members = dict(data)
    for name in (*TAKEN_OVER, "type"):
        members.pop(name, None)
        if name in envelope:
            members[name] = envelope[name]
    if "type" in envelope:
        members["type"] = _last_part(envelope["type"])
    if "subject" in envelope and not _has(members, "customer_id"):
        members["customer_id"] = envelope["subject"]
    return _write(members), _fault_of_envelope(envelope)


def _last_part(attribute: msgspec.Raw) -> msgspec.Raw:
    name = msgspec.json.decode(attribute)
    return msgspec.Raw(_write(name.rpartition(".")[2])) if isinstance(name, str) else attribute


def _fault_of_envelope(envelope: Members) -> Refusal | None:
    for name in ("specversion", "source"):
        if not _has(envelope, name):
            return Refusal(Reason.MISSING_MEMBER, f"{name}: a CloudEvent must have it")
    version = bytes(envelope["specversion"])
    if version.strip() != b'"1.0"':
        return Refusal(Reason.INVALID_MEMBER, f"specversion: must be 1.0, got {version[:32].decode(errors='replace')}")
    if _has(envelope, "data") and _has(envelope, "data_base64"):
        return Refusal(Reason.INVALID_MEMBER, "data, data_base64: a CloudEvent may have only one of them")
    return None


def _malformed(detail: str) -> Refusal:
    return Refusal(Reason.MALFORMED_JSON, detail)
