"""Instants in foreign records that are written as texts: read as events' times are, and written in one form.

What lies outside the years that events may have is refused here, with its member: arithmetic with it may have no end.
Source: docs/events.md, section Members.
"""

import datetime as dt
from typing import Final

from schemas.adapters.reading import Node, SourceFault
from schemas.decoding.instant_texts import instant_of
from schemas.decoding.rules import EARLIEST_MS, LATEST_MS
from schemas.instants import EPOCH, milliseconds, text_of_instant
from schemas.refusals import Reason

_MICROSECOND: Final = dt.timedelta(microseconds=1)


def in_range(node: Node, name: str, at: dt.datetime) -> dt.datetime:
    """Return the instant of a member.

    Raises:
        SourceFault: It lies outside the years that events may have.
    """
    if not EARLIEST_MS <= milliseconds(at) < LATEST_MS:
        problem = f"must lie from 2000 to 2099, and is {text_of_instant(at)}"
        raise SourceFault(Reason.TIME_OUT_OF_RANGE, node.path_of(name), problem)
    return at


def optional_instant(node: Node, name: str) -> str:
    """Return a member that is a date and time with Z or an offset, in UTC with Z; empty where it is absent."""
    text = node.optional_text(name)
    if not text:
        return ""
    found = instant_of(text)
    if found is None:
        raise node.wrong(name, "must be a date and time with Z or an offset, such as 2026-03-01T09:30:00Z")
    return text_of_instant(in_range(node, name, found))


def instant(node: Node, name: str) -> str:
    """Return a member that is a date and time with Z or an offset, in UTC with Z."""
    found = optional_instant(node, name)
    if not found:
        raise node.missing(name)
    return found


def moment(text: str) -> dt.datetime:
    """Return the instant that such a text means."""
    return dt.datetime.fromisoformat(text)


def sequence_of(text: str) -> int:
    """Return the number of an instant among all, as a `sequence` (microseconds since 1970); 0 where there is none."""
    return (moment(text) - EPOCH) // _MICROSECOND if text else 0
