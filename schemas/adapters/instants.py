"""Instants in foreign records that are written as texts, and the sequence numbers that are made of them."""

import datetime as dt
from typing import Final

from schemas.adapters.reading import Node
from schemas.instants import EPOCH

_MICROSECOND: Final = dt.timedelta(microseconds=1)
#: Years beyond these are no instants of a business, and arithmetic with them may have no end.
_YEAR_MIN: Final = 1900
_YEAR_MAX: Final = 2200


def optional_instant(node: Node, name: str) -> str:
    """Return a member that is a date and time with Z or an offset, as it is written; empty where it is absent."""
    text = node.optional_text(name)
    if not text:
        return ""
    try:
        found = dt.datetime.fromisoformat(text)
        is_known = found.tzinfo is not None and _YEAR_MIN <= found.year <= _YEAR_MAX
    except ValueError:
        is_known = False
    if not is_known:
        raise node.wrong(name, "must be a date and time with Z or an offset, such as 2026-03-01T09:30:00Z")
    return text


def instant(node: Node, name: str) -> str:
    """Return a member that is a date and time with Z or an offset, as it is written."""
    found = optional_instant(node, name)
    if not found:
        raise node.missing(name)
    return found


def moment(text: str) -> dt.datetime:
    """Return the instant that such a text means."""
    return dt.datetime.fromisoformat(text)


def sequence_of(text: str) -> int:
    """Return the number of an instant among all, as a `sequence` (microseconds since 1970)."""
    return (moment(text) - EPOCH) // _MICROSECOND
