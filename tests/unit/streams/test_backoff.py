"""Pauses grow, up to a limit."""

from __future__ import annotations

import asyncio

from streams.backoff import Backoff
from tests.unit.streams.partitions import on_virtual_time


def test_each_pause_is_twice_the_one_before_and_five_seconds_at_most() -> None:
    """A service that comes back is noticed within seconds; one that is away is not asked all the time."""

    async def test() -> None:
        backoff, told, waited = Backoff(), [], []
        for _ in range(8):
            told.append(backoff.seconds)
            began = asyncio.get_running_loop().time()
            await backoff.pause()
            waited.append(round(asyncio.get_running_loop().time() - began, 6))
        assert told == waited == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]

    on_virtual_time(test)
