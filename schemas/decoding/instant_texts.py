"""Texts of instants, in every form that is read, as the one form that msgspec reads exactly.

Pure; texts that are no instants pass through, for msgspec to refuse. Source: RFC 3339; docs/events.md, section Members.
"""

import datetime as dt
import re
from typing import Final

_INSTANT: Final = re.compile(
    r"([0-9]{4})(-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
)
_HOURS: Final = 3  # characters of an offset without minutes
_MICROSECONDS: Final = 7  # characters of six decimals and their point
# The same calendar as year 0, which RFC 3339 has and `datetime` has not; as far out of range.
_YEAR_0: Final = "0400"


def exact_text(text: str) -> str:
    """Return a text of an instant as msgspec reads it exactly; any other text as it is.

    msgspec rounds beyond six decimals, where event time is cut; it takes neither an offset of hours alone nor a leap
    second. All of a leap second is the first instant of the next minute: there is no place for it between two seconds.
    The grammar knows no calendar of leap seconds: any minute may have one.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        return text
    year, day, minute, second, decimals, offset = match.groups()
    date = (_YEAR_0 if year == "0000" else year) + day
    if len(offset) == _HOURS:
        offset += ":00"
    if second != "60":
        return f"{date}T{minute}:{second}{(decimals or '')[:_MICROSECONDS]}{offset}"
    try:
        begun = dt.datetime.fromisoformat(f"{date}T{minute}") + dt.timedelta(minutes=1)
    except ValueError:
        return text  # no such minute
    except OverflowError:
        return f"{date}T{minute}:59{offset}"  # the last one that can be written, centuries out of range
    return f"{begun.isoformat(timespec='minutes')}:00{offset}"


def instant_of(text: str) -> dt.datetime | None:
    """Return the instant (UTC) that a text names, read as an event's time is; None where it is none."""
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        return dt.datetime.fromisoformat(exact_text(text).upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
