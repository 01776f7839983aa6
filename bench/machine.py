"""The machine: which cores what runs on, and how much CPU and memory a process has taken. Reads /proc."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_AFTER_NAME: Final = 2
"""Fields of /proc/<pid>/stat are counted from 1; the name, which may hold anything, is the second."""


def description() -> str:
    """Return processor, cores, kernel and Python in one line."""
    names = [line.partition(":")[2].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")]
    name = names[0] if names else platform.machine()
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} × {name}, {system}; load average {os.getloadavg()[0]:.1f} at the start"


def measured_core() -> int:
    """Return the core that what is measured runs on, alone where there is another."""
    return max(os.sched_getaffinity(0))


def give_way() -> int:
    """Leave the measured core to what is measured: this process and all it starts run on the others.

    Returns:
        The measured core.
    """
    core = measured_core()
    others = os.sched_getaffinity(0) - {core}
    if others:
        os.sched_setaffinity(0, others)
    return core


def cpu_seconds(process_id: int) -> float:
    """Return the CPU time of a process with all its threads and children, ended ones included (seconds)."""
    own = _stat(process_id)
    used = sum(int(own[field - _AFTER_NAME - 1]) for field in (14, 15, 16, 17)) / _TICKS_PER_SECOND
    return used + sum(cpu_seconds(child) for child in _children(process_id))


def running_seconds(process_id: int) -> float:
    """Return how long the threads of a process have run, to the nanosecond: ticks are too coarse for one at rest."""
    tasks = Path(f"/proc/{process_id}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def peak_memory_bytes(process_id: int) -> int:
    """Return the most memory that a process has had (peak resident set, bytes)."""
    return next(
        int(line.split()[1]) * 1024 for line in _read(f"/proc/{process_id}/status") if line.startswith("VmHWM:")
    )


def _stat(process_id: int) -> list[str]:
    return Path(f"/proc/{process_id}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()


def _children(process_id: int) -> list[int]:
    tasks = Path(f"/proc/{process_id}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]


def _read(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()
