"""Instants as integers, milliseconds since 1970, and back; how they become integers stands in `schemas.instants`."""

from __future__ import annotations

import datetime as dt
from typing import Final

from schemas.instants import EPOCH

#: The first and the last millisecond that a calendar of four-digit years has.
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_999


def instant_of(at_ms: int) -> dt.datetime:
    """Return ms since 1970 as an instant in UTC; one beyond the years 1 to 9999 as the nearest that is not.

    Event times never lie there. Timestamps of records may: whoever sends a record chooses them.
    """
    return EPOCH + dt.timedelta(milliseconds=min(max(at_ms, _FIRST_MS), _LAST_MS))


def instant_text(at_ms: int) -> str:
    """Return ms since 1970 as RFC 3339 in UTC, with a fraction only where there is one."""
    fraction = f".{at_ms % 1000:03}" if at_ms % 1000 else ""
    return f"{instant_of(at_ms).replace(tzinfo=None).isoformat(timespec='seconds')}{fraction}Z"


def end_of_bucket_ms(instant_ms: int, bucket_minutes: int) -> int:
    """Return the end of the bucket that holds an instant: the first boundary after it (ms since 1970 UTC)."""
    bucket_ms = bucket_minutes * 60_000
    return (instant_ms // bucket_ms + 1) * bucket_ms
