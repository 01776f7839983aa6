"""Files of the repository that its own code writes: which of them are not up to date, and writing them.

Not what they hold, which is made where it is known and comes in as text. For a checkout: no worker uses this.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def outdated(root: Path, wanted: Mapping[str, str], present: Iterable[str] = ()) -> list[str]:
    """Return the paths of files that are missing, differ from what they should be, or are nobody's any more.

    Args:
        root: The folder that the paths begin at.
        wanted: The text of each file by its path.
        present: The files that there are where all are generated; those that are not wanted come last.
    """
    return [path for path in dict.fromkeys([*wanted, *present]) if _read(root / path) != wanted.get(path)]


def write(root: Path, wanted: Mapping[str, str], present: Iterable[str] = ()) -> None:
    """Write the files that are outdated, and remove those that are nobody's any more; arguments as above."""
    for path in outdated(root, wanted, present):
        if path not in wanted:
            (root / path).unlink()
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(wanted[path], encoding="utf-8")


def complain(stale: Sequence[str], advice: str) -> int:
    """Name outdated files on standard error, each with what to do; return the exit status, 1 where there are any."""
    for path in stale:
        sys.stderr.write(f"{path} {advice}\n")
    return 1 if stale else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
