"""The pages that alerts of `make up` link to: HTML whose links lead on."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer

import pytest

from devstack.configuration import ROOT
from devstack.documents import Documents


@pytest.fixture
def served() -> Iterator[str]:
    """The address of a server of docs/."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Documents, directory=str(ROOT / "docs"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def page(address: str) -> str:
    """Return a page that is HTML."""
    with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - a server of the test's own
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        text: str = answer.read().decode()
    return text


def test_a_runbook_is_a_page_whose_links_are_there(served: str) -> None:
    """Somebody who is woken up clicks, and reads no Markdown."""
    text = page(f"{served}/runbooks/TenureIncomplete.md")
    with urllib.request.urlopen(f"{served}/runbooks", timeout=5) as answer:  # noqa: S310 - a server of the test's own
        assert answer.url == f"{served}/runbooks/"  # or links of that page would lead beside it
    links = re.findall(r'href="([^"#:]+\.md)(?:#([^"]*))?"', text)
    assert links
    for link, anchor in links:
        found = page(f"{served}/runbooks/{link}")
        assert not anchor or f'id="{anchor}"' in found, (link, anchor)
    assert "<table>" in page(f"{served}/runbooks/README.md")


def test_what_is_missing_is_said_and_boards_are_named(served: str) -> None:
    """A server that shows whatever it is asked for would hide a broken link."""
    with pytest.raises(urllib.error.HTTPError, match="404"):
        page(f"{served}/runbooks/NoSuch.md")
    assert "grafana/dashboards" in page(f"{served}/d/tenure-stream?from=now-1h")
