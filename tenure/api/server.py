"""The server of the API: how it starts and ends. What it listens with: `tenure.http_server`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import structlog
import uvloop

from streams.errors import ConfigurationError
from streams.logs import configure_logs
from streams.metrics.listening import Listening
from streams.settings.gateway import named_secrets
from streams.settings.hosts import is_loopback
from tenure.api.application import Api
from tenure.api.running import ReportRunner
from tenure.gateway.senders import Tokens
from tenure.http_server import HttpServer, http_configuration, listening_socket, tls_context
from tenure.worker.signals import Stopped, run_until_stopped

if TYPE_CHECKING:
    from streams.settings.settings import Settings

log = structlog.get_logger(__name__)

_CERTIFICATE: Final = ("TENURE_API_CERTIFICATE_FILE", "TENURE_API_KEY_FILE")
_ADDRESS: Final = Listening("TENURE_API_HOST", "TENURE_API_PORT")


def serve_api(settings: Settings) -> None:
    """Run the API in an event loop of its own, until a signal ends it; see `run_api`."""
    try:
        run_until_stopped(run_api(settings), uvloop.new_event_loop)
    except Stopped:
        return  # being stopped is how it ends


async def run_api(settings: Settings) -> None:
    """Run the API until it is cancelled.

    Raises:
        ConfigurationError: Everybody could ask it, a certificate cannot be used, or the port is taken.
    """
    configure_logs(settings)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # whoever sends what is no HTTP would fill the log
    tokens = named_secrets(settings.api_tokens)
    if not tokens and not is_loopback(settings.api_host):
        advice = "everybody who reaches it could read all customers: set it, or listen on 127.0.0.1; docs/api.md"
        raise ConfigurationError("TENURE_API_TOKENS", None, advice)
    context = tls_context(settings.api_certificate_file, settings.api_key_file, _CERTIFICATE)
    runner = ReportRunner(settings, most=settings.api_max_requests, seconds=settings.api_timeout_seconds)
    api = Api(runner, Tokens(tokens) if tokens else None, settings.api_host)
    server = HttpServer(
        http_configuration(
            api.application,
            context,
            most_requests=settings.api_max_requests + _WAITING,
            graceful_seconds=settings.api_timeout_seconds,
        )
    )
    listening = listening_socket(settings.api_host, settings.api_port, _ADDRESS)
    log.info("api_started", port=listening.getsockname()[1], tls=context is not None, tokens=len(tokens))
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="api-server")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.wait([serving])
        runner.stop()
        log.info("api_stopped")


_WAITING: Final = 16
"""Requests beyond those that are answered, for which there is a connection: they are told to come again (count)."""
