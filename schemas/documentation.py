"""Writes the documents that are made of this package, or checks that they are up to date.

`python -m schemas.documentation` (or with `--write`) writes them; `--check` exits with 1 and names those that differ.
Run in a checkout: the documents lie beside the packages.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from schemas import generated, json_schema, page_of_events, page_of_kpis, page_of_metrics

ROOT: Final = Path(__file__).resolve().parent.parent
NOTE: Final = "<!-- Written by `python -m schemas.documentation --write` from the catalogue in schemas/. -->"


def documents() -> dict[str, str]:
    """Return the text of every document by its path inside the repository."""
    pages: dict[str, Callable[[], str]] = {
        "docs/kpis.md": page_of_kpis.page,
        "docs/metrics.md": page_of_metrics.page,
        "docs/events.md": page_of_events.page,
    }
    texts = {path: _with_note(page()) for path, page in pages.items()}
    texts["schemas/events.schema.json"] = json.dumps(json_schema.event_schema(), indent=2, ensure_ascii=False) + "\n"
    return texts


def outdated(root: Path) -> list[str]:
    """Return the paths of the documents under a folder that are missing or differ from what they should be."""
    return generated.outdated(root, documents())


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write or check the documents; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m schemas.documentation", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a document is not up to date"
    )
    parser.add_argument("--write", action="store_true", help="write the documents; the default")
    if parser.parse_args(arguments).check:
        return generated.complain(outdated(root), "is not up to date: run python -m schemas.documentation --write")
    generated.write(root, documents())
    return 0


def _with_note(page: str) -> str:
    title, _, rest = page.partition("\n")
    return f"{title}\n\n{NOTE}\n{rest}"


if __name__ == "__main__":
    sys.exit(main())
