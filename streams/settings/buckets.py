"""Rules for `business_time_zone` and `bucket_minutes`: months begin on bucket boundaries.

Pure but for the time zone database. Rules raise as those of `streams.settings.rules` do.
"""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from streams.settings.rules import RuleBrokenError

MINUTES_PER_DAY: Final = 1440
LEAST_BUCKET_MINUTES: Final = 5
_NO_ZONES: Final = frozenset(("localtime", "Factory"))
"""Names of the time zone database that mean another zone on another machine, or none."""


def check_time_zone(value: str) -> str:
    """A zone that the time zone database knows."""
    if value in _NO_ZONES or not _is_zone(value):
        close = difflib.get_close_matches(value, sorted(available_timezones() - _NO_ZONES), n=1)
        hint = f"did you mean {close[0]}?" if close else "write an IANA name such as Europe/Lisbon"
        raise ValueError(f"no such time zone; {hint}")
    return value


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def check_bucket(value: int) -> int:
    """A bucket divides a day."""
    if not LEAST_BUCKET_MINUTES <= value <= MINUTES_PER_DAY or MINUTES_PER_DAY % value:
        raise ValueError(f"it must divide a day ({MINUTES_PER_DAY} minutes) and be at least 5; use 60, 30 or 15")
    return value


@functools.lru_cache(maxsize=8)
def zone_offsets(zone: str) -> Mapping[int, datetime]:
    """Return every offset from UTC that a zone has from 1999 to 2110, with the first day it was found on.

    These are the years whose months are counted, with a margin for windows that begin before 2000.

    Args:
        zone: IANA name.

    Returns:
        Offset (seconds, east positive) to the first day (UTC) that has it, in order of time. Days are looked at one by
        one: no zone has had an offset for less than a day in these years.
    """
    place = ZoneInfo(zone)
    day, end, step = datetime(1998, 12, 31, tzinfo=UTC), datetime(2111, 1, 1, tzinfo=UTC), timedelta(days=1)
    fixed = place.utcoffset(None)
    if fixed is not None:  # a zone without changes, such as UTC: 40,000 days would say the same
        return {fixed // timedelta(seconds=1): day}
    found: dict[int, datetime] = {}
    while day < end:
        offset = day.astimezone(place).utcoffset()
        assert offset is not None
        found.setdefault(offset // timedelta(seconds=1), day)
        day += step
    return found


def check_bucket_fits_zone(bucket_minutes: int, zone: str) -> None:
    """A month of the business time zone begins on a bucket boundary, whatever the offset at that time."""
    offsets = zone_offsets(zone)
    bad = [offset for offset in offsets if offset % (bucket_minutes * 60)]
    if not bad:
        return
    fitting = math.gcd(MINUTES_PER_DAY, bucket_minutes, *(offset // 60 for offset in offsets))
    shown = ", ".join(f"{_offset_text(offset)} (seen on {offsets[offset]:%Y-%m-%d})" for offset in bad[:3])
    raise RuleBrokenError(
        "bucket_minutes",
        f"it does not divide the offset {shown} of {zone}; use {fitting}, or another business_time_zone",
        "business_time_zone",
    )


def _offset_text(offset_seconds: int) -> str:
    hours, minutes = divmod(abs(offset_seconds) // 60, 60)
    return f"{'-' if offset_seconds < 0 else '+'}{hours:02}:{minutes:02}"
