"""Recurly's older notifications, which are XML, as JSON of the same members.

An element of elements is an object, one of type `array` a list, all others texts, integers and booleans by their type.
Source: Recurly documentation, "Subscription notifications".
"""

from typing import Any, Final
from xml.etree import ElementTree as ET

import msgspec

#: Declarations, and what UTF-16 has between its letters: the parser tells it by its looks.
_NOT_READ: Final = ("<!", "\0")
_INTEGERS: Final = ("integer",)


def json_of(value: bytes) -> bytes:
    """Return a record as JSON; what is no XML of a notification as it is, to be refused as no JSON.

    It is read as UTF-8 alone: in another encoding a declaration would look otherwise.
    """
    try:
        text = value.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return value
    if not text.startswith("<") or any(sign in text for sign in _NOT_READ):
        return value
    try:
        root = ET.fromstring(text)  # noqa: S314 - declarations, which could blow it up, are not read
        return msgspec.json.encode({root.tag: _value_of(root)})
    except (ET.ParseError, ValueError, LookupError, RecursionError):
        return value


def _value_of(element: ET.Element) -> Any:
    kind, text = element.get("type"), (element.text or "").strip()
    if kind == "array":
        return [_value_of(child) for child in element]
    if len(element):
        return {child.tag: _value_of(child) for child in element}
    if element.get("nil") == "true" or not text:
        return None
    if kind in _INTEGERS:
        return int(text)
    return text == "true" if kind == "boolean" else text
