"""Links of the pages: those written in Markdown, and those of the site that was built of it."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_BLOCK: Final = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FETCHED: Final = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""What a browser fetches by itself, and the attribute that says from where."""


def prose_of(markdown: str) -> str:
    """Return a page without its fenced blocks."""
    return _BLOCK.sub("", markdown)


def links_of(markdown: str) -> list[str]:
    """Return the targets of a page's links and pictures, outside of blocks."""
    return [link["target"] for link in _LINK.finditer(prose_of(markdown))]


def anchor(heading: str, _separator: str = "-") -> str:
    """Return the anchor of a heading's plain text, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class BuiltPage(HTMLParser):
    """Links of a page of the site, and the anchors that links can lead to.

    Attributes:
        targets: Where links lead, as they are written.
        fetched: What a browser fetches to show the page.
        anchors: The ids of its elements.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element says."""
        said = {name: value for name, value in attrs if value}
        if identity := said.get("id"):
            self.anchors.add(identity)
        if tag == "a" and (target := said.get("href")):
            self.targets.append(target)
        if source := said.get(_FETCHED.get(tag, "")):
            self.fetched.append(source)


def built_pages(site: Path) -> dict[Path, BuiltPage]:
    """Return the pages of a built site by their paths, without the one of addresses that there are not.

    That one is shown at any address: its links begin at the root.
    """
    paths = [path for path in site.rglob("*.html") if path.name != "404.html"]
    return {path: BuiltPage(path.read_text(encoding="utf-8")) for path in paths}


def broken_links(site: Path) -> list[str]:
    """Return the links of a built site that find no file or anchor, and what its pages would fetch from elsewhere."""
    pages = built_pages(site)
    broken = []
    for path, page in sorted(pages.items()):
        name = path.relative_to(site)
        broken += [f"{name}: fetches {source} from elsewhere" for source in page.fetched if is_elsewhere(source)]
        for target in dict.fromkeys([*page.targets, *page.fetched]):
            if not is_elsewhere(target) and (why := _missing(target, path, site, pages)):
                broken.append(f"{name}: {target}: {why}")
    return broken


def is_elsewhere(target: str) -> bool:
    """Return whether a link leads out of the site."""
    parts = urlsplit(target)
    return bool(parts.scheme or parts.netloc)


def _missing(target: str, page: Path, site: Path, pages: dict[Path, BuiltPage]) -> str | None:
    """Return what a link of a page does not find; None where it finds all."""
    parts = urlsplit(target)
    file = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
    if file.is_dir():
        file /= "index.html"
    if not (file.is_file() and file.is_relative_to(site)):
        return "no such file"
    fragment = unquote(parts.fragment)
    if fragment and (found := pages.get(file)) is not None and fragment not in found.anchors:
        return "no such anchor"
    return None
