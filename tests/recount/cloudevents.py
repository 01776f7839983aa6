"""CloudEvents 1.0 in the structured and the binary mode of the Kafka binding, as the members of a plain event.

Not validation: attributes that are missing or wrong are found where members are.
Definitions: the contract, CloudEvents.
"""

import base64
import json
from collections.abc import Mapping
from typing import NoReturn

from tests.recount.records import Record
from tests.recount.refusals import Reason, RefusedError

STRUCTURED = "application/cloudevents+json"
#: Attributes that stand for members of the same name; data cannot replace them.
ATTRIBUTES = ("id", "source", "time")
Members = Mapping[str, object]


def parsed_object(content: bytes) -> dict[str, object]:
    """Return the JSON object that the bytes are.

    Raises:
        RefusedError: they are none.
    """
    try:
        found = json.loads(
            content.decode(), parse_constant=_refuse_constant, parse_int=_integer, object_pairs_hook=_object
        )
        json.dumps(found, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        raise RefusedError(Reason.MALFORMED_JSON, str(error)) from error
    if not isinstance(found, dict):
        raise RefusedError(Reason.MALFORMED_JSON, "not an object")
    return found


def _object(pairs: list[tuple[str, object]]) -> Members:
    """Return the members of an object: of those under one name the last.

    Raises:
        UnicodeEncodeError: one of the others holds half of a surrogate pair, which is no character, and has no bytes.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        json.dumps(pairs, ensure_ascii=False, default=str).encode()
    return found


def members_of(record: Record) -> tuple[Members, bool]:
    """Return the members of the event that a record holds, and whether it came as a CloudEvent.

    Raises:
        RefusedError: the record, or the data of its CloudEvent, is no JSON object.
    """
    headers = {name.lower(): value for name, value in record.headers}
    content_type = headers.get("content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    value = record.value or b""
    announced = content_type == STRUCTURED or any(name.startswith("ce_") for name in headers)
    if value[:1] == b"\0" and value[5:6] == b"{" and not announced:
        # A frame: a zero byte, and four that name a schema.
        return parsed_object(value[5:]), False
    found = parsed_object(value)
    if content_type == STRUCTURED or (record.is_line and "specversion" in found):
        return _joined(found, _data_of(found)), True
    if any(name.startswith("ce_") for name in headers):
        attributes = {name.removeprefix("ce_"): _text(value) for name, value in headers.items() if name[:3] == "ce_"}
        return _joined(attributes, found), True
    return found, False


def _joined(attributes: Members, data: Members) -> Members:
    joined = {name: value for name, value in data.items() if name not in {*ATTRIBUTES, "type", "specversion"}}
    joined |= {name: attributes.get(name) for name in (*ATTRIBUTES, "specversion")}
    named = attributes.get("type")
    joined["type"] = named.rpartition(".")[2] if isinstance(named, str) else named
    if joined.get("customer_id") is None:
        joined["customer_id"] = attributes.get("subject")
    return joined


def _data_of(envelope: Members) -> Members:
    if envelope.get("data_base64") is not None:
        try:
            return parsed_object(base64.b64decode(str(envelope["data_base64"]), validate=True))
        except ValueError as error:
            raise RefusedError(Reason.MALFORMED_JSON, str(error)) from error
    data = envelope.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise RefusedError(Reason.MALFORMED_JSON, "data is no object")
    return data


def _text(value: bytes) -> object:
    """Return a header's text; bytes that are none stay bytes, which no member may be."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _integer(digits: str) -> int | float:
    """Return an integer; one of more digits than any member takes is no integer here, as Python reads none of those."""
    return int(digits) if len(digits) <= 1_000 else float("inf")
