"""Serving of an application over HTTP: sockets, connections, and their limits; uvicorn speaks it.

What the gateway and the API have in common. The application says what is served, and who may ask.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from streams.errors import ConfigurationError
from streams.metrics.listening import Listening, refusal_of
from streams.tls import server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.applications import Starlette

HEAD_SECONDS: Final = 10.0
"""So long a connection may take to shake hands by TLS, and then to say what it wants."""
_CONNECTIONS_PER_REQUEST: Final = 4
"""Connections that may be open for each request that may be served: most are between two requests."""
_KEEP_ALIVE_SECONDS: Final = 60
_HEAD_BYTES: Final = 32 * 1024


class HttpServer(uvicorn.Server):
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


class HttpConnection(H11Protocol):
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


def http_configuration(
    application: Starlette, context: ssl.SSLContext | None, *, most_requests: int, graceful_seconds: int
) -> uvicorn.Config:
    """Return how uvicorn serves an application.

    Args:
        application: What is served.
        context: Of TLS; None: plain HTTP.
        most_requests: That may be served at once (count); there may be four times as many connections.
        graceful_seconds: How long requests may go on once it is stopped.
    """
    options: Mapping[str, Any] = {} if context is None else {"ssl_context_factory": lambda *_: context}
    connection: Any = partial(HttpConnection, most=_CONNECTIONS_PER_REQUEST * most_requests)
    return uvicorn.Config(
        application,
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=graceful_seconds,
        **options,
    )


def tls_context(certificate: Path | None, key: Path | None, settings: tuple[str, str]) -> ssl.SSLContext | None:
    """Return the context of a server's TLS; None without a certificate.

    Args:
        certificate: Its file.
        key: That of its private key; None where it stands in the certificate's.
        settings: The names of the two settings, for messages.

    Raises:
        ConfigurationError: One of the files cannot be used.
    """
    if certificate is None:
        return None
    context, fault = server_context(certificate, key)
    if fault is not None:
        raise ConfigurationError(settings[fault.of_key], str(key if fault.of_key else certificate), fault.advice)
    return context


def listening_socket(host: str, port: int, settings: Listening) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigurationError: The port is taken, or the host is none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, ValueError) as error:
        raise refusal_of(host, port, error, settings) from error
