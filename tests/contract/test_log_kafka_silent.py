"""A Kafka that takes connections and says nothing: what one that stands still looks like to a worker that starts."""

from __future__ import annotations

import asyncio

from streams.batching.application import build_app
from streams.kafka.fetcher import ReadingThread
from streams.kafka.transport import broker_url


async def test_a_worker_that_waits_for_a_silent_kafka_stops_at_once() -> None:
    """The client would wait for its answer for a minute, and whoever deploys would send SIGKILL."""
    connected = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()  # until the worker hangs up
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    app = build_app("silent", broker=broker_url(f"127.0.0.1:{port}"))
    thread = ReadingThread(app.consumer, loop=asyncio.get_running_loop(), beacon=app.consumer.beacon)
    starting = asyncio.create_task(thread.start())
    async with asyncio.timeout(10):
        while not connected.is_set():
            await asyncio.sleep(0.01)
        await thread.stop()
    starting.cancel()
    await asyncio.wait({starting})
    server.close()
    assert thread.thread_loop.is_closed()
