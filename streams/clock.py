"""Time as a value: who needs to know what time it is, is handed a clock.

Live runs read the wall clock, replays run on the time of their events, tests and simulations on a clock that only they
move. Nothing below `streams/` reads any clock; `kpis` is told which instant it counts as of.
All instants are whole milliseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A clock."""

    def now_ms(self) -> int:
        """Return the present instant, in ms since 1970 UTC."""


class WallClock:
    """The time of the machine. It may step back when the machine's clock is corrected."""

    def now_ms(self) -> int:
        """Return the machine's time, cut to ms since 1970 UTC."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that moves when it is told to, and never back.

    Args:
        start_ms: Its first instant, in ms since 1970 UTC.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Return the instant it was last moved to."""
        return self._now_ms

    def advance_ms(self, duration_ms: int) -> None:
        """Move forward by a duration (ms, not negative)."""
        assert duration_ms >= 0, f"a clock does not go back by {-duration_ms} ms"
        self._now_ms += duration_ms

    def move_to_ms(self, instant_ms: int) -> None:
        """Move forward to an instant (ms since 1970 UTC, not before the present one)."""
        assert instant_ms >= self._now_ms, f"a clock does not go back from {self._now_ms} to {instant_ms}"
        self._now_ms = instant_ms
