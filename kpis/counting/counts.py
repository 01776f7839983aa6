"""Cells -> every count, at any boundary.

All counts are differences of *prefix sums*: the sum of a column's cells before a boundary. Which boundaries are
needed for a window as of T, `edges` tells; `derive` does the arithmetic, for all values of a dimension at once.
Definitions: docs/definitions.md, section Counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from kpis.arrays import Ints
from kpis.counting.cells import columns, pair_column, point_column
from kpis.counting.windows import Windows
from kpis.customer import feedback_codes as codes
from kpis.customer.facts import WORDS
from kpis.rows import (
    CANCELLED,
    CONVERTED,
    COUNTED,
    DOWNGRADED,
    ENDED,
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
    PAUSED,
    REACTIVATED,
    SEVERAL,
    SIGNED_UP,
    STARTED,
    SUBSCRIPTIONS,
    TRIAL,
    UPGRADED,
    WITHOUT_EFFECT,
)

#: Prefix sums by boundary, each of shape (columns, values).
Prefixes = Mapping[int, Ints]
#: A count by name, one integer a value of the dimension.
Counts = dict[str, Ints]

#: columns of cells that the active customers are counted by
ACTIVE_COLUMNS: Final = tuple(point_column(code) for code in (NEW, REACTIVATED, CANCELLED, MOVED))
SURVEY = "survey"
NO_EFFECT = "facts_without_effect"


def edges(windows: Windows, boundary: int, names: Iterable[str]) -> list[int]:
    """Return the boundaries whose prefix sums `derive` needs for these windows, sorted.

    What matures so long after a signup, or after a trial, is read that much earlier.
    """
    week = 7 * windows.day
    instants = {boundary, *(windows.start(name, boundary) for name in names)}
    return sorted({x - shift for x in instants for shift in (0, week, 2 * week, windows.trial)})


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
    place, sorted_buckets = column * shape[1] + value, bucket
    if (bucket[1:] < bucket[:-1]).any():  # those of a filter are in order, and are millions
        order = np.argsort(bucket, kind="stable")
        sorted_buckets, place, amount = bucket[order], place[order], amount[order]
    done = 0
    for x in at:
        end = int(np.searchsorted(sorted_buckets, x))
        np.add.at(sums, place[done:end], amount[done:end])
        done = end
        out[x] = sums.reshape(shape).copy()
    return out


def stocks(prefix: Prefixes, boundary: int) -> Counts:
    """Return the counts as of a boundary that have no window."""
    active, mrr = _active(prefix, boundary), _active(prefix, boundary, money=True)
    p = prefix[boundary]
    return {
        "customers_active": active,
        "customers_paused": p[point_column(PAUSED)],
        "customers_with_several": p[point_column(SEVERAL)],
        "subscriptions_active": active + p[point_column(SUBSCRIPTIONS)],
        "subscription_mrr": mrr + p[point_column(SUBSCRIPTIONS, money=True)],
        "mrr": mrr,
    }


def _active(prefix: Prefixes, boundary: int, *, money: bool = False) -> Ints:
    """Return the active customers, or their MRR."""
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
        The counts of section 3 by name, surveys as `survey/<kind>/<way>/<status>`, and facts without effect as
        `facts_without_effect/<kind>`.
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

    c: Counts = {
        "customers_at_start": _active(prefix, x0),
        "mrr_at_start": _active(prefix, x0, money=True),
        "signups": point(NEW) + point(SIGNED_UP),
    }
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
    c["dropoff_matured"] = c["onboarding_matured"] = point(NEW, shift=week) + point(SIGNED_UP, shift=week)
    c["dropoff_cancelled"] = point(GONE, shift=week)
    c["onboarding_completed"] = point(ONBOARDED, shift=week)
    matured = point(NEW, shift=2 * week) + point(SIGNED_UP, shift=2 * week)
    c["dropoff_silent_matured"] = matured - point(GONE, shift=2 * week)
    c["dropoff_silent"] = c["dropoff_silent_matured"] - point(LIVELY, shift=2 * week)
    c["trials_matured"] = point(TRIAL, shift=windows.trial)
    c["trials_converted"] = point(CONVERTED, shift=windows.trial)
    c["subscriptions_started"] = c["customers_new"] + c["customers_reactivated"] + point(STARTED)
    c["subscriptions_ended"] = c["cancellations"] + point(ENDED)
    for kind, code in WITHOUT_EFFECT.items():
        c[f"{NO_EFFECT}/{WORDS[kind]}"] = point(code)
    c["customers_engaged"] = point(ENGAGED) - pair(ENGAGED_AGAIN)
    c.update(_feedback(prefix[boundary], prefix[x0]))
    return c


def _classes_by_count() -> dict[str, tuple[int, ...]]:
    """Return the classes that each count of surveys and renewals adds up."""
    found: dict[str, Iterable[int]] = {f"survey_{status}": codes.classes_of(status) for status in codes.STATUSES}
    found["nps_promoters"] = codes.PROMOTERS
    found["nps_passives"] = codes.PASSIVES
    found["nps_detractors"] = codes.DETRACTORS
    found["csat_satisfied"] = codes.SATISFIED
    found["csat_answered"] = (*codes.SATISFIED, *codes.UNSATISFIED)
    found["renewals_declined"] = (codes.DECLINED,)
    found["renewals_failed"] = (codes.FAILED,)
    found["renewals_renewed"] = (codes.RENEWED,)
    for kind in codes.KINDS:
        for way in codes.WAYS:
            for status in codes.STATUSES:
                found[f"{SURVEY}/{kind}/{way}/{status}"] = codes.classes_of(status, kind, way)
    return {name: tuple(classes) for name, classes in found.items()}


_CLASSES: Final = _classes_by_count()
#: by count and class, whether it is added up
_ADDED: Final = np.array([[k in classes for k in range(codes.CLASSES)] for classes in _CLASSES.values()], np.int64)
_CLASS_COLUMNS: Final = [point_column(FEEDBACK + k) for k in range(codes.CLASSES)]


def _feedback(end: Ints, start: Ints) -> Counts:
    """Return the counts of surveys and renewals between two prefix sums."""
    return dict(zip(_CLASSES, _ADDED @ (end[_CLASS_COLUMNS] - start[_CLASS_COLUMNS]), strict=True))


def shape_of(windows: Windows, values: int) -> tuple[int, int]:
    """Return the shape of prefix sums for so many values."""
    return columns(windows), values
