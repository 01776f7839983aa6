"""Writes the documents that are made of the product's own lists, or checks that they are up to date.

`python -m docgen` (or with `--write`) writes them; `--check` exits with 1 and names those that differ. Run in a
checkout: the documents lie beside the packages.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from docgen import (
    api,
    asyncapi,
    commands,
    events,
    files,
    json_schema,
    kpis,
    metrics,
    report,
    report_schema,
    rights,
    settings,
    sql,
)

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final[dict[str, tuple[Callable[[], str], str]]] = {
    "docs/kpis.md": (kpis.page, "schemas/catalogue/"),
    "docs/metrics.md": (metrics.page, "schemas/instruments.py"),
    "docs/events.md": (events.page, "schemas/ and agents/"),
    "docs/settings.md": (settings.page, "streams/settings/settings.py"),
    "docs/rights.md": (rights.page, "streams/rights.py"),
    "docs/commands.md": (commands.page, "tenure/commands/"),
    "docs/report.md": (report.page, "schemas/documents/"),
    "docs/api.md": (api.page, "tenure/api/reports.py"),
    "docs/sql.md": (sql.page, "schemas/relations.py"),
}
"""By its path, what returns the text of a page, and what that is made of."""


def documents() -> dict[str, str]:
    """Return the text of every document by its path inside the repository."""
    texts = {path: _with_note(page(), source) for path, (page, source) in PAGES.items()}
    schemas = {
        "events.schema": json_schema.event_schema(),
        "events.asyncapi": asyncapi.asyncapi_document(),
        "reports.schema": report_schema.report_schema(),
    }
    for name, schema in schemas.items():
        texts[f"schemas/{name}.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return texts


def outdated(root: Path) -> list[str]:
    """Return the paths of the documents under a folder that are missing or differ from what they should be."""
    return files.outdated(root, documents())


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write or check the documents; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docgen", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a document is not up to date"
    )
    parser.add_argument("--write", action="store_true", help="write the documents; the default")
    if parser.parse_args(arguments).check:
        return files.complain(outdated(root), "is not up to date: run python -m docgen --write")
    files.write(root, documents())
    return 0


def _with_note(page: str, source: str) -> str:
    title, _, rest = page.partition("\n")
    return f"{title}\n\n<!-- Written by `python -m docgen` from {source}. -->\n{rest}"


if __name__ == "__main__":
    sys.exit(main())
