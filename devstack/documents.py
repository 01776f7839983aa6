"""`python -m devstack.documents PORT [HOST]`: serves the pages that alerts link to, on loopback unless told otherwise.

`docs/` lies at `/`: pages as HTML, with links that lead on, so that somebody who is woken up can click; all else as it
is. A link to a board is answered with the file of the board and how to see it.
"""

from __future__ import annotations

import html
import re
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt

from devstack.configuration import ROOT

_BOARDS: Final = "/d/"
_NO_GRAFANA: Final = """\
`make up` starts no Grafana. The boards are files: grafana/dashboards/*.json.

A Grafana of your own shows them: see [dashboards](/dashboards.md); `docker compose up` brings one.
"""
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }}
pre {{ background: #f3f3f3; padding: .8rem; overflow-x: auto; }}
code {{ background: #f3f3f3; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #ccc; padding: .3rem .6rem; text-align: left; vertical-align: top; }}
</style>
{body}
</html>
"""
_HEADING: Final = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")


def page_of(text: str, title: str) -> str:
    """Return a page of Markdown as HTML; headings have the anchors that links name."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)

    def anchored(found: re.Match[str]) -> str:
        level, inner = found.groups()
        words = html.unescape(_TAG.sub("", inner)).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        return f'<h{level} id="{html.escape(anchor)}">{inner}</h{level}>'

    return _PAGE.format(title=html.escape(title), body=_HEADING.sub(anchored, body))


class Documents(SimpleHTTPRequestHandler):
    """Serves pages of Markdown as HTML, and other files as they are."""

    def do_GET(self) -> None:
        """Answer with a file of docs/, or say where boards are."""
        path = urlsplit(self.path).path
        if path.startswith(_BOARDS):
            self._answer(page_of(_NO_GRAFANA, "Boards"))
            return
        file = Path(self.translate_path(path))
        if file.is_dir() and not path.endswith("/"):
            super().do_GET()  # which sends on to the address with a slash: links of a page begin there
            return
        if path == "/" or (file.is_dir() and (file / "README.md").is_file()):
            file /= "index.md" if path == "/" else "README.md"
        if file.suffix == ".md" and file.is_file():
            self._answer(page_of(file.read_text(), file.stem))
        else:
            super().do_GET()

    def _answer(self, page: str) -> None:
        body = page.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it
        """Say nothing of each request."""


def main() -> None:
    """Serve until the process is ended."""
    port, *host = sys.argv[1:]
    handler = partial(Documents, directory=str(ROOT / "docs"))
    with ThreadingHTTPServer((host[0] if host else "127.0.0.1", int(port)), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
