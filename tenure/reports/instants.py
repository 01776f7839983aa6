"""The instants and days that commands are asked about, as options such as `--at` give them.

Pure: the time of day comes in as a number. A KPI is as of a bucket boundary
(docs/definitions.md, section Time and identity).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kpis.instants import instant_text
from schemas.decoding.rules import EARLIEST_MS, LATEST_MS
from schemas.instants import EPOCH, milliseconds
from streams.errors import UsageError

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_AGE: Final = re.compile(r"(\d{1,6})([mhd])")
_AGE_UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WITHOUT_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


def parse_boundary_ms(text: str, *, bucket_minutes: int, time_zone: str, option: str = "--at") -> int:
    """Read the T of `--at T`.

    Args:
        text: RFC 3339 with an offset, or a date, which stands for its first instant in the business time zone.
        bucket_minutes: The width of a bucket.
        time_zone: The business time zone (IANA name).
        option: What the instant was given by, for messages.

    Returns:
        The instant, in ms since 1970 UTC: a multiple of the bucket.

    Raises:
        UsageError: It is no instant, lies outside of 2000 to 2100, or on no bucket boundary (the nearest are named).
    """
    microseconds = _microseconds(text, time_zone, option)
    bucket_microseconds = bucket_minutes * 60_000_000
    before = microseconds // bucket_microseconds * bucket_minutes * 60_000
    if microseconds % bucket_microseconds:
        after = before + bucket_minutes * 60_000
        raise UsageError(
            f"{option} {text}: a KPI is as of a multiple of {bucket_minutes} minutes; "
            f"the nearest are {instant_text(before)} and {instant_text(after)}"
        )
    return before


def parse_instant_ms(text: str, *, time_zone: str, option: str, now_ms: int) -> int:
    """Read an instant that an option gives, or how long ago it was.

    Args:
        text: RFC 3339 with an offset; a date, which stands for its first instant in the business time zone; or an age
            in minutes, hours or days, such as 90m, 2h or 7d.
        time_zone: The business time zone (IANA name).
        option: What the instant was given by, for messages.
        now_ms: What time it is (ms since 1970).

    Returns:
        The instant, in ms since 1970 UTC.

    Raises:
        UsageError: It is no instant, or lies outside of 2000 to 2100.
    """
    age = _AGE.fullmatch(text.strip().lower())
    if age is not None:
        return max(now_ms - int(age[1]) * _AGE_UNITS_MS[age[2]], EARLIEST_MS)
    return _microseconds(text, time_zone, option) // 1000


def _microseconds(text: str, time_zone: str, option: str) -> int:
    """Return an instant of an option in microseconds since 1970 UTC; errors are those of `parse_instant_ms`."""
    upper = text.strip().upper()
    try:
        if _RFC_3339.fullmatch(upper):
            instant = datetime.fromisoformat(upper)
        elif _DAY.fullmatch(upper):
            instant = datetime.combine(date.fromisoformat(upper), time(), ZoneInfo(time_zone))
        elif _WITHOUT_OFFSET.fullmatch(upper):
            raise UsageError(f"{option} {text}: the offset from UTC is missing; write for example {upper}Z")
        else:
            raise UsageError(
                f"{option} {text}: not an instant; write for example 2026-03-01, 2026-03-01T00:00:00Z or 2h (ago)"
            )
    except ValueError as error:
        raise UsageError(f"{option} {text}: there is no such day or time; write for example 2026-03-01") from error
    microseconds = (instant - EPOCH) // timedelta(microseconds=1)
    if not EARLIEST_MS <= microseconds // 1000 <= LATEST_MS:
        raise UsageError(f"{option} {text}: only the years 2000 to 2099 are counted")
    return microseconds


def parse_day(text: str, *, option: str) -> datetime:
    """Return the first instant of a day in UTC.

    Args:
        text: YYYY-MM-DD.
        option: What the day was given by, for messages.

    Raises:
        UsageError: It is no day, or nothing that happens before it can count.
    """
    if not _DAY.fullmatch(text.strip()):
        raise UsageError(f"{option} {text}: not a day; write for example 2026-03-01")
    try:
        instant = datetime.combine(date.fromisoformat(text.strip()), time(), UTC)
    except ValueError as error:
        raise UsageError(f"{option} {text}: there is no such day; write for example 2026-03-01") from error
    if not EARLIEST_MS < milliseconds(instant) <= LATEST_MS:
        raise UsageError(f"{option} {text}: only the years 2000 to 2099 are counted")
    return instant
