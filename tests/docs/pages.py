"""The repository's Markdown, as the tests of the documents read it: blocks, links, headings."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docgen.site import links

ROOT: Final = Path(__file__).parents[2]
_FENCE: Final = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")
_MARK: Final = re.compile(r"<!-- run: (?P<how>[^>]*?) -->")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: The page, relative to the root.
        line: Of its opening fence, counted from 1.
        language: What stands behind the fence.
        text: Its lines, without the fence's indentation.
        how: What `<!-- run: ... -->` before it says; empty where nothing does.
    """

    page: str
    line: int
    language: str
    text: str
    how: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return every Markdown file of the repository, relative to the root."""
    ignored = {"build", "node_modules"}
    found = [path.relative_to(ROOT) for path in ROOT.rglob("*.md")]
    return sorted(p for p in found if not ignored & set(p.parts) and not any(part.startswith(".") for part in p.parts))


def text_of(page: Path | str) -> str:
    """Return a page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: Path | str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found: list[Block] = []
    body: list[str] | None = None
    language, indent, opened, how = "", 0, 0, ""
    for number, line in enumerate(text_of(page).splitlines(), 1):
        fence = _FENCE.match(line)
        if body is not None:
            if fence and not fence["language"]:
                found.append(Block(str(page), opened, language, "\n".join(body), how))
                body, how = None, ""
            else:
                body.append(line[indent:])
        elif fence:
            body, language, indent, opened = [], fence["language"], len(fence["indent"]), number
        elif mark := _MARK.search(line):
            how = mark["how"]
        elif line.strip():
            how = ""
    assert body is None, f"{page}: the block of line {opened} has no end"
    return found


def links_of(page: Path | str) -> list[str]:
    """Return the targets of a page's links and pictures, outside of blocks."""
    return links.links_of(text_of(page))


def anchors_of(page: Path | str) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", links.prose_of(text_of(page)), flags=re.MULTILINE)
    return {links.anchor(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)) for heading in headings}
