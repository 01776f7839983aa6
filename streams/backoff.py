"""Backoff: growing pauses before a service that did not answer is asked again."""

from __future__ import annotations

import asyncio
from typing import Final

_FIRST_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 5.0


class Backoff:
    """Pauses between tries, each twice as long as the one before: an outage is noticed, and not fed."""

    def __init__(self) -> None:
        """Begin with a short one."""
        #: how long the next pause is (s)
        self.seconds = _FIRST_SECONDS

    def take(self) -> float:
        """Return how long to wait now (s); the next pause is longer."""
        seconds, self.seconds = self.seconds, min(2 * self.seconds, _LONGEST_SECONDS)
        return seconds

    async def pause(self) -> None:
        """Wait."""
        await asyncio.sleep(self.take())
