"""Instants as whole milliseconds since 1970, and the local calendar of a time zone.

Not a clock: nothing here knows what time it is.
Definitions: section 1 (event time, month), section 5 (arithmetic on the local calendar); the contract, `time`.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)


def instant_ms(moment: datetime) -> int:
    """Return an aware moment as milliseconds since 1970; what is finer is cut off."""
    assert moment.tzinfo is not None, f"{moment} has no time zone"
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def moment_of(at_ms: int) -> datetime:
    """Return an instant (milliseconds since 1970) as a moment in UTC."""
    return EPOCH + timedelta(milliseconds=at_ms)


def read_instant_ms(text: str) -> int | None:
    """Return the instant that a text of RFC 3339 names, in milliseconds since 1970; None where it names none.

    A space may stand for the T, an offset may be `+HH` or `+HHMM`; a second 60 is the first instant of the next minute.
    """
    found = RFC_3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = found.groups()[6:]
    # RFC 3339 has a year 0, which datetime has not. The year 400 has its calendar, and is as much out of range.
    year = year or 400
    ahead_hours, ahead_minutes = int(offset_hours or 0), int(offset_minutes or 0)
    if not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    if max(hour, ahead_hours) > 23 or max(minute, ahead_minutes) > 59 or second > 60:
        return None
    begun_ms = instant_ms(datetime(year, month, day, hour, minute, tzinfo=UTC)) + second * 1_000
    within_ms = 0 if second == 60 else int(((fraction or "") + "000")[:3])
    ahead_ms = (ahead_hours * 60 + ahead_minutes) * MINUTE_MS
    return begun_ms + within_ms - (-ahead_ms if sign == "-" else ahead_ms)


def local_moment(at_ms: int, zone: ZoneInfo) -> datetime:
    """Return the local date and time of an instant."""
    return moment_of(at_ms).astimezone(zone)


def local_instant_ms(local: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a local date and time; one that does not exist or comes twice is taken with fold 0."""
    return instant_ms(local.replace(tzinfo=zone, fold=0).astimezone(UTC))


def day_start_ms(day: date, zone: ZoneInfo) -> int:
    """Return the first instant of a local day."""
    return local_instant_ms(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - the zone is handed on


def month_start_ms(end_ms: int, zone: ZoneInfo) -> int:
    """Return the first instant of the calendar month that contains the instant just before `end_ms`."""
    just_before = local_moment(end_ms - 1, zone)
    return day_start_ms(date(just_before.year, just_before.month, 1), zone)


def months_later(local: datetime, months: int) -> datetime:
    """Return the same local time so many calendar months later, clipped to the month's last day."""
    years, month = divmod(local.month - 1 + months, 12)
    year = local.year + years
    return local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))


def weeks_later(local: datetime, weeks: int) -> datetime:
    """Return the same local time so many weeks later."""
    return local.replace(tzinfo=None) + timedelta(weeks=weeks)


def written(at_ms: int) -> str:
    """Return an instant as reports have it, in UTC."""
    return moment_of(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ")
