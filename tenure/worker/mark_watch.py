"""Looking, while a worker runs, whether other tables have taken the place of those that it writes to.

`tenure rebuild` leaves the heads of the old ones held, so that nothing is committed there any more, whoever is late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from streams.errors import Superseded, TablesUnavailable
from streams.tables import Tables

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 2.0


class MarkWatch:
    """Looks again and again, from the start of a worker to its end."""

    def __init__(self, tables: Tables, stop: Callable[[BaseException], Awaitable[None]]) -> None:
        """Take the tables to look after, and what stops the worker because of an error."""
        self._tables = tables
        self._stop = stop

    async def run(self) -> None:
        """Look until cancelled, or until there are others."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                mark = await self._tables.read_mark()
            except TablesUnavailable:
                continue  # whoever writes says that Redis is away
            except Exception:
                log.exception("mark_not_looked_at")
                continue
            if mark is not None and mark.generation != self._tables.generation:
                await self._stop(Superseded(mark.generation))
                return
