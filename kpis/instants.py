"""Instants as integers: milliseconds since 1970, exact."""

from __future__ import annotations

import datetime as dt
from typing import Final

DAY_MS: Final = 86_400_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def milliseconds(instant: dt.datetime) -> int:
    """Return an aware instant in ms since 1970; what is finer is cut off, never rounded."""
    since = instant - _EPOCH
    return since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000


def instant_of(at_ms: int) -> dt.datetime:
    """Return ms since 1970 as an instant in UTC."""
    return _EPOCH + dt.timedelta(milliseconds=at_ms)


def instant_text(at_ms: int) -> str:
    """Return ms since 1970 as RFC 3339 in UTC, with a fraction only where there is one."""
    fraction = f".{at_ms % 1000:03}" if at_ms % 1000 else ""
    return f"{instant_of(at_ms):%Y-%m-%dT%H:%M:%S}{fraction}Z"
