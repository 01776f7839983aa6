"""A running `tenure gateway`, and what its senders do: post events and webhooks, and ask how it is."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException
from typing import Any, Final, NamedTuple

from services.process import Process

TOKEN: Final = "app-token-0123456789"
_PATIENCE_SECONDS: Final = 60.0


class GatewayAnswer(NamedTuple):
    """An answer; status 0 is none, and names of headers are in small letters."""

    status: int
    json: Any
    headers: Mapping[str, str]


class GatewayProcess:
    """Its process, which a test kills and starts again, and its port.

    Args:
        process: Of the command.
        port: Where it listens.

    Attributes:
        context: To speak TLS with it; None: it speaks none.
    """

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.context: ssl.SSLContext | None = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        """Send a body, with the token unless the headers say otherwise."""
        named = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **(headers or {})}
        return self._asked(urllib.request.Request(self._url(path), body, named))

    def send(self, *events: Mapping[str, Any]) -> GatewayAnswer:
        """Send events as a producer of ours does."""
        return self.post("/v1/events", json.dumps(events).encode())

    def status_of(self, path: str) -> int:
        """Return the status of a page; 0 where nobody answers."""
        return self._asked(urllib.request.Request(self._url(path))).status

    def is_ready(self) -> bool:
        """Return whether it says that it takes requests."""
        return self.status_of("/readyz") == 200

    def text_of(self, path: str) -> str:
        """Return the text of a page."""
        with urllib.request.urlopen(self._url(path), timeout=_PATIENCE_SECONDS, context=self.context) as answer:
            return str(answer.read().decode())

    def _url(self, path: str) -> str:
        return f"{'http' if self.context is None else 'https'}://127.0.0.1:{self.port}{path}"

    def _asked(self, request: urllib.request.Request) -> GatewayAnswer:
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS, context=self.context) as answer:
                return GatewayAnswer(answer.status, _read(answer.read()), _lower(answer.headers))
        except urllib.error.HTTPError as error:
            return GatewayAnswer(error.code, _read(error.read()), _lower(error.headers))
        except (OSError, HTTPException):  # its process ended, before an answer or amid one
            return GatewayAnswer(0, None, {})


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _lower(headers: Message) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
