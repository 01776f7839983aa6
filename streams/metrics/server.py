"""The worker's small web server: /metrics for Prometheus, /healthz and /readyz for whoever runs the worker.

It runs in a thread and an event loop of its own: whatever keeps the application's loop from answering, `/healthz`
answers, and says so when that lasts. The other two are made in the application's loop, which owns what they show.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from aiohttp import web

from streams.metrics.connections import Connections
from streams.metrics.exposition import CONTENT_TYPE
from streams.metrics.listening import refusal_of
from streams.tasks import cancel_and_wait

Metrics = Callable[[], Coroutine[Any, Any, bytes]]
Ready = Callable[[], str | None]
_T = TypeVar("_T")
STUCK_SECONDS: Final = 60.0
"""An application's loop that has not moved for so long will not any more: `/healthz` fails, and the worker is started
anew."""
APPLICATION_SECONDS: Final = 5.0
"""What the application's loop has to say is waited for so long: a scrape gives up after ten seconds."""
_TICK_SECONDS: Final = 1.0
_ACCEPTED_AT_ONCE: Final = 16
"""So many connections are taken before the first of them is looked at."""
_STOP_SECONDS: Final = 5.0


class MetricsServer:
    """Serves what is made elsewhere, when it is asked for."""

    def __init__(self, metrics: Metrics, not_ready: Ready, *, stuck_seconds: float = STUCK_SECONDS) -> None:
        """Take what returns the exposition, and what says why the worker is not ready (None: it is).

        Args:
            metrics: Called in the loop that `start` was called in, like `not_ready`.
            not_ready: See above.
            stuck_seconds: For how long that loop may stand still before the worker counts as dead.
        """
        self._metrics = metrics
        self._not_ready = not_ready
        self._stuck_seconds = stuck_seconds
        self._application: asyncio.AbstractEventLoop | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._ticked_at = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self.connections = Connections()
        self.port = 0

    def show(self, metrics: Metrics, not_ready: Ready) -> None:
        """From now on, serve what these return; see above."""
        self._metrics = metrics
        self._not_ready = not_ready

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            ConfigurationError: The port is taken, or the host is none of this machine's.
        """
        self._application = asyncio.get_running_loop()
        self._ticked_at = time.monotonic()
        self._ticking = self._application.create_task(self._tick(), name="tick")
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="metrics-server", daemon=True)
        self._thread.start()
        try:
            await self._run_there(self._listen_there(host, port))
        except (OSError, ValueError) as error:
            await self.stop()
            raise refusal_of(host, port, error) from error

    async def stop(self) -> None:
        """Stop listening."""
        if self._loop is None or self._thread is None:
            return
        await self._run_there(self._close_there())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, _STOP_SECONDS)
        self._loop.close()
        self._loop = self._thread = None
        if self._ticking is not None:
            await cancel_and_wait([self._ticking])

    async def _run_there(self, step: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the server's thread."""
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(step, self._loop))

    async def _tick(self) -> None:
        """Note again and again that the application's loop moves."""
        while True:
            self._ticked_at = time.monotonic()
            await asyncio.sleep(_TICK_SECONDS)

    # -- in the server's thread

    async def _listen_there(self, host: str, port: int) -> None:
        app = web.Application()
        app.router.add_get("/metrics", self._serve_metrics)
        app.router.add_get("/healthz", self._serve_health)
        app.router.add_get("/readyz", self._serve_readiness)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        assert self._runner.server is not None
        make = self.connections.limited(self._runner.server)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(make, host, port, backlog=_ACCEPTED_AT_ONCE, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close_there(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._server = self._runner = None

    async def _answer(self, request: web.Request, make: Callable[[], Coroutine[Any, Any, _T]]) -> _T | None:
        """Return what the application's loop makes of it; None where that loop does not answer."""
        self.connections.answering(request.transport)
        assert self._application is not None
        made_there = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), self._application))
        try:
            return await asyncio.wait_for(made_there, APPLICATION_SECONDS)
        except TimeoutError:
            return None

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        body = await self._answer(request, self._metrics)
        return _busy() if body is None else _response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _serve_health(self, request: web.Request) -> web.Response:
        self.connections.answering(request.transport)
        seconds = time.monotonic() - self._ticked_at
        if seconds > self._stuck_seconds:
            return _response(text=f"stuck: the application has not moved for {seconds:.0f} s\n", status=503)
        return _response(text="alive\n")

    async def _serve_readiness(self, request: web.Request) -> web.Response:
        async def asked() -> str:
            return self._not_ready() or ""

        reason = await self._answer(request, asked)
        if reason is None:
            return _busy()
        return _response(text=f"{reason or 'ready'}\n", status=503 if reason else 200)


def _busy() -> web.Response:
    return _response(text=f"busy: the application has not answered within {APPLICATION_SECONDS:.0f} s\n", status=503)


def _response(**options: Any) -> web.Response:
    """Return the only answer of its connection: one that stays open waits for a request like one that is new."""
    response = web.Response(**options)
    response.force_close()
    return response
