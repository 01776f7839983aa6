"""The clock of a time zone, where nothing about it changes."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from kpis.population.local_time import local_time
from schemas.decoding.rules import EARLIEST_MS, LATEST_MS
from schemas.instants import DAY_MS


@pytest.mark.parametrize("time_zone", ["UTC", "Etc/GMT+3"])
def test_clock_without_changes_is_as_far_from_utc_in_all_years(time_zone: str) -> None:
    """Its first day stands for a century of days, which are not looked at."""
    instants = np.arange(EARLIEST_MS, LATEST_MS, 97 * DAY_MS)
    offset = ZoneInfo(time_zone).utcoffset(None)
    assert offset is not None
    clock = local_time(time_zone)
    walls = clock.wall(instants)
    assert (walls - instants == offset // timedelta(milliseconds=1)).all()
    assert (clock.instant(walls) == instants).all()
