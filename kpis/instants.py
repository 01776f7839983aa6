"""Instants as integers: milliseconds since 1970, exact."""

from __future__ import annotations

import datetime as dt
from typing import Final

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def milliseconds(instant: dt.datetime) -> int:
    """Return an aware instant in ms since 1970; what is finer is cut off, never rounded."""
    since = instant - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def instant_of(at_ms: int) -> dt.datetime:
    """Return ms since 1970 as an instant in UTC."""
    return _EPOCH + dt.timedelta(milliseconds=at_ms)
