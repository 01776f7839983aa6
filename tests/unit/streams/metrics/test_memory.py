"""The memory that a worker occupies and may occupy, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path

from streams.metrics.memory import memory_bytes, memory_limit_bytes

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_limit_of_the_container_counts_where_it_is_smaller_than_the_machine(tmp_path: Path) -> None:
    """The kernel ends the process at the container's limit, however much the machine has."""
    limit, none, unknown = tmp_path / "limit", tmp_path / "none", tmp_path / "unknown"
    limit.write_text("64000000\n", encoding="ascii")
    none.write_text("max\n", encoding="ascii")
    assert memory_limit_bytes([limit]) == 64_000_000
    assert memory_limit_bytes([none, unknown]) == MACHINE


def test_process_whose_memory_is_not_told_occupies_nothing(tmp_path: Path) -> None:
    """The worker must run where there is no /proc."""
    assert memory_bytes(tmp_path / "statm") == 0
