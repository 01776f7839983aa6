"""A receiver of what Alertmanager sends: it keeps every request, by path and in the order of arrival."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from services.process import free_port


class Request(NamedTuple):
    """One request.

    Attributes:
        path: What of the address follows the port.
        received_at_seconds: When it was there, on the monotonic clock.
        body: What it said, out of its JSON.
    """

    path: str
    received_at_seconds: float
    body: Any


class Webhook:
    """One receiver, in a thread of the test's: `url` is its address, `requests` what has come so far."""

    def __init__(self) -> None:
        """Choose a port; `start` listens there."""
        self.requests: list[Request] = []
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen."""
        received = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(Request(self.path, time.monotonic(), json.loads(body)))
                self.send_response(202)  # what PagerDuty answers, and no other receiver minds
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: the requests are kept."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def at(self, path: str) -> list[Request]:
        """Return what has come to a path."""
        return [request for request in self.requests if request.path == path]
