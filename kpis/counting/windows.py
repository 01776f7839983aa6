"""Windows and the calendar, in buckets.

A bucket is a number: the instant divided by the bucket's length. Boundaries are numbers too: boundary b is the start
of bucket b.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from kpis.arrays import Flags, Ints
from kpis.customer.what_counts import BY_DEFAULT
from kpis.native import IS_THERE
from schemas.catalogue.windows import MONTH, WINDOW_DAYS
from schemas.instants import DAY_MS, milliseconds

if IS_THERE:
    from kpis.native.cells import RowSums

YEAR: Final = "year"
"""Not one of `Windows.names`: it is counted for periods alone (`kpis.counting.periods`)."""
FIRST_YEAR: Final = 1999
_LAST_YEAR: Final = 2110


class Windows:
    """The fixed windows of a setting, and months and years in the business time zone."""

    def __init__(
        self,
        days: Sequence[int] = WINDOW_DAYS,
        *,
        time_zone: str = "UTC",
        bucket_ms: int = 3_600_000,
        trial_days: int = BY_DEFAULT.trial_days,
        native: bool = True,
    ) -> None:
        """Take the windows.

        Args:
            days: Lengths of the fixed windows (days), ascending.
            time_zone: Business time zone (IANA name).
            bucket_ms: Length of a bucket (ms); divides a day and every offset of the time zone.
            trial_days: See `kpis.customer.what_counts.WhatCounts`.
            native: False sums rows in Python, as where nothing was compiled.
        """
        assert list(days) == sorted(set(days)), days
        assert bucket_ms >= 300_000, "buckets below five minutes do not fit the keys of cells"
        self.bucket_ms = bucket_ms
        self.time_zone = ZoneInfo(time_zone)
        self.day = DAY_MS // bucket_ms
        #: how long after a first trial it is known whether it converted (buckets)
        self.trial = trial_days * self.day
        self.spans = np.array([d * self.day for d in days], np.int64)
        self.fixed: tuple[str, ...] = tuple(f"{d}d" for d in days)
        self.names: tuple[str, ...] = (*self.fixed, MONTH)
        firsts = [(year, month) for year in range(FIRST_YEAR, _LAST_YEAR) for month in range(1, 13)]
        self.month_starts = np.array([self._local(year, month) for year, month in firsts], np.int64)
        self.year_starts = np.array([self._local(year, 1) for year in range(FIRST_YEAR, _LAST_YEAR)], np.int64)
        self.native = IS_THERE and native
        self._idle: list[RowSums] = []

    def _local(self, year: int, month: int) -> int:
        """Return the boundary at which a local month begins."""
        at_ms = milliseconds(dt.datetime(year, month, 1, tzinfo=self.time_zone))
        assert at_ms % self.bucket_ms == 0, "the bucket must divide every offset of the business time zone"
        return at_ms // self.bucket_ms

    def start(self, name: str, boundary: int) -> int:
        """Return the boundary at which a window as of `boundary` starts."""
        if name in {MONTH, YEAR}:
            starts = self.month_starts if name == MONTH else self.year_starts
            return int(starts[np.searchsorted(starts, boundary - 1, "right") - 1])
        return boundary - int(self.spans[self.fixed.index(name)])

    @contextmanager
    def row_sums(self) -> Iterator[RowSums]:
        """Lend what sums rows for these windows natively; nobody else has it meanwhile."""
        assert self.native, "nothing was compiled"
        sums = self._idle.pop() if self._idle else RowSums(self.spans, self.year_starts, self.month_starts)
        try:
            yield sums
        finally:
            sums.forget()
            self._idle.append(sums)

    # -- classes of pairs: which windows can hold both ends

    @property
    def classes(self) -> int:
        """Return how many classes of pairs there are."""
        return (len(self.spans) + 1) * 3

    def class_of(self, i: Ints, j: Ints) -> Ints:
        """Return the class of pairs: how many fixed windows are too short, and what of the calendar both ends share.

        Calendar classes: 0 different years, 1 the year, 2 the month.
        """
        shorter = np.searchsorted(self.spans, j - i, "right")
        year = np.searchsorted(self.year_starts, i, "right") == np.searchsorted(self.year_starts, j, "right")
        month = np.searchsorted(self.month_starts, i, "right") == np.searchsorted(self.month_starts, j, "right")
        kinds: Ints = (shorter * 3 + year.astype(np.int64) + month.astype(np.int64)).astype(np.int64)
        return kinds

    def useful(self, classes: Ints) -> Flags:
        """Return which classes any window can hold."""
        held: Flags = (classes // 3 < len(self.spans)) | (classes % 3 > 0)
        return held

    def fitting(self, name: str) -> list[int]:
        """Return the classes that a window holds when both ends lie in it."""
        if name == MONTH:
            return [c for c in range(self.classes) if c % 3 == 2]
        if name == YEAR:
            return [c for c in range(self.classes) if c % 3 > 0]
        return [c for c in range(self.classes) if c // 3 <= self.fixed.index(name)]
