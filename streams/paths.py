"""Paths that somebody gave, of which any text may be one."""

from __future__ import annotations

from pathlib import Path


def is_file(path: str | Path) -> bool:
    """Tell whether there is a file; a path that no system has, too long or with a zero byte, names none."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False
