"""Measures: who saw which variant first, and how long those stayed from there on.

Customers are taken some at a time, from any partition and in any order; what is kept of them are a few integers.
Pure: who reads the states is `tenure.reports.experiments`. Definitions: docs/definitions.md, section "What keeps
customers"; how variants are compared: `kpis.population.sequential`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.customer.state import Customer
from kpis.customer.touchpoints import ExposureFact, touchpoints_of
from kpis.customer.what_counts import WhatCounts
from kpis.filters import Filter
from kpis.names import Names
from kpis.population.choosing import Chooser
from kpis.population.lifetime import Durations
from kpis.population.sequential import ComparedMembers, SequentialComparison, compared
from kpis.population.stays import past_until
from schemas.instants import DAY_MS

#: The variant that others are compared with, of those that were seen: the first of these, else the first by name.
CONTROLS: Final = ("control", "holdout")


def first_exposures(customer: Customer, until_ms: int) -> list[ExposureFact]:
    """Return of each measure the first exposure before an instant, in the order of their times."""
    found: dict[str, ExposureFact] = {}
    for fact in touchpoints_of(customer):
        if isinstance(fact, ExposureFact) and fact.at_ms < until_ms:
            found.setdefault(fact.measure, fact)
    return list(found.values())


class _Variant:
    """Those who saw one variant of one measure first."""

    def __init__(self) -> None:
        self.deaths: Counter[int] = Counter()
        self.censored: Counter[int] = Counter()
        self.not_active = 0
        #: of each who was active: the day of entry, the last day, whether the customer left on it
        self.members = array("q")


class Variant(NamedTuple):
    """Those who saw one variant first: how long they stayed, and how many were no active customers when they saw it."""

    durations: Durations
    not_active: int


class ExperimentScan:
    """Takes all customers, and sorts them by the variant that they saw first."""

    def __init__(self, *, at_ms: int, bucket_ms: int, what: WhatCounts, where: Filter | None = None) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only customers for whom it holds when they saw it.
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        #: the first day that is not over (day number): what happens on it is not compared yet
        self._today = at_ms // DAY_MS
        self._chooser = Chooser(where)
        self._found: dict[str, dict[str, _Variant]] = {}

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        if not customer.touchpoints:
            return
        exposures = first_exposures(customer, self._at_ms)
        if not exposures:
            return
        past = past_until(customer, self._at_ms, self._bucket_ms, self._what)
        for fact in exposures:
            if not self._chooser.holds(names, past.at(fact.at_ms).plan, customer.profile):
                continue
            variant = self._found.setdefault(fact.measure, {}).setdefault(fact.variant, _Variant())
            stay = past.stay_at(fact.at_ms)
            if stay is None:
                variant.not_active += 1
                continue
            has_left = stay.end_ms < self._at_ms
            days = stay.days_from(fact.at_ms, self._at_ms)
            (variant.deaths if has_left else variant.censored)[days] += 1
            entry, last = fact.at_ms // DAY_MS, min(stay.end_ms, self._at_ms) // DAY_MS
            if entry < self._today:
                variant.members.extend((entry, min(last, self._today - 1), has_left and last < self._today))

    def variants(self) -> dict[str, dict[str, Variant]]:
        """Return the variants of each measure, both by name."""
        return {
            measure: {
                name: Variant(Durations(each.deaths, each.censored), each.not_active)
                for name, each in sorted(variants.items())
            }
            for measure, variants in sorted(self._found.items())
        }

    def compared(self, measure: str, variant: str, control: str, *, alpha: float) -> SequentialComparison:
        """Return the comparison of a variant with the one that it is held against, as of the end of the last day."""
        found = self._found[measure]
        parts = [np.array(found[name].members, np.int64).reshape(-1, 3) for name in (control, variant)]
        group = np.repeat(np.arange(2), [len(part) for part in parts])
        entry, leaving, has_left = np.concatenate(parts).T
        return compared(ComparedMembers(group, entry, leaving, has_left.astype(bool)), alpha=alpha)


def control_of(variants: Sequence[str], wanted: str | None = None) -> str:
    """Return the variant that the others are compared with; `wanted` where it is there."""
    preferred = CONTROLS if wanted is None else (wanted, *CONTROLS)
    return next((name for name in preferred if name in variants), min(variants))
