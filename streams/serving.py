"""The worker's small web server: /metrics for Prometheus, /healthz and /readyz for whoever runs the worker."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from streams.exposition import CONTENT_TYPE
from streams.listening import refusal_of

Ready = Callable[[], str | None]


class MetricsServer:
    """Serves what is made elsewhere; a scrape computes nothing."""

    def __init__(self, metrics: Callable[[], bytes], not_ready: Ready) -> None:
        """Take what returns the exposition, and what says why the worker is not ready (None: it is)."""
        self._metrics = metrics
        self._not_ready = not_ready
        self._runner: web.AppRunner | None = None
        self.port = 0

    def show(self, metrics: Callable[[], bytes], not_ready: Ready) -> None:
        """From now on, serve what these return; see above."""
        self._metrics = metrics
        self._not_ready = not_ready

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            ConfigurationError: The port is taken, or the host is none of this machine's.
        """
        app = web.Application()
        app.router.add_get("/metrics", self._serve_metrics)
        app.router.add_get("/healthz", self._serve_health)
        app.router.add_get("/readyz", self._serve_readiness)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
        except (OSError, ValueError) as error:
            await runner.cleanup()
            raise refusal_of(host, port, error) from error
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def _serve_health(self, request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _serve_readiness(self, request: web.Request) -> web.Response:
        reason = self._not_ready()
        return web.Response(text=f"{reason or 'ready'}\n", status=503 if reason else 200)
