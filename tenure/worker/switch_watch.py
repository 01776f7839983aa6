"""Finishing, when a worker starts, a switch of tables whose command was killed: `tenure.stored.switching` says what.

The owner of partition 0 does it, and nobody while a command is at work on the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from typing import Final

import structlog

from streams.errors import TenureError
from streams.holding import Hold
from streams.tables import Tables
from tenure.stored.switching import finish_switch, unfinished_switch

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 10.0


class SwitchWatch:
    """Looks again and again until nothing is left of a switch.

    Args:
        tables: Those that hold.
        owned: Returns the partitions of the worker.
    """

    def __init__(self, tables: Tables, owned: Callable[[], Container[int]]) -> None:
        self._tables = tables
        self._owned = owned

    async def run(self) -> None:
        """Look, and finish what is left."""
        while not await self._is_done():
            await asyncio.sleep(LOOK_SECONDS)

    async def _is_done(self) -> bool:
        try:
            switch = await unfinished_switch(self._tables)
            if switch is None:
                return True
            if 0 not in self._owned():
                return False
            async with Hold(self._tables, "a worker").beating():
                await finish_switch(self._tables)
        except TenureError as error:
            log.info("switch_not_finished", reason=str(error))
            return False
        except Exception:
            log.exception("switch_not_finished")
            return True
        log.warning("switch_finished", generation=switch.generation + 1)
        return True
