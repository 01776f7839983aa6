"""Looking for tombstones that other workers have written: those of its own customers a worker has written itself."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from streams.batching.application import App
from streams.errors import LogUnavailable
from streams.forgetting.forgotten import Forgotten

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 30.0


def watch_tombstones(app: App, forgotten: Forgotten) -> None:
    """Look for new tombstones as long as an application runs; it ends where the key does not fit them."""

    @app.task  # type: ignore[untyped-decorator]
    async def tombstones() -> None:
        while not app.should_stop:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await forgotten.refresh()
            except LogUnavailable as error:
                log.info("tombstones_not_read", reason=str(error))
