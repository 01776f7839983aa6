"""Instants as integers, milliseconds since 1970, and as events have them; exact.

Pure. In words: `kpis.instants`.
"""

import datetime as dt
from typing import Final

DAY_MS: Final = 86_400_000
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def milliseconds(instant: dt.datetime) -> int:
    """Return an aware instant in ms since 1970; what is finer is cut off towards the past, never rounded."""
    since = instant - EPOCH
    return since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000


def text_of_instant(instant: dt.datetime) -> str:
    """Return an aware instant as events have it: RFC 3339 with Z, with decimals where it has any."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
