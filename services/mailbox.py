"""A mail server that keeps what it is sent: as much of SMTP as Alertmanager speaks, on loopback, without TLS."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage

from services.process import free_port

_ANSWERS = {"EHLO": "250 mailbox", "HELO": "250 mailbox", "DATA": "354 go on", "QUIT": "221 bye"}


class Mailbox:
    """One mail server, in a thread of the test's: `address` is where it listens, `mails` what has come so far."""

    def __init__(self) -> None:
        """Choose a port; `start` listens there."""
        self.mails: list[EmailMessage] = []
        self.address = f"127.0.0.1:{free_port()}"
        self._server: socketserver.ThreadingTCPServer | None = None

    def start(self) -> None:
        """Listen."""
        mails = self.mails

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 mailbox")
                while line := self.rfile.readline().decode().strip():
                    verb = line.split(" ", 1)[0].upper()
                    self._say(_ANSWERS.get(verb, "250 ok"))
                    if verb == "DATA":
                        mails.append(self._mail())
                        self._say("250 kept")
                    if verb == "QUIT":
                        return

            def _mail(self) -> EmailMessage:
                lines: list[bytes] = []
                while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                found = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                assert isinstance(found, EmailMessage)
                return found

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        host, port = self.address.split(":")
        self._server = socketserver.ThreadingTCPServer((host, int(port)), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
