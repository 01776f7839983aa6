"""Instants in foreign records that are written as texts, and the sequence numbers that are made of them."""

import datetime as dt

from schemas.adapters.reading import Node
from schemas.instants import EPOCH

_MICROSECOND = dt.timedelta(microseconds=1)


def optional_instant(node: Node, name: str) -> str:
    """Return a member that is a date and time with Z or an offset, as it is written; empty where it is absent."""
    text = node.optional_text(name)
    if not text:
        return ""
    try:
        aware = dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
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
