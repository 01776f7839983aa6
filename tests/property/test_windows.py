"""Windows begin where the calendar says, in any time zone, and pairs fall into the windows that hold both ends.

Definitions: docs/kpis.md, section Time and identity.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from kpis.counting.windows import YEAR, Windows
from kpis.instants import instant_of
from kpis.money import Money
from schemas.catalogue.windows import MONTH
from schemas.instants import milliseconds
from tests.property.cases import bounded

ZONES = (
    ("UTC", 60),
    ("Europe/Berlin", 60),
    ("America/Sao_Paulo", 60),
    ("Asia/Kolkata", 30),
    ("Australia/Lord_Howe", 30),
    ("Asia/Kathmandu", 15),
    ("Pacific/Chatham", 15),
)
SPAN_HOURS = 24 * 366 * 4
STARTS = st.integers(0, SPAN_HOURS)


@cache
def _windows(zone: str, minutes: int) -> Windows:
    return Windows((1, 7, 30, 90, 365), time_zone=zone, bucket_ms=minutes * 60_000)


def _boundary(windows: Windows, hours: int) -> int:
    """Return a boundary so many hours after the start of 2023."""
    return (milliseconds(dt.datetime(2023, 1, 1, tzinfo=dt.UTC)) + hours * 3_600_000) // windows.bucket_ms


@bounded(300)
@given(zone=st.sampled_from(ZONES), hours=STARTS, quarter=st.integers(0, 3))
def test_the_month_is_the_one_that_holds_the_instant_just_before(
    zone: tuple[str, int], hours: int, quarter: int
) -> None:
    """At midnight of the first, the month that closes is still the window; clocks that change may not move it."""
    windows = _windows(*zone)
    boundary = _boundary(windows, hours) + quarter
    before = instant_of(boundary * windows.bucket_ms - 1).astimezone(ZoneInfo(zone[0]))
    start = instant_of(windows.start(MONTH, boundary) * windows.bucket_ms).astimezone(ZoneInfo(zone[0]))
    assert (start.year, start.month, start.day) == (before.year, before.month, 1)
    just_before_start = (start.astimezone(dt.UTC) - dt.timedelta(milliseconds=1)).astimezone(ZoneInfo(zone[0]))
    assert just_before_start.month != start.month


@bounded(200)
@given(
    zone=st.sampled_from(ZONES),
    hours=STARTS,
    pairs=st.lists(st.tuples(st.integers(0, 24 * 420), st.integers(0, 24 * 420)), min_size=1, max_size=20),
)
@example(zone=("UTC", 60), hours=24 * 365, pairs=[(24, 0), (25, 0), (24 * 7, 24 * 7 - 1), (24 * 365, 0)])
def test_a_pair_counts_in_a_window_exactly_if_both_ends_lie_in_it(
    zone: tuple[str, int], hours: int, pairs: list[tuple[int, int]]
) -> None:
    """Classes stand for windows that are named nowhere in the fold: their arithmetic must be that of each window."""
    windows = _windows(*zone)
    boundary = _boundary(windows, hours)
    back = windows.day // 24
    ends = [sorted((boundary - one * back, boundary - other * back + back)) for one, other in pairs]
    i, j = np.array([start for start, _ in ends]), np.array([end for _, end in ends])
    kinds = windows.class_of(i, j)
    for name in (*windows.names, YEAR):
        x0 = windows.start(name, boundary)
        fits = np.isin(kinds, windows.fitting(name))
        counted = fits * ((j < boundary).astype(int) - (i < x0).astype(int))
        assert counted.tolist() == ((i >= x0) & (j < boundary)).astype(int).tolist(), name
        assert not (fits & ~windows.useful(kinds)).any()


@bounded(300)
@given(amount=st.integers(0, 10**12), rate=st.decimals("0.000001", "100000", places=6))
@example(amount=1, rate=Decimal("0.5"))
@example(amount=3, rate=Decimal("0.5"))
@example(amount=10**12, rate=Decimal("99999.999999"))
def test_foreign_money_is_rounded_half_to_even(amount: int, rate: Decimal) -> None:
    """Minor units are integers; halves that always went up would drift."""
    assert Money("USD", {"EUR": rate}).convert(amount, "EUR", 0) == round(amount * Fraction(rate))
    assert Money("USD", {"EUR": str(rate)}).convert(amount, "USD", 0) == amount
    assert Money("USD").convert(amount, "", 0) == amount


@bounded(200)
@given(st.integers(-(10**14), 10**16), st.integers(-23 * 60, 23 * 60))
def test_instants_are_cut_to_milliseconds_and_never_rounded(microseconds: int, offset_minutes: int) -> None:
    """Rounding would move the last event of a bucket into the next one."""
    zone = dt.timezone(dt.timedelta(minutes=offset_minutes))
    moment = (instant_of(0) + dt.timedelta(microseconds=microseconds)).astimezone(zone)
    at_ms = milliseconds(moment)
    back = instant_of(at_ms)
    assert back <= moment < back + dt.timedelta(milliseconds=1)
