"""What is said where /metrics cannot be served: the setting that is in the way, and no other."""

from __future__ import annotations

import socket

import pytest

from streams.errors import ConfigurationError
from streams.metrics.server import MetricsServer


async def nothing() -> bytes:
    """Return what a scrape shows."""
    return b""


async def refusal(host: str, port: int = 0) -> str:
    """Return the line that an address is refused with."""
    server = MetricsServer(nothing, lambda: None)
    with pytest.raises(ConfigurationError) as caught:
        await server.start(host, port)
    return str(caught.value)


async def test_a_port_that_is_taken_is_blamed_on_the_port() -> None:
    """Another one helps."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        line = await refusal("127.0.0.1", other.getsockname()[1])
    assert line.startswith("TENURE_METRICS_PORT is ")
    assert line.endswith("choose a free one")


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "nowhere.invalid", "no host"])
async def test_a_host_that_is_not_ours_is_blamed_on_the_host(host: str) -> None:
    """No port is free on an address of somebody else."""
    assert (await refusal(host)).startswith(f"TENURE_METRICS_HOST is '{host}': it is no address of this machine (")
