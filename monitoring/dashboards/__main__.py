"""Writes grafana/dashboards, or checks that it is up to date.

`python -m monitoring.dashboards` writes the files; `--check` exits with 1 and names those that differ. Run in a
checkout.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from monitoring.dashboards.boards import documents

ROOT: Final = Path(__file__).resolve().parent.parent.parent
FOLDER: Final = "grafana/dashboards"


def outdated(root: Path) -> list[str]:
    """Return the names of files that are missing, differ from what they should be, or are nobody's any more."""
    wanted = documents()
    present = {path.name for path in (root / FOLDER).glob("*.json")}
    return sorted(name for name in {*wanted, *present} if _read(root / FOLDER / name) != wanted.get(name))


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write or check the files; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file is not up to date")
    parser.add_argument("--write", action="store_true", help="write the files; the default")
    stale = outdated(root)
    if parser.parse_args(arguments).check:
        for name in stale:
            sys.stderr.write(f"{FOLDER}/{name} is not up to date: run python -m monitoring.dashboards\n")
        return 1 if stale else 0
    wanted = documents()
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    for name in stale:
        path = root / FOLDER / name
        if name in wanted:
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
