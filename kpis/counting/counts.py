"""Cells -> every count, at any boundary.

All counts are differences of *prefix sums*: the sum of a column's cells before a boundary. Which boundaries are
needed for a window as of T, `edges` tells; `derive` does the arithmetic, for all values of a dimension at once.
Definitions: docs/definitions.md, section Counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from kpis.arrays import Ints
from kpis.counting.cells import columns, pair_column, point_column
from kpis.counting.windows import Windows
from kpis.customer import feedback_codes as codes
from kpis.rows import (
    CANCELLED,
    COUNTED,
    DOWNGRADED,
    ENGAGED,
    ENGAGED_AGAIN,
    FEEDBACK,
    GONE,
    KEPT,
    LIVELY,
    MOVED,
    NEW,
    OF_NEW,
    ONBOARDED,
    REACTIVATED,
    UPGRADED,
)

#: Prefix sums by boundary, each of shape (columns, values).
Prefixes = Mapping[int, Ints]
#: A count by name, one integer a value of the dimension.
Counts = dict[str, Ints]

SURVEY = "survey"


def edges(windows: Windows, boundary: int, names: Iterable[str]) -> list[int]:
    """Return the boundaries whose prefix sums `derive` needs for these windows, sorted.

    What matures 7 and 14 days after a signup is read that much earlier.
    """
    week = 7 * windows.day
    instants = {boundary, *(windows.start(name, boundary) for name in names)}
    return sorted({x - shift for x in instants for shift in (0, week, 2 * week)})


def prefixes(
    at: Sequence[int], column: Ints, value: Ints, bucket: Ints, amount: Ints, *, shape: tuple[int, int]
) -> dict[int, Ints]:
    """Return prefix sums at boundaries.

    Args:
        at: Boundaries, ascending.
        column: Columns of the cells.
        value: Their values, as numbers below shape[1].
        bucket: Their buckets.
        amount: Their amounts.
        shape: (columns, values).
    """
    out: dict[int, Ints] = {}
    sums = np.zeros(shape[0] * shape[1], np.int64)
    order = np.argsort(bucket, kind="stable")
    sorted_buckets = bucket[order]
    place = (column * shape[1] + value)[order]
    amount = amount[order]
    done = 0
    for x in at:
        end = int(np.searchsorted(sorted_buckets, x))
        np.add.at(sums, place[done:end], amount[done:end])
        done = end
        out[x] = sums.reshape(shape).copy()
    return out


def stocks(prefix: Prefixes, boundary: int) -> Counts:
    """Return customers_active and mrr as of a boundary."""
    return {"customers_active": _stock(prefix, boundary), "mrr": _stock(prefix, boundary, money=True)}


def _stock(prefix: Prefixes, boundary: int, *, money: bool = False) -> Ints:
    p = prefix[boundary]

    def column(code: int) -> Ints:
        found: Ints = p[point_column(code, money=money)]
        return found

    stock = column(NEW) + column(REACTIVATED) - column(CANCELLED) + column(MOVED)
    return stock + column(UPGRADED) - column(DOWNGRADED) if money else stock


def derive(prefix: Prefixes, windows: Windows, boundary: int, name: str) -> Counts:
    """Return every count of one window.

    Args:
        prefix: Prefix sums at the boundaries that `edges` names.
        windows: The windows.
        boundary: T.
        name: The window.

    Returns:
        The counts of section 3 by name, and surveys as `survey/<kind>/<way>/<status>`.
    """
    x0, week = windows.start(name, boundary), 7 * windows.day
    kinds = windows.fitting(name)

    def point(code: int, *, money: bool = False, shift: int = 0) -> Ints:
        column = point_column(code, money=money)
        inside: Ints = prefix[boundary - shift][column] - prefix[x0 - shift][column]
        return inside

    def pair(code: int, *, money: bool = False) -> Ints:
        ends = [pair_column(code, kind, windows, money=money) for kind in kinds]
        starts = [pair_column(code, kind, windows, money=money, start=True) for kind in kinds]
        inside: Ints = prefix[boundary][ends].sum(0) - prefix[x0][starts].sum(0)
        return inside

    c: Counts = {"customers_at_start": _stock(prefix, x0), "mrr_at_start": _stock(prefix, x0, money=True)}
    for code, count, money in COUNTED:
        c[count] = point(code)
        if money:
            c[money] = point(code, money=True)
    c["cancellations_of_new"] = pair(OF_NEW)
    c["customers_lost"] = c["cancellations"] - c["cancellations_of_new"] + pair(KEPT)
    c["customers_retained"] = c["customers_at_start"] - c["customers_lost"]
    lost_money = c["mrr_contraction"] + c["mrr_churned"] - pair(OF_NEW, money=True)
    c["mrr_retained_gross"] = c["mrr_at_start"] - lost_money
    c["mrr_retained_net"] = c["mrr_retained_gross"] + c["mrr_expansion"] - pair(KEPT, money=True)
    c["dropoff_matured"] = c["onboarding_matured"] = point(NEW, shift=week)
    c["dropoff_cancelled"] = point(GONE, shift=week)
    c["onboarding_completed"] = point(ONBOARDED, shift=week)
    c["dropoff_silent_matured"] = point(NEW, shift=2 * week) - point(GONE, shift=2 * week)
    c["dropoff_silent"] = c["dropoff_silent_matured"] - point(LIVELY, shift=2 * week)
    c["customers_engaged"] = point(ENGAGED) - pair(ENGAGED_AGAIN)
    c.update(_feedback(point))
    return c


def _feedback(point: Callable[[int], Ints]) -> Counts:
    """Return the counts of surveys and renewals."""
    of_class = [point(FEEDBACK + k) for k in range(codes.CLASSES)]

    def total(classes: Iterable[int]) -> Ints:
        found: Ints = np.sum([of_class[k] for k in classes], axis=0, dtype=np.int64)
        return found

    c: Counts = {f"survey_{status}": total(codes.classes_of(status)) for status in codes.STATUSES}
    c["nps_promoters"] = total(range(codes.PROMOTERS, codes.PROMOTERS + 3))
    c["nps_passives"] = total(range(codes.PASSIVES, codes.PASSIVES + 3))
    c["nps_detractors"] = total(range(codes.DETRACTORS, codes.DETRACTORS + 3))
    c["csat_satisfied"] = total(range(codes.SATISFIED, codes.SATISFIED + 3))
    c["csat_answered"] = total(range(codes.SATISFIED, codes.UNSATISFIED + 3))
    c["renewals_declined"] = of_class[codes.DECLINED]
    c["renewals_failed"] = of_class[codes.FAILED]
    c["renewals_renewed"] = of_class[codes.RENEWED]
    for kind in codes.KINDS:
        for way in codes.WAYS:
            for status in codes.STATUSES:
                c[f"{SURVEY}/{kind}/{way}/{status}"] = total(codes.classes_of(status, kind, way))
    return c


def shape_of(windows: Windows, values: int) -> tuple[int, int]:
    """Return the shape of prefix sums for so many values."""
    return columns(windows), values
