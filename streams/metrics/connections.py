"""A limit on the connections of a small web server, so that one that is never used keeps no other out.

Who connects and says nothing, or half a sentence, holds a file descriptor; enough of them would take those that Kafka
and Redis need, and the probes' turn. Here the one that has waited longest makes way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

MOST_CONNECTIONS: Final = 32
"""At once: a few Prometheis, probes and people."""
HEAD_SECONDS: Final = 10.0
"""So long the head of a request may take to come."""
ANSWER_SECONDS: Final = 30.0
"""So long an answer may take, also on a slow line."""


class Connections:
    """The open connections of a server, whose protocols `limited` makes."""

    def __init__(
        self,
        *,
        most: int = MOST_CONNECTIONS,
        head_seconds: float = HEAD_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Start with none.

        Args:
            most: Connections at once (count).
            head_seconds: For a request to come.
            answer_seconds: For its answer.
        """
        self._most = most
        self._head_seconds = head_seconds
        self._answer_seconds = answer_seconds
        #: in the order in which they came
        self._open: dict[asyncio.BaseTransport, _Limited] = {}

    def __len__(self) -> int:
        """Return how many are open (count)."""
        return len(self._open)

    def limited(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Return what makes protocols that keep to the limits."""
        return lambda: _Limited(self, make())

    def answering(self, transport: asyncio.BaseTransport | None) -> None:
        """Protect a connection whose request has come whole: it does not make way any more."""
        limited = None if transport is None else self._open.get(transport)
        if limited is not None:
            limited.is_answering = True
            limited.limit(self._answer_seconds)

    def came(self, limited: _Limited, transport: asyncio.Transport) -> None:
        """Count a connection in; where there are too many, one that waits for its request makes way."""
        if len(self._open) >= self._most:
            idle = next((other for other in self._open.values() if not other.is_answering), limited)
            idle.abort()
            if idle is limited:
                return
        self._open[transport] = limited
        limited.limit(self._head_seconds)

    def went(self, transport: asyncio.BaseTransport | None) -> None:
        """Count a connection out."""
        if transport is not None:
            self._open.pop(transport, None)


class _Limited(asyncio.Protocol):
    """Hands everything on to another protocol."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self.is_answering = False
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, seconds: float) -> None:
        """End the connection in so many seconds, instead of when it would have ended."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    def abort(self) -> None:
        """End the connection, whatever it is at."""
        assert self._transport is not None
        self._connections.went(self._transport)
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)
        self._connections.came(self, self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._connections.went(self._transport)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> Any:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
