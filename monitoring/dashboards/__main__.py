"""Writes grafana/dashboards, or checks that it is up to date.

`python -m monitoring.dashboards` writes the files; `--check` exits with 1 and names those that differ. Run in a
checkout.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from docgen import files
from monitoring.dashboards.boards import documents

ROOT: Final = Path(__file__).resolve().parent.parent.parent
FOLDER: Final = "grafana/dashboards"


def outdated(root: Path) -> list[str]:
    """Return the paths of files that are missing, differ from what they should be, or are nobody's any more."""
    return sorted(files.outdated(root, _wanted(), _present(root)))


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write or check the files; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file is not up to date")
    parser.add_argument("--write", action="store_true", help="write the files; the default")
    if parser.parse_args(arguments).check:
        return files.complain(outdated(root), "is not up to date: run python -m monitoring.dashboards")
    files.write(root, _wanted(), _present(root))
    return 0


def _wanted() -> dict[str, str]:
    return {f"{FOLDER}/{name}": text for name, text in documents().items()}


def _present(root: Path) -> set[str]:
    return {f"{FOLDER}/{path.name}" for path in (root / FOLDER).glob("*.json")}


if __name__ == "__main__":
    sys.exit(main())
