"""A hook of mkdocs: the site has the pages of the repository under the paths by which they link to each other.

mkdocs knows one folder of pages. Here pages lie in `docs/` and beside it, and link to README, SECURITY, schemas and
examples as the repository holds them. So every file is known by its path in the repository, those outside of `docs/`
that a page links to are taken along, and no link is rewritten. `mkdocs.yml` names this file and the order of the pages.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from mkdocs.structure.files import File, Files

from docgen.site.links import anchor, links_of
from docgen.site.lists import moved_to_fours

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

DOCS: Final = "docs/"
CHANGES: Final = "changelog.d"
FOLDER: Final = "/*"
"""The end of an entry of the navigation that stands for a folder: its README, and the pages of it that this lists."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the pages of folders one by one, and the anchors of headings as links in the repository do."""
    config.nav = [expanded(entry, root_of(config)) for entry in config.nav or []]
    config.mdx_configs["toc"] = {**config.mdx_configs.get("toc", {}), "slugify": anchor}
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Give files of `docs/` their path in the repository, and add the files elsewhere that pages link to."""
    root = root_of(config)
    found = {}
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
        if not file.src_uri.endswith(".py"):  # they draw the pictures, and no page links to them
            found[DOCS + file.src_uri] = file.dest_uri
    for path in linked_from(list(found), root):
        found.setdefault(path, address(path))
    for path, dest_uri in found.items():
        files.append(File(path, str(root), config.site_dir, use_directory_urls=False, dest_uri=dest_uri))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Leave out the marks that tell the tests how a block runs, and put lists where Python-Markdown looks for them."""
    if page.file.src_uri == f"{CHANGES}/README.md":
        markdown += changes(root_of(config) / CHANGES)
    return moved_to_fours(re.sub(r"^ *<!-- run: .* -->\n", "", markdown, flags=re.MULTILINE))


def changes(folder: Path) -> str:
    """Return the changes that are not released yet, by their kind."""
    kinds: dict[str, list[str]] = {}
    for fragment in sorted(folder.glob("*.*.md")):
        change = " ".join(fragment.read_text(encoding="utf-8").split())
        kinds.setdefault(fragment.suffixes[0].removeprefix("."), []).append(f"- {change}")
    return "".join(f"\n## {kind.capitalize()}\n\n" + "\n".join(kinds[kind]) + "\n" for kind in sorted(kinds))


def root_of(config: MkDocsConfig) -> Path:
    """Return the root of the repository."""
    return Path(config.config_file_path).parent


def expanded(entry: Any, root: Path) -> Any:
    """Return an entry of the navigation with the pages of its folders in place of the folders."""
    match entry:
        case dict():
            return {title: expanded(below, root) for title, below in entry.items()}
        case list():
            return [expanded(below, root) for below in entry]
        case str() if entry.endswith(FOLDER):
            readme = PurePosixPath(entry).with_name("README.md")
            linked = linked_from([str(readme)], root, deep=False)
            return [str(readme), *(path for path in linked if PurePosixPath(path).parent == readme.parent)]
        case _:
            return entry


def address(path: str) -> str:
    """Return where a file from outside of `docs/` lies in the site; a README is the first page of its folder."""
    page = PurePosixPath(path)
    if page.suffix != ".md":
        return path
    if page.name == "README.md" and page.parent != PurePosixPath():
        return str(page.with_name("index.html"))
    return str(page.with_suffix(".html"))


def linked_from(paths: list[str], root: Path, *, deep: bool = True) -> list[str]:
    """Return the files that pages link to, in order, and unless not `deep`, those that these link to in turn."""
    seen: dict[str, None] = {}
    waiting = list(paths)
    while waiting:
        page = waiting.pop(0)
        if not page.endswith(".md"):
            continue
        for link in links_of((root / page).read_text(encoding="utf-8")):
            target = (root / page).parent.joinpath(link.partition("#")[0]).resolve()
            if target.is_file() and (path := target.relative_to(root).as_posix()) not in seen:
                seen[path] = None
                if deep:
                    waiting.append(path)
    return list(seen)
