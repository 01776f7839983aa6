"""Times as other systems write them, as instants of RFC 3339: local times of a named zone, and counts since 1970.

Exact: no float is made of any. Texts with an offset: `schemas.decoding.instant_texts`.
"""

import datetime as dt
import re
from typing import Final

from schemas.instants import EPOCH, text_of_instant

LOCAL_TIME: Final = re.compile(r"\s*(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d+))?)?)?\s*", re.ASCII)
"""A date, or a date and time, without an offset."""
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)  # arithmetic on UTC, the Z is written as text


def instant_text(microseconds: int) -> str | None:
    """Return microseconds since 1970 UTC as RFC 3339 with Z; None where no calendar has such a day."""
    text = local_text(microseconds)
    return None if text is None else f"{text}Z"


def local_text(microseconds: int) -> str | None:
    """Return microseconds since 1970 as a date and time without an offset; None where no calendar has such a day."""
    try:
        return (_NAIVE_EPOCH + dt.timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:
        return None


def instant_of_local_time(local: re.Match[str], zone: dt.tzinfo) -> str | None:
    """Return a match of `LOCAL_TIME` as RFC 3339 with Z; None where no calendar has such a day."""
    instant = local_instant(local, zone)
    return None if instant is None else text_of_instant(instant)


def local_instant(local: re.Match[str], zone: dt.tzinfo) -> dt.datetime | None:
    """Return the instant that a match of `LOCAL_TIME` names (UTC); None where no calendar has such a day.

    Decimals beyond microseconds are cut. A time that comes twice is the first of the two; one that does not exist is
    read with the offset from before the gap; a date is its first instant.
    """
    date, minute, seconds, decimals = local.groups()
    try:
        begun = dt.datetime.fromisoformat(f"{date}T{minute or '00:00'}")
        if seconds == "60":  # A leap second is the first instant of the next minute.
            moment = begun + dt.timedelta(minutes=1)
        else:
            moment = begun.replace(second=int(seconds or 0), microsecond=int((decimals or "")[:6].ljust(6, "0")))
        # `fold` is 0: the first of two, or before the gap.
        return moment.replace(tzinfo=zone).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
