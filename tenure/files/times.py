"""Instants of a file as RFC 3339: epochs, and local times of a named zone. Exact: no float is made of any.

What it cannot read it leaves as it is, to be refused with the reason. Text with an offset is the decoder's affair.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from schemas.instants import EPOCH
from tenure.files.notation import Notation, TimeForm

LOCAL_TIME: Final = re.compile(r"\s*(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d+))?)?)?\s*", re.ASCII)
"""A date, or a date and time, without an offset."""
EPOCH_TIME: Final = re.compile(r"\s*(-?\d{1,18})(?:\.(\d*))?\s*", re.ASCII)
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)  # arithmetic on UTC, the Z is written as text
_DECIMALS_TO_MICROSECOND: Final = {TimeForm.EPOCH_S: 6, TimeForm.EPOCH_MS: 3}


def instant_of(text: str, notation: Notation) -> str:
    """Return a time as RFC 3339 in UTC where the notation says how to read it, else the text as it is.

    Decimals beyond microseconds are cut. A local time that comes twice is the first of the two; one that does not
    exist is read with the offset from before the gap; a date is its first instant.
    """
    if notation.time is not TimeForm.RFC3339 and (epoch := EPOCH_TIME.fullmatch(text)):
        return instant_text(_microseconds(epoch[1], epoch[2] or "", _DECIMALS_TO_MICROSECOND[notation.time])) or text
    if notation.time_zone is not None and (local := LOCAL_TIME.fullmatch(text)):
        return _of_local_time(local, notation.time_zone) or text
    return text


def instant_text(microseconds: int) -> str | None:
    """Return microseconds since 1970 UTC as RFC 3339 with Z; None where no calendar has such a day."""
    try:
        return (_NAIVE_EPOCH + dt.timedelta(microseconds=microseconds)).isoformat() + "Z"
    except OverflowError:
        return None


def _microseconds(whole: str, decimals: str, places: int) -> int:
    kept = int(whole + decimals[:places].ljust(places, "0"))
    # Cut means earlier, before 1970 too.
    return kept - (whole.startswith("-") and decimals[places:].strip("0") != "")


def _of_local_time(local: re.Match[str], zone: dt.tzinfo) -> str | None:
    date, minute, seconds, decimals = local.groups()
    try:
        begun = dt.datetime.fromisoformat(f"{date}T{minute or '00:00'}")
        if seconds == "60":  # A leap second is the first instant of the next minute.
            moment = begun + dt.timedelta(minutes=1)
        else:
            moment = begun.replace(second=int(seconds or 0), microsecond=int((decimals or "")[:6].ljust(6, "0")))
        # `fold` is 0: the first of two, or before the gap.
        return moment.replace(tzinfo=zone).astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError):
        return None
