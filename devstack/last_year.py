"""Prometheus is given the past of the company, once: dashboards then show a year on the first day."""

from __future__ import annotations

import time
import urllib.request
from typing import Final

from devstack.configuration import WORKERS
from devstack.parts import TENURE, StartError, System, run_command

#: Boards divide by any of them.
_BY: Final = ("--by", "plan", "--by", "country", "--by", "channel")
_LOOK_SECONDS: Final = 1.0
#: Lag is looked at between two fetches too: it must be gone this often in a row.
_QUIET_LOOKS: Final = 3


def load_last_year(system: System) -> bool:
    """Wait until the company's past is counted, and load it into Prometheus; False where that was done before.

    Raises:
        StartError: A command failed.
    """
    folder = system.folder_of("prometheus")
    done = folder / "last-year-loaded"
    if done.exists():
        return False
    quiet = 0
    while quiet < _QUIET_LOOKS:
        time.sleep(_LOOK_SECONDS)
        if not system.starts_again():
            raise StartError("the company's past cannot be counted")
        applied, waiting = _total(system, "tenure_events_applied_total"), _total(system, "tenure_lag_records")
        quiet = quiet + 1 if applied and not waiting else 0
    instance = f"127.0.0.1:{system.ports[WORKERS[0]]}"
    file = folder / "last-year.om"
    text = run_command([TENURE, "history", *_BY, "--instance", instance], system.environment)
    file.write_text(text, encoding="utf-8")
    data = str(folder / "data")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=768h"]
    run_command([*blocks, str(file), data], {})
    file.unlink()
    done.touch()
    return True


def _total(system: System, name: str) -> float:
    """Return the sum of a metric's samples over the workers; 0 while they do not answer."""
    total = 0.0
    for worker in WORKERS:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{system.ports[worker]}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return 0.0
        total += sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + "{", name + " ")))
    return total
