"""The documentation site: built strictly, complete, with links that lead somewhere, and with nothing from elsewhere."""

import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from docgen.site.hook import DOCS, address, changes
from docgen.site.links import broken_links, built_pages
from docgen.site.lists import moved_to_fours
from tests.docs.pages import ROOT, pages, text_of

#: What makes up a page; of paragraphs in lists the two readers of Markdown have opinions of their own.
ELEMENTS = {
    "h1",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "pre",
    "code",
    "table",
    "tr",
    "th",
    "td",
    "a",
    "img",
    "strong",
    "em",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "docgen.site", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    return folder


def test_site_holds_every_page_of_the_documents_and_links_between_them(site: Path) -> None:
    """Strict building says nothing of a page that was never found; `make site` has followed the links."""
    found = built_pages(site)
    missing = [str(page) for page in pages() if page.parts[0] == "docs" and place(site, page) not in found]
    assert missing == []
    assert sum(len(page.targets) for page in found.values()) > 5_000
    assert {"stylesheets", "javascripts"} <= {folder.name for folder in (site / "assets").iterdir()}


def test_site_fetches_nothing_from_elsewhere_by_its_styles(site: Path) -> None:
    """Whoever serves a font learns who reads which page, and a network without a way out shows a broken one."""
    styles = list(site.rglob("*.css"))
    assert styles != []
    assert [path.name for path in styles if "url(http" in (text := path.read_text()) or "@import" in text] == []
    assert [str(path) for path in site.rglob("*.html") if 'class="mermaid"' in path.read_text(encoding="utf-8")] == []


def test_pages_of_the_site_have_the_parts_that_they_have_in_the_repository(site: Path) -> None:
    """The site reads Markdown otherwise than a host of repositories: a list could fall apart on the site alone."""
    reader = MarkdownIt("commonmark").enable("table")
    apart = {}
    for page in pages():
        if page.parts[0] != "changelog.d":  # its page on the site holds the fragments
            written = parts_of(reader.render(text_of(page)), within=None)
            built = parts_of(place(site, page).read_text(encoding="utf-8"), within="article")
            apart[str(page)] = {tag: (written[tag], built[tag]) for tag in ELEMENTS if written[tag] != built[tag]}
    assert len(apart) > 100
    assert {page: parts for page, parts in apart.items() if parts} == {}


def test_changes_that_are_not_released_are_on_the_site(site: Path) -> None:
    """In the repository they are files in a folder, which a reader of the site cannot open."""
    page = (site / "changelog.d" / "index.html").read_text(encoding="utf-8")
    assert all(f'id="{kind}"' in page for kind in ("added", "changed", "fixed", "removed"))
    assert changes(ROOT / "changelog.d").count("\n- ") == len(list((ROOT / "changelog.d").iterdir())) - 1


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ('<a href="b.html">', "b.html: no such file"),
        ('<a href="a/b.json">', "a/b.json: no such file"),
        ('<a href="../outside.txt">', "../outside.txt: no such file"),
        ('<a href="#there">', "#there: no such anchor"),
        ('<a href="index.html#there">', "index.html#there: no such anchor"),
        ('<img src="picture.svg">', "picture.svg: no such file"),
        ('<script src="https://example.com/a.js">', "fetches https://example.com/a.js from elsewhere"),
        ('<link rel="stylesheet" href="//example.com/a.css">', "fetches //example.com/a.css from elsewhere"),
    ],
)
def test_links_that_lead_nowhere_are_told(html: str, told: str, tmp_path: Path) -> None:
    """A check that follows no link finds none that is broken."""
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "outside.txt").touch()
    (site / "index.html").write_text(f"<h1 id='here'>{html}", encoding="utf-8")
    assert broken_links(site) == [f"index.html: {told}"]


def test_links_that_lead_somewhere_are_let_through(tmp_path: Path) -> None:
    """A check that cries wolf is switched off."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").write_text("<p id='a b'>", encoding="utf-8")
    links = '<a href="folder/"><a href="folder/index.html#a%20b"><a href="#x"><a href="https://example.com/none#x">'
    (tmp_path / "index.html").write_text(f"<p id='x'>{links}", encoding="utf-8")
    assert broken_links(tmp_path) == []


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        ("- a\n  b\n\n  c", "- a\n    b\n\n    c"),
        (
            "1. a\n\n   ```bash\n   x\n     y\n\n   ```\n   z\n2. b",
            "1. a\n\n    ```bash\n    x\n      y\n\n    ```\n    z\n\n2. b",
        ),
        ("- a\n  - b\n    c\n- d\n\ne", "- a\n    - b\n        c\n- d\n\ne"),
        ("1. a\n   - b\n\ntext\n\n  - c", "1. a\n    - b\n\ntext\n\n  - c"),
        ("```text\n- a\n  b\n```\n- c\n  d", "```text\n- a\n  b\n```\n- c\n    d"),
    ],
    ids=["paragraph", "block", "nested", "after", "fenced"],
)
def test_lists_go_on_at_the_fourth_column(written: str, moved: str) -> None:
    """Python-Markdown ends a list at whatever stands further to the left."""
    assert moved_to_fours(written) == moved


class Parts(HTMLParser):
    """The elements of a page, counted; of one with a frame around it those within an element."""

    def __init__(self, *, within: str | None) -> None:
        super().__init__()
        self.within = within
        self.inside = within is None
        self.counts = Counter[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count an element, other than the links that headings have to themselves."""
        self.inside |= tag == self.within
        if self.inside and tag in ELEMENTS and dict(attrs).get("class") != "headerlink":
            self.counts[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        """See the end of what is looked into."""
        self.inside &= tag != self.within


def parts_of(html: str, *, within: str | None) -> Counter[str]:
    """Return how many elements of each kind a page has."""
    parts = Parts(within=within)
    parts.feed(html)
    return parts.counts


def place(site: Path, page: Path) -> Path:
    """Return where a page of the repository lies in the site."""
    path = page.as_posix()
    return site / (address(path.removeprefix(DOCS)) if path.startswith(DOCS) else address(path))
