"""The pace of a consumer's fetches: none is late, and few are small.

A fetch that finds nothing waits at the broker for the first record. After one that has brought little, the next is made
a little later, so that it brings more: small batches cost as much as large ones. Whoever cannot wait says so.
"""

# aiokafka offers no other way to its fetches: docs/decisions/0018.

from __future__ import annotations

import asyncio
from typing import Any, Final

LINGER_SECONDS: Final = 0.2
"""After a fetch that has brought little; the first record after a pause does not wait."""
ENOUGH_BYTES: Final = 128 * 1024
"""After so much (in memory) the next fetch follows at once."""
WAIT_MS: Final = 100
"""A fetch that brings nothing returns after so long: partitions that it did not ask for wait until then."""
QUIET_WAIT_MS: Final = 2000
"""The same where no record came for a second, and none of them can wait."""
UNREAD_SECONDS: Final = 0.1
"""So long aiokafka fetches nothing while something that it has fetched is not taken, or the pause is cut short."""
FETCH_SECONDS: Final = 0.03
"""A fetch that somebody waits for brings at once what there is, or there is nothing."""


class Pace:
    """The pause between two fetches of one consumer; all calls come from the loop of its thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin without a pause."""
        self._loop = loop
        self._pause: asyncio.TimerHandle | None = None

    def begin_next(self, fetcher: Any, size_bytes: int) -> None:
        """Let the next fetch begin when it is time, after one of a size in memory was taken."""
        self.speed_up(fetcher)
        fetcher._prefetch_backoff = UNREAD_SECONDS if size_bytes >= ENOUGH_BYTES else 2 * LINGER_SECONDS
        if size_bytes >= ENOUGH_BYTES:
            self._begin(fetcher)
        elif self._pause is None:
            self._pause = self._loop.call_later(LINGER_SECONDS, self._begin, fetcher)

    def slow_down(self, fetcher: Any) -> None:
        """Fetch less often: nothing came for a while."""
        fetcher._fetch_max_wait_ms = QUIET_WAIT_MS

    def speed_up(self, fetcher: Any) -> None:
        """Fetch as often as at the beginning: records come, or partitions."""
        fetcher._fetch_max_wait_ms = WAIT_MS

    async def hurry(self, fetcher: Any) -> bool:
        """Fetch at once if there is a pause, and wait for what comes; return whether there was one."""
        if self._pause is None:
            return False
        self._begin(fetcher)
        arrival = fetcher._create_fetch_waiter()
        await asyncio.wait({arrival}, timeout=FETCH_SECONDS)
        arrival.cancel()
        await asyncio.sleep(0)  # a read that waits, too, takes what has come
        return True

    def _begin(self, fetcher: Any) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        fetcher._notify(fetcher._wait_consume_future)
