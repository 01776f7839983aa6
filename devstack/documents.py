"""`python -m devstack.documents PORT`: serves the pages that alerts link to, where no Grafana runs.

`docs/` lies at `/`, as plain text; a link to a board is answered with the file of the board and how to see it.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from devstack.configuration import ROOT

_BOARDS: Final = "/d/"
_NO_GRAFANA: Final = """\
`make up` starts no Grafana. The boards are files: grafana/dashboards/*.json.

A Grafana of your own shows them: docs/dashboards.md, served here as /dashboards.md; `docker compose up` brings one.
"""


class Documents(SimpleHTTPRequestHandler):
    """Serves files as text, so that a browser shows them."""

    def do_GET(self) -> None:
        """Answer with a file of docs/, or say where boards are."""
        if not self.path.startswith(_BOARDS):
            super().do_GET()
            return
        body = _NO_GRAFANA.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        """Return text for pages: a browser would save Markdown to a file."""
        return "text/plain; charset=utf-8" if str(path).endswith(".md") else super().guess_type(path)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it
        """Say nothing of each request."""


def main() -> None:
    """Serve until the process is ended."""
    handler = partial(Documents, directory=str(ROOT / "docs"))
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
