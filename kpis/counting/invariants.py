"""Invariants: equations between counts that hold at every instant; where one is violated, the numbers are wrong.

Definitions: docs/kpis.md, section Identities.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kpis.arrays import Ints
from kpis.counting.counts import Counts

#: part <= whole, for every segment
_PARTS = (
    ("customers_retained", "customers_at_start"),
    ("customers_lost", "customers_at_start"),
    ("cancellations_of_new", "cancellations"),
    ("cancellations_involuntary", "cancellations"),
    ("dropoff_cancelled", "dropoff_matured"),
    ("dropoff_silent", "dropoff_silent_matured"),
    ("onboarding_completed", "onboarding_matured"),
    ("mrr_retained_gross", "mrr_at_start"),
    ("mrr_retained_gross", "mrr_retained_net"),
    ("csat_satisfied", "csat_answered"),
    ("trials_converted", "trials_matured"),
)
#: part <= whole, of stocks
_PARTS_OF_STOCKS = (("customers_with_several", "customers_active"), ("customers_active", "subscriptions_active"))


def violations(stock: Counts, start: Counts, window: Counts, *, moves_between_values: bool) -> Iterator[str]:
    """Yield the identities that a window's counts violate, in words.

    Args:
        stock: The counts without a window, as of T.
        start: The same as of the start of the window.
        window: The counts of a window.
        moves_between_values: True for the dimension plan, where customers move between values, so that the balance of
        a single
            value does not close.
    """
    if not np.array_equal(window["customers_at_start"], window["customers_retained"] + window["customers_lost"]):
        yield "customers_at_start = customers_retained + customers_lost"
    if not moves_between_values:
        flow = window["customers_new"] + window["customers_reactivated"] - window["cancellations"]
        if not np.array_equal(stock["customers_active"] - window["customers_at_start"], flow):
            yield "customers_active - customers_at_start = customers_new + customers_reactivated - cancellations"
        money = window["mrr_new"] + window["mrr_expansion"] + window["mrr_reactivated"]
        money = money - window["mrr_contraction"] - window["mrr_churned"]
        if not np.array_equal(stock["mrr"] - window["mrr_at_start"], money):
            yield "mrr - mrr_at_start = mrr_new + mrr_expansion + mrr_reactivated - mrr_contraction - mrr_churned"
        yield from _violations_of_subscriptions(stock, start, window)
    if (window["customers_engaged"] > stock["customers_active"]).any():
        yield "customers_engaged <= customers_active"
    for part, whole in _PARTS:
        if whole in window and (window[part] > window[whole]).any():
            yield f"{part} <= {whole}"
    everything = {**stock, **window}
    if (np.stack(list(everything.values())) < 0).any():  # one look at all of them: mostly none is
        yield from (f"{name} >= 0" for name, counts in everything.items() if (counts < 0).any())


def _violations_of_subscriptions(stock: Counts, start: Counts, window: Counts) -> Iterator[str]:
    if not np.array_equal(stock["subscription_mrr"], stock["mrr"]):
        yield "subscription_mrr = mrr"
    flow = window["subscriptions_started"] - window["subscriptions_ended"]
    if not np.array_equal(stock["subscriptions_active"] - start["subscriptions_active"], flow):
        yield ("subscriptions_active - subscriptions_active at the start = subscriptions_started - subscriptions_ended")
    for part, whole in _PARTS_OF_STOCKS:
        if (stock[part] > stock[whole]).any():
            yield f"{part} <= {whole}"


def disagreements(everyone: Counts, split: Mapping[str, Counts]) -> Iterator[str]:
    """Yield the counts whose sum over the values of a dimension is not that of all customers.

    Each dimension has cells of its own, so that this finds what was written to one and not to another.
    """
    names = list(everyone)
    totals = _sums(everyone, names)
    for dimension, counts in split.items():
        for place in np.flatnonzero(_sums(counts, names) != totals).tolist():
            yield f"{names[place]} over all values of {dimension} = {names[place]}"


def _sums(counts: Counts, names: Sequence[str]) -> Ints:
    """Return the sum over all values of each count, in the order of the names."""
    sums: Ints = np.stack([counts[name] for name in names]).sum(1)
    return sums
