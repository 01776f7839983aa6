"""A worker begins again with the tables that were built, unless it was told to stop meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from streams.errors import Superseded
from streams.settings.settings import Settings
from tenure.worker import worker


@pytest.fixture(name="begun")
def _begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a worker has begun; the first time other tables take the place of its own, and it closes slowly."""
    begun: list[int] = []

    async def begin(*_: object) -> None:
        begun.append(len(begun))
        if len(begun) == 1:
            with contextlib.suppress(asyncio.CancelledError):  # as a client that is closed may do
                await asyncio.sleep(0.05)
            raise Superseded(1)

    monkeypatch.setattr(worker, "_run", begin)
    monkeypatch.setattr(worker, "configure_logs", lambda _: None)
    return begun


async def test_worker_begins_again_with_the_tables_that_were_built(begun: list[int]) -> None:
    """Nobody has to start it."""
    await worker.run(Settings())
    assert begun == [0, 1]


async def test_worker_that_is_told_to_stop_meanwhile_ends(begun: list[int]) -> None:
    """It is told once."""
    running = asyncio.create_task(worker.run(Settings()))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert begun == [0]
