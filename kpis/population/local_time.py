"""The local calendar of a time zone, for many instants at once: the time on the wall, and back.

A wall time is an integer too: milliseconds since 1970 on the local clock, as if that clock had never been changed.
Pure: what a time zone is comes from `zoneinfo`.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from kpis.arrays import Ints
from schemas.instants import DAY_MS, milliseconds

_FIRST: Final = milliseconds(dt.datetime(1999, 1, 1, tzinfo=dt.UTC))
_LAST: Final = milliseconds(dt.datetime(2111, 1, 1, tzinfo=dt.UTC))


class LocalTime:
    """The clock of a time zone from 1999 to 2110."""

    def __init__(self, time_zone: str) -> None:
        """Take the IANA name of a time zone."""
        self._zone = ZoneInfo(time_zone)
        changes_never = self._zone.utcoffset(None) is not None  # such as UTC: its first day says the same
        days = range(_FIRST, _FIRST + DAY_MS if changes_never else _LAST, DAY_MS)
        offsets = [self._offset_ms(day) for day in days]
        changes = [n for n in range(1, len(days)) if offsets[n] != offsets[n - 1]]
        at_ms = [self._change_ms(days[n - 1], days[n]) for n in changes]
        self._changes = np.array(at_ms, np.int64)
        self._offsets = np.array([offsets[0], *(offsets[n] for n in changes)], np.int64)
        # Fold 0: an hour that comes twice is its first coming, one that is left out is counted on from before.
        self._walls = self._changes + np.maximum(self._offsets[:-1], self._offsets[1:])

    def _offset_ms(self, at_ms: int) -> int:
        offset = dt.datetime.fromtimestamp(at_ms // 1000, self._zone).utcoffset()
        assert offset is not None
        return offset // dt.timedelta(milliseconds=1)

    def _change_ms(self, before_ms: int, after_ms: int) -> int:
        """Return the first instant with the offset of `after_ms`; offsets change on whole seconds."""
        after = self._offset_ms(after_ms)
        low, high = before_ms // 1000, after_ms // 1000
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset_ms(middle * 1000) == after:
                high = middle
            else:
                low = middle
        return high * 1000

    def wall(self, at_ms: Ints) -> Ints:
        """Return what the clock on the wall shows at instants."""
        walls: Ints = at_ms + self._offsets[np.searchsorted(self._changes, at_ms, "right")]
        return walls

    def instant(self, wall: Ints) -> Ints:
        """Return the instants at which the clock on the wall shows this, by fold 0 (PEP 495)."""
        instants: Ints = wall - self._offsets[np.searchsorted(self._walls, wall, "right")]
        return instants


@cache  # it looks at a century of days
def local_time(time_zone: str) -> LocalTime:
    """Return the clock of a time zone, by its IANA name."""
    return LocalTime(time_zone)
