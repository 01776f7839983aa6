"""The pace of fetches: after little there is a pause, after much there is none, and whoever cannot wait ends it."""

from __future__ import annotations

import asyncio

import pytest

from streams.kafka import pacing
from streams.kafka.pacing import ENOUGH_BYTES, QUIET_WAIT_MS, WAIT_MS, Pace


class Fetcher:
    """A fetcher, as far as its pace is told: it counts the fetches that it is let begin."""

    def __init__(self) -> None:
        self.begun = 0
        self.arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wait_consume_future = None
        self._fetch_max_wait_ms = self._prefetch_backoff = 0.0

    def _notify(self, _future: None) -> None:
        self.begun += 1
        if not self.arrival.done():
            self.arrival.set_result(None)

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        return self.arrival


@pytest.fixture(autouse=True)
def long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause ends by itself."""
    monkeypatch.setattr(pacing, "LINGER_SECONDS", 3600.0)


async def test_a_fetch_that_brought_much_is_followed_at_once() -> None:
    """A worker that catches up must not wait."""
    fetcher = Fetcher()
    Pace(asyncio.get_running_loop()).begin_next(fetcher, ENOUGH_BYTES)
    assert fetcher.begun == 1


async def test_a_fetch_that_brought_little_is_followed_after_a_pause() -> None:
    """Small batches cost as much as large ones."""
    fetcher, pace = Fetcher(), Pace(asyncio.get_running_loop())
    pace.begin_next(fetcher, 100)
    assert fetcher.begun == 0
    assert fetcher._prefetch_backoff > 3600, "aiokafka would end the pause"
    pace.begin_next(fetcher, ENOUGH_BYTES)
    assert fetcher.begun == 1, "what is much by now does not wait for the pause"


async def test_who_cannot_wait_ends_the_pause_and_hears_of_what_came() -> None:
    """A scrape shows what lay in Kafka already."""
    fetcher, pace = Fetcher(), Pace(asyncio.get_running_loop())
    assert not await pace.hurry(fetcher), "nothing waits: the broker has the fetch already"
    pace.begin_next(fetcher, 100)
    assert await pace.hurry(fetcher)
    assert fetcher.begun == 1
    assert not await pace.hurry(fetcher)


async def test_a_quiet_stream_is_asked_for_seldom_until_a_record_comes() -> None:
    """A worker at rest costs next to nothing."""
    fetcher, pace = Fetcher(), Pace(asyncio.get_running_loop())
    pace.slow_down(fetcher)
    assert fetcher._fetch_max_wait_ms == QUIET_WAIT_MS
    pace.begin_next(fetcher, 100)
    assert fetcher._fetch_max_wait_ms == WAIT_MS
