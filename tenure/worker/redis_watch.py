"""Looking, while a worker runs, whether its Redis still keeps what it is told: somebody may change its configuration.

What a worker demands of Redis before it starts is `streams.redis.tables.check_durability`; a worker that runs goes on
and says so, for stopping would not bring back what is lost.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from streams.errors import TablesUnavailable
from streams.metrics.meters import Meters
from streams.redis.tables import RedisTables

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 60.0


class RedisWatch:
    """Looks again and again, from the start of a worker to its end."""

    def __init__(self, tables: RedisTables, meters: Meters, *, pause_seconds: float = LOOK_SECONDS) -> None:
        """Take the tables to look after.

        Args:
            tables: On the Redis in question.
            meters: Told after each look whether it is unsafe.
            pause_seconds: Between two looks.
        """
        self._tables = tables
        self._meters = meters
        self._pause_seconds = pause_seconds
        self._known: list[str] = []

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("redis_not_looked_at")
            await asyncio.sleep(self._pause_seconds)

    async def look(self) -> None:
        """Look once; while Redis is away, what was found last holds."""
        try:
            found = await self._tables.unsafe()
        except TablesUnavailable as error:
            if error.cause == "refused":
                log.warning("redis_not_looked_at", reason=error.reason)
            return  # whoever writes says that it is away
        self._meters.look_at_redis(unsafe=bool(found))
        for finding in found:
            if finding not in self._known:
                log.warning("redis_unsafe", finding=finding)
        if self._known and not found:
            log.info("redis_safe_again")
        self._known = found
