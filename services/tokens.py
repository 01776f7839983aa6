"""Tokens that nobody signed, as a Kafka for tests believes them, and an endpoint that issues them to one client."""

import base64
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus

from services.process import free_port


def token_of(subject: str, *, seconds: float = 3600.0) -> str:
    """Return a token that says who its bearer is, for so long."""
    now = time.time()
    parts: list[Mapping[str, object]] = [{"alg": "none"}, {"sub": subject, "iat": now, "exp": now + seconds}]
    return ".".join([*(_encoded(part) for part in parts), ""])


def _encoded(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


class TokenEndpoint:
    """One endpoint, in a thread of the test's: `url` is its address, `issued` the tokens that it gave."""

    def __init__(self, client_id: str, client_secret: str, *, seconds: float = 3600.0) -> None:
        """Choose a port; `start` listens there.

        Args:
            client_id: Who is given tokens, and is their subject.
            client_secret: The secret that goes with it.
            seconds: How long a token lives.
        """
        self.client_id, self.client_secret, self.seconds = client_id, client_secret, seconds
        self.issued: list[str] = []
        self.asked: list[dict[str, list[str]]] = []
        #: what it answers instead, while it is set
        self.fault: tuple[int, bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/token"
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, body = endpoint.answer(self.headers["Authorization"] or "", parse_qs(form))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if status == 302:
                    self.send_header("Location", body.decode())
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: what was asked is kept."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, bytes]:
        """Return status and body of the answer to a request."""
        self.asked.append(form)
        if self.fault is not None:
            return self.fault
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote_plus(name), unquote_plus(secret)) != (self.client_id, self.client_secret):
            return 401, b'{"error": "invalid_client"}'
        token = token_of(self.client_id, seconds=self.seconds)
        self.issued.append(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.seconds}
        return 200, json.dumps(answer).encode()

    def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
