"""Memory of this process: its size and its limit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_STATM: Final = Path("/proc/self/statm")
#: Of control groups, version 2 and version 1.
_LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_bytes(statm: Path = _STATM) -> int:
    """Return the resident memory of this process (bytes); 0 where the machine does not tell."""
    try:
        return int(statm.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def memory_limit_bytes(limits: Sequence[Path] = _LIMITS) -> int:
    """Return the smallest of the container's limit and the machine's memory (bytes)."""
    machine = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES
    return min([machine, *(limit for limit in map(_limit_in, limits) if limit is not None)])


def _limit_in(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None  # "max": no limit
