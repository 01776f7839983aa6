"""Cancellations day by day, for judging whether the last day is out of the ordinary.

A day is the 24 hours before T, the 24 hours before those, and so on: no calendar, so that a change to daylight saving
time makes no day longer than another. Pure. Its use: docs/runbooks/ChurnSpike.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kpis.counting.cells import point_column
from kpis.counting.counts import Prefixes, stocks
from kpis.counting.windows import Windows
from kpis.rows import CANCELLED

WEEKS: Final = 4
DAYS: Final = 7 * WEEKS + 1
"""The last day, and four weeks before it."""


class Daily(NamedTuple):
    """Both by how many days ago the day was; 0 is the one that ends at T."""

    cancellations: Mapping[int, int]
    customers_at_start: Mapping[int, int]  # of 0, 7, 14, 21 and 28 days ago


def daily_edges(windows: Windows, boundary: int) -> list[int]:
    """Return the boundaries whose prefix sums `daily` needs."""
    return [boundary - ago * windows.day for ago in range(DAYS + 1)]


def daily(prefix: Prefixes, windows: Windows, boundary: int) -> Daily:
    """Return the days as of a boundary.

    Args:
        prefix: Prefix sums of all customers at the boundaries that `daily_edges` names.
        windows: The windows.
        boundary: T.
    """
    column = point_column(CANCELLED)
    before = [int(prefix[x][column][0]) for x in daily_edges(windows, boundary)]
    starts = {ago: boundary - (ago + 1) * windows.day for ago in range(0, DAYS, 7)}
    return Daily(
        {ago: before[ago] - before[ago + 1] for ago in range(DAYS)},
        {ago: int(stocks(prefix, start)["customers_active"][0]) for ago, start in starts.items()},
    )
