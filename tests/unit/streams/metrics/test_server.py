"""The worker's web server answers whatever the application or its visitors are doing."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable

import pytest

from streams.errors import ConfigurationError
from streams.metrics.connections import MOST_CONNECTIONS
from streams.metrics.server import MetricsServer

HOST = "127.0.0.1"


def get(port: int, path: str) -> tuple[int, str]:
    """Return status and text of a page."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def others() -> bytes:
    """Return what another scrape shows."""
    return b"metric 2\n"


async def metrics() -> bytes:
    """Return what a scrape shows."""
    return b"metric 1\n"


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., MetricsServer]]:
    """What makes servers, which are stopped in the end."""
    made: list[MetricsServer] = []

    def make(**options: float) -> MetricsServer:
        made.append(MetricsServer(metrics, lambda: "waiting", **options))
        return made[-1]

    yield make
    for server in made:
        await server.stop()


async def test_health_is_told_while_the_application_is_busy(serve: Callable[..., MetricsServer]) -> None:
    """A long batch is no reason to kill a worker, who would read the same batch again."""
    server = serve()
    await server.start(HOST, 0)
    # Nothing else runs in this loop meanwhile: the answer comes from the server's own thread.
    assert get(server.port, "/healthz") == (200, "alive\n")


async def test_application_that_stands_still_for_long_is_not_healthy(serve: Callable[..., MetricsServer]) -> None:
    """Whoever watches it must be able to start it anew."""
    server = serve(stuck_seconds=0.0)
    await server.start(HOST, 0)
    while time.monotonic() <= server._ticked_at:
        pass
    status, text = get(server.port, "/healthz")
    assert (status, text.partition(":")[0]) == (503, "stuck")


async def test_metrics_and_readiness_come_from_the_application(serve: Callable[..., MetricsServer]) -> None:
    """What they show belongs to its loop."""
    server = serve()
    await server.start(HOST, 0)
    assert await asyncio.to_thread(get, server.port, "/metrics") == (200, "metric 1\n")
    assert await asyncio.to_thread(get, server.port, "/readyz") == (503, "waiting\n")
    server.show(others, lambda: None)
    assert await asyncio.to_thread(get, server.port, "/metrics") == (200, "metric 2\n")
    assert await asyncio.to_thread(get, server.port, "/readyz") == (200, "ready\n")


async def test_half_open_requests_keep_nobody_out(serve: Callable[..., MetricsServer]) -> None:
    """Hundreds of them would take the file descriptors that Kafka and Redis need, and silence the probes."""
    server = serve()
    await server.start(HOST, 0)
    idle = [await asyncio.open_connection(HOST, server.port) for _ in range(3 * MOST_CONNECTIONS)]
    for _, writer in idle:
        writer.write(b"GET /metrics HTTP/1.1\r\n")
    assert await asyncio.to_thread(get, server.port, "/healthz") == (200, "alive\n")
    assert len(server.connections) <= MOST_CONNECTIONS
    for _, writer in idle:
        writer.close()


async def test_port_that_is_taken_is_named(serve: Callable[..., MetricsServer]) -> None:
    """Whoever starts a second worker on one machine must learn what to change."""
    first, second = serve(), serve()
    await first.start(HOST, 0)
    with pytest.raises(ConfigurationError, match=f"cannot listen on {HOST}:{first.port}"):
        await second.start(HOST, first.port)
