"""The server of the gateway: its socket, its connections, and how it starts and ends.

uvicorn speaks HTTP. Asked to stop, `/readyz` fails first; requests are still taken while the drain lasts; then nothing
new is, and what is in flight is finished.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvicorn
import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol

from streams.clock import WallClock
from streams.errors import ConfigurationError
from streams.kafka.delivery import KafkaDelivery
from streams.logs import configure_logs
from streams.metrics.listening import Listening, refusal_of
from streams.settings.adapter_options import adapters_of_settings
from streams.settings.gateway import named_secrets
from streams.tasks import cancel_and_wait
from streams.tls import server_context
from tenure.gateway.application import Endpoint, Gateway
from tenure.gateway.intake import Intake
from tenure.gateway.meters import EVENTS, WEBHOOKS, GatewayMeters
from tenure.gateway.room import IntakeRoom
from tenure.gateway.senders import Tokens
from tenure.gateway.signatures import signature_of
from tenure.worker.signals import Stopped, run_until_stopped

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from streams.settings.settings import Settings

log = structlog.get_logger(__name__)

HEAD_SECONDS: Final = 10.0
"""So long a connection may take to shake hands by TLS, and then to say what it wants."""
_CONNECTIONS_PER_REQUEST: Final = 4
"""Connections that may be open for each request that may be served: most are between two requests."""
_KEEP_ALIVE_SECONDS: Final = 60
_HEAD_BYTES: Final = 32 * 1024
_ADDRESS: Final = Listening("TENURE_GATEWAY_HOST", "TENURE_GATEWAY_PORT")


def serve(settings: Settings) -> None:
    """Run a gateway in an event loop of its own, until a signal ends it; see `run`."""
    try:
        run_until_stopped(run(settings), uvloop.new_event_loop)
    except Stopped:
        return  # being stopped is how it ends


async def run(settings: Settings) -> None:
    """Run a gateway until it is cancelled; waits for Kafka where it is away, and answers meanwhile that it is.

    Raises:
        ConfigurationError: Nobody could send anything, an option or a certificate cannot be used, the port is taken,
            Kafka does not let us in, or topics are missing.
    """
    configure_logs(settings)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # whoever sends what is no HTTP would fill the log
    endpoints = endpoints_of(settings)
    tokens = named_secrets(settings.gateway_tokens)
    if not tokens and not endpoints:
        advice = "nobody could send anything: set it, or gateway_webhook_secrets; docs/gateway.md says how"
        raise ConfigurationError("TENURE_GATEWAY_TOKENS", None, advice)
    context = _context_of(settings)
    room = room_of(settings)
    delivery = KafkaDelivery(settings)
    senders = [*((EVENTS, name) for name, _ in tokens), *((WEBHOOKS, name) for name in endpoints)]
    meters = GatewayMeters(room, lambda: delivery.is_up, dict.fromkeys(senders))
    running = _Running(delivery)
    intake = Intake.of(settings, delivery, meters, WallClock())
    gateway = Gateway(intake, room, Tokens(tokens), endpoints, running.not_ready)
    server = _Server(_configuration(settings, gateway, context))
    listening = _socket_of(settings.gateway_host, settings.gateway_port)
    log.info("gateway_started", port=listening.getsockname()[1], tls=context is not None, adapters=sorted(endpoints))
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="gateway-server")
    delivering = asyncio.create_task(delivery.run(), name="gateway-delivery")
    try:
        done, _ = await asyncio.wait([serving, delivering], return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
    except asyncio.CancelledError:
        running.is_draining = True
        await asyncio.sleep(settings.gateway_drain_seconds)
        raise
    finally:
        server.should_exit = True
        await asyncio.wait([serving])
        await cancel_and_wait([delivering])
        await delivery.stop()
        log.info("gateway_stopped")


def endpoints_of(settings: Settings) -> dict[str, Endpoint]:
    """Return the receivers of webhooks: one for each adapter that has a secret.

    Raises:
        ConfigurationError: An option of an adapter cannot work.
    """
    secrets: dict[str, list[str]] = {}
    for name, secret in named_secrets(settings.gateway_webhook_secrets):
        secrets.setdefault(name, []).append(secret)
    adapters, tolerance = adapters_of_settings(secrets, settings, None), settings.gateway_clock_tolerance_seconds
    return {
        name: Endpoint(adapters[name], signature_of(settings.gateway_signatures[name], of_it, tolerance))
        for name, of_it in secrets.items()
    }


def room_of(settings: Settings) -> IntakeRoom:
    """Return the room that the settings give to requests."""
    return IntakeRoom(
        settings.gateway_max_in_flight_requests, settings.gateway_max_in_flight_bytes, settings.gateway_max_body_bytes
    )


class _Running:
    """The state of the gateway, for `/readyz`."""

    def __init__(self, delivery: KafkaDelivery) -> None:
        self.is_draining = False
        self._delivery = delivery

    def not_ready(self) -> str | None:
        """Return why no requests should be sent here; None: they should."""
        if self.is_draining:
            return "stopping: it was told to"
        return None if self._delivery.is_up else "waiting for Kafka: it does not answer"


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it, and bounds the handshake of TLS, for which uvicorn has no option."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on the sockets."""
        await super().startup(sockets=[])
        connection: Any = self.config.http_protocol_class
        protocol = partial(
            connection,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        loop, context = asyncio.get_running_loop(), self.config.ssl
        seconds = None if context is None else HEAD_SECONDS
        for each in sockets or ():
            server = await loop.create_server(protocol, sock=each, ssl=context, ssl_handshake_timeout=seconds)
            self.servers.append(server)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class _Connection(H11Protocol):
    """Ends a connection that does not say what it wants in time, and those beyond the limit."""

    def __init__(self, *args: Any, most: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._most = most
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its own base does
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.abort()
            return
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._end_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for another request."""
        super().on_response_complete()
        if self._timer is not None:
            self._timer.cancel()
        seconds = _KEEP_ALIVE_SECONDS + HEAD_SECONDS
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end_if_idle)

    def _end_if_idle(self) -> None:
        cycle: Any = self.cycle  # None before the first request
        if cycle is None or cycle.response_complete:
            self.transport.abort()


def _configuration(settings: Settings, gateway: Gateway, context: ssl.SSLContext | None) -> uvicorn.Config:
    """Return how uvicorn serves the gateway."""
    options: Mapping[str, Any] = {} if context is None else {"ssl_context_factory": lambda *_: context}
    most = _CONNECTIONS_PER_REQUEST * settings.gateway_max_in_flight_requests
    connection: Any = partial(_Connection, most=most)
    return uvicorn.Config(
        gateway.application,
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        # To receive what is on its way, and to have Kafka take it.
        timeout_graceful_shutdown=2 * settings.gateway_timeout_seconds + 1,
        **options,
    )


def _context_of(settings: Settings) -> ssl.SSLContext | None:
    certificate, key = settings.gateway_certificate_file, settings.gateway_key_file
    if certificate is None:
        return None
    context, fault = server_context(certificate, key)
    if fault is not None:
        setting = "TENURE_GATEWAY_KEY_FILE" if fault.of_key else "TENURE_GATEWAY_CERTIFICATE_FILE"
        raise ConfigurationError(setting, str(key if fault.of_key else certificate), fault.advice)
    return context


def _socket_of(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigurationError: The port is taken, or the host is none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, ValueError) as error:
        raise refusal_of(host, port, error, _ADDRESS) from error
