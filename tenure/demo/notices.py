"""Notices of the demo: cancellations far above those of the days before."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from schemas.documents.report import WindowReport
from tenure.demo.screen.view import Notice

_KEPT: Final = 20
_Z_WORTH_TELLING: Final = 4.0
_LEAST_CANCELLATIONS: Final = 5
_QUIET: Final = timedelta(days=7)


class Notices:
    """The last noteworthy things, oldest first."""

    def __init__(self) -> None:
        self.recent: deque[Notice] = deque(maxlen=_KEPT)
        self._last_spike: datetime | None = None

    def tell(self, at: datetime, text: str, *, warning: bool = False) -> None:
        """Add a line."""
        self.recent.append(Notice(at, text, warning))

    def look_at(self, at: datetime, windows: Mapping[str, WindowReport]) -> None:
        """Add a line where the last day's cancellations stand out from the 29 days before it.

        The distance is Anscombe's, as in the churn spike of docs/definitions.md, against a plain mean.
        """
        count = windows["1d"].count("cancellations")
        expected = (windows["30d"].count("cancellations") - count) / 29
        z = 2 * (math.sqrt(count + 3 / 8) - math.sqrt(expected + 3 / 8)) / math.sqrt(1 + 1 / 29)
        quiet = self._last_spike is None or at - self._last_spike >= _QUIET
        if z >= _Z_WORTH_TELLING and count >= _LEAST_CANCELLATIONS and quiet:
            self._last_spike = at
            self.tell(
                at, f"churn spike: {count} cancellations in a day, {expected:.1f} expected (z = {z:.1f})", warning=True
            )
