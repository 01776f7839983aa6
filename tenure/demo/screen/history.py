"""The course of the numbers that the live screen has shown.

Pure: it is told reports, and keeps a bounded number of values of each number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from schemas.documents.report import Report

KEPT: Final = 400
"""Moments that are kept; when they are more, every second one goes, and from then on half as many come in."""

Reader = Callable[[Report], float | None]


class ShownHistory:
    """Values over simulated time, one of each number for each boundary that was reported.

    Args:
        readers: How each number is read from a report, by its name.
    """

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers
        self._at: list[datetime] = []
        self._values: list[dict[str, float | None]] = []
        self._every = 1
        self._seen = 0

    def observe(self, report: Report) -> None:
        """Take in one object of a report; one as of the same instant as the last, or an earlier one, replaces it."""
        at = datetime.fromisoformat(report.as_of)
        values = {name: read(report) for name, read in self._readers.items()}
        if self._at and at <= self._at[-1]:
            self._values[-1] = values
            return
        self._seen += 1
        if self._at and self._seen % self._every:
            # The newest is always there, so that the last bar of a tile is its number.
            self._at[-1], self._values[-1] = at, values
            return
        self._at.append(at)
        self._values.append(values)
        if len(self._at) > KEPT:
            self._at, self._values = self._at[::-2][::-1], self._values[::-2][::-1]
            self._every *= 2

    def course(self, name: str) -> list[float | None]:
        """Return the values of one number, oldest first."""
        return [values[name] for values in self._values]

    def change(self, name: str, over: timedelta) -> tuple[float, timedelta] | None:
        """Return by how much a number changed, and in which time.

        Args:
            name: Which number.
            over: How far to look back (simulated time); the history may be shorter.

        Returns:
            The newest value less the one so long ago, and the time between them; None where one of them is absent or
            there is but one.
        """
        if len(self._at) < 2:
            return None
        wanted = self._at[-1] - over
        before = max((n for n, at in enumerate(self._at[:-1]) if at <= wanted), default=0)
        old, new = self._values[before][name], self._values[-1][name]
        if old is None or new is None:
            return None
        return new - old, self._at[-1] - self._at[before]
