"""Counts of a report under the names that they have in Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from schemas.catalogue.counts import COUNTS

SEGMENT_WINDOWS: Final = ("7d", "30d")


def segments_in(report: dict[str, Any], by: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any], Sequence[str]]]:
    """Yield dimension, value, numbers and windows of everybody and of every segment of some dimensions."""
    yield "all", "", report, list(report["windows"])
    for dimension in by:
        for value, numbers in report["segments"][dimension].items():
            yield dimension, value, numbers, SEGMENT_WINDOWS


def counts_in(report: dict[str, Any], by: Sequence[str]) -> dict[tuple[str, str, str, str], Any]:
    """Return the counts of a report by metric, window, dimension and value; without those that have a label more."""
    found: dict[tuple[str, str, str, str], Any] = {}
    for dimension, value, numbers, windows in segments_in(report, by):
        for count in COUNTS:
            if count.kind == "stock":
                found[count.metric, "", dimension, value] = numbers["totals"][count.name]
            else:
                for window in windows:
                    found[count.metric, window, dimension, value] = numbers["windows"][window][count.name]
    return found
