"""Scrapes and reports as the checker takes them: read by their contract, in text, and in nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tests.observer.checker import Shown
from tests.recount.counts import STOCKS, WINDOW_COUNTS

_SAMPLE: Final = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
_PREFIX: Final = "tenure_"
_MARKS: Final = ("tenure_commit_conflicts_total", "tenure_rebalances_total")


def shown_in_scrape(text: str, *, who: str, seconds: float) -> Shown:
    """Return what a worker shows in Prometheus' text format; `seconds` is when it had answered.

    A worker that shows no counts, since it withholds them or has none, shows no partition.
    """
    marks: dict[str, float] = {}
    partitions: list[int] = []
    counts: dict[str, int] = {}
    as_of_ms = 0
    for sample in _SAMPLE.finditer(text):
        name, labels = sample["name"], dict(_LABEL.findall(sample["labels"] or ""))
        if name in _MARKS:
            marks[name] = float(sample["value"])
        elif name == "tenure_partition_counted":
            partitions.append(int(labels["partition"]))
        elif name == "tenure_kpis_as_of_timestamp_seconds":
            as_of_ms = round(float(sample["value"]) * 1000)
        elif labels.get("dimension") == "all" and "kind" not in labels:
            count = name.removeprefix(_PREFIX)
            if count in STOCKS and "window" not in labels:
                counts[count] = int(float(sample["value"]))
            elif count in WINDOW_COUNTS and labels.get("window", "year") != "year":
                counts[f"{labels['window']}/{count}"] = int(float(sample["value"]))
    mark = tuple(sorted(marks.items()))
    return Shown(who, seconds, dict.fromkeys(partitions, mark), as_of_ms, counts)


def shown_in_report(report: Mapping[str, Any], *, who: str, seconds: float, partitions: int, mark: object) -> Shown:
    """Return what a report of `tenure kpi --json` shows, which counts all partitions."""
    counts = {name: report["totals"][name] for name in STOCKS}
    for window, numbers in report["windows"].items():
        counts |= {f"{window}/{name}": numbers[name] for name in WINDOW_COUNTS}
    as_of_ms = round(datetime.fromisoformat(report["as_of"]).timestamp() * 1000)
    return Shown(who, seconds, dict.fromkeys(range(partitions), mark), as_of_ms, counts)
