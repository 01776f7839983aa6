"""Measures: who saw which variant first, and how long those stayed from there on.

Customers are taken some at a time, from any partition and in any order; what is kept of them are a few integers.
Pure: who reads the states is `tenure.reports.experiments`. Definitions: docs/definitions.md, section "What keeps
customers"; how variants are compared: `kpis.population.sequential`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.state import Customer
from kpis.customer.touchpoints import ExposureFact, touchpoints_of
from kpis.customer.what_counts import WhatCounts
from kpis.names import OTHER, Names
from kpis.population.lifetime import Durations
from kpis.population.sequential import ALPHA, ComparedMembers, SequentialComparison, compared_tables, tables_of
from kpis.population.stays import PAST, past_until
from schemas.instants import DAY_MS

#: The variant that others are compared with, of those that were seen: the first of these, else the first by name.
CONTROLS: Final = ("control", "holdout")
#: Where the days of entry and of leaving begin in a packed member (bits), and what a day may be.
_ENTRY, _LAST, _DAYS = 17, 1, 0xFFFF


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
        #: when the last of them saw it (ms since 1970)
        self.newest_ms = 0
        #: of each who was active, packed: the day of entry, the last day, whether the customer left on it
        self.members = array("q")

    def add(self, other: _Variant) -> None:
        """Take those of another one too, who are not compared with anybody."""
        self.deaths.update(other.deaths)
        self.censored.update(other.censored)
        self.not_active += other.not_active

    def join(self, other: _Variant) -> None:
        """Take those of another one too, who are compared as its own are."""
        self.add(other)
        self.newest_ms = max(self.newest_ms, other.newest_ms)
        self.members.extend(other.members)

    def told(self) -> Variant:
        return Variant(Durations(self.deaths, self.censored), self.not_active)


class Variant(NamedTuple):
    """Those who saw one variant first: how long they stayed, and how many were no active customers when they saw it."""

    durations: Durations
    not_active: int

    @property
    def customers(self) -> int:
        """Their number, active or not."""
        return self.durations.episodes + self.not_active


class Measure(NamedTuple):
    """A measure, with its variants by name.

    Attributes:
        newest_ms: When the last customer saw it for the first time (ms since 1970).
        control: The variant that the others are compared with.
        comparisons: Of all others with it: each `p` and each interval allow for as many comparisons as there are.
    """

    newest_ms: int
    control: str
    variants: Mapping[str, Variant]
    comparisons: Mapping[str, SequentialComparison]


class FewMeasures(NamedTuple):
    """The measures that fit on a board by name, and those who saw any other measure or variant."""

    measures: Mapping[str, Measure]
    others: Variant


class Comparisons:
    """Comparisons as they were made last: one is made again once there is a leaving more, or another one."""

    def __init__(self) -> None:
        """Begin without any."""
        self._made: dict[tuple[str, str, str], tuple[int, SequentialComparison]] = {}

    def keep(self, measures: Collection[str]) -> None:
        """Forget the comparisons of all other measures."""
        self._made = {key: made for key, made in self._made.items() if key[0] in measures}

    def of(self, key: tuple[str, str, str], members: ComparedMembers, *, alpha: float) -> SequentialComparison:
        """Return a comparison.

        Args:
            key: Measure, variant and control.
            members: Of the control, then of the variant.
            alpha: As `kpis.population.sequential.compared_tables` takes it.
        """
        tables = tables_of(members)
        seen = hash((alpha, *tables))
        made = self._made.get(key)
        if made is None or made[0] != seen:
            made = self._made[key] = seen, compared_tables(tables, alpha=alpha)
        return made[1]


class ExperimentScan:
    """Takes all customers, and sorts them by the variant that they saw first."""

    def __init__(
        self,
        *,
        at_ms: int,
        bucket_ms: int,
        what: WhatCounts,
        where: Choice = None,
        limit: int | None = None,
        known: Comparisons | None = None,
    ) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only customers for whom it holds when they saw it.
            limit: Variants that names are kept of (count); are there more, all are without a name.
            known: Comparisons of an earlier scan, which are not made again where nothing has changed.
        """
        self._limit, self._known = limit, known or Comparisons()
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        #: the first day that is not over (day number): what happens on it is not compared yet
        self._today = at_ms // DAY_MS
        self._chooser = chooser_of(where)
        self._found: dict[str, dict[str, _Variant]] = {}
        self._count = 0
        #: all there are once they are more than the limit
        self._beyond = _Variant()

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        if not customer.touchpoints:
            return
        exposures = first_exposures(customer, self._at_ms)
        if not exposures:
            return
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        for fact in exposures:
            if not self._chooser.holds(names, past.at(fact.at_ms).plan, customer.profile):
                continue
            variant = self._variant(fact)
            variant.newest_ms = max(variant.newest_ms, fact.at_ms)
            stay = past.stay_at(fact.at_ms)
            if stay is None:
                variant.not_active += 1
                continue
            has_left = stay.end_ms < self._at_ms
            days = stay.days_from(fact.at_ms, self._at_ms)
            (variant.deaths if has_left else variant.censored)[days] += 1
            entry, last = fact.at_ms // DAY_MS, min(stay.end_ms, self._at_ms) // DAY_MS
            if entry < self._today and variant is not self._beyond:
                has_left = has_left and last < self._today
                variant.members.append(entry << _ENTRY | min(last, self._today - 1) << _LAST | has_left)

    def add(self, other: ExperimentScan) -> None:
        """Take the customers of another scan too; neither has a limit."""
        for measure, variants in other._found.items():
            mine = self._found.setdefault(measure, {})
            for name, variant in variants.items():
                mine.setdefault(name, _Variant()).join(variant)

    def _variant(self, fact: ExposureFact) -> _Variant:
        found = self._found.get(fact.measure, {}).get(fact.variant)
        if found is not None:
            return found
        self._count += 1
        if self._limit is None or self._count <= self._limit:
            found = self._found.setdefault(fact.measure, {})[fact.variant] = _Variant()
            return found
        for each in (each for variants in self._found.values() for each in variants.values()):
            self._beyond.add(each)
        self._found.clear()
        return self._beyond

    def variants(self) -> dict[str, dict[str, Variant]]:
        """Return the variants of each measure, both by name."""
        return {
            measure: {name: each.told() for name, each in sorted(variants.items())}
            for measure, variants in sorted(self._found.items())
        }

    def measure(self, name: str, wanted: str | None = None, *, most: int | None = None) -> Measure:
        """Return a measure, as of the end of the last day where variants are compared.

        Args:
            name: Of a measure that somebody saw.
            wanted: The control, where it is there.
            most: Variants that are told beside the control, the largest (count); None: all. What is told of them does
                not depend on it.
        """
        found = self._found[name]
        control = control_of(list(found), wanted)
        others = [variant for variant in found if variant != control]
        told = sorted(others, key=lambda each: (-found[each].told().customers, each))[:most]
        return Measure(
            max(variant.newest_ms for variant in found.values()),
            control,
            {variant: found[variant].told() for variant in sorted((control, *told))},
            {variant: self._compared(name, variant, control, len(others)) for variant in sorted(told)},
        )

    def few(self, measures: int, variants: int) -> FewMeasures:
        """Return so many measures, those that somebody saw for the first time last, with so many variants each.

        One that is called as the others are is among them.
        """
        newest = {name: max(each.newest_ms for each in found.values()) for name, found in self._found.items()}
        named = sorted((name for name in newest if name != OTHER), key=lambda name: (-newest[name], name))[:measures]
        told = {name: self.measure(name, most=variants) for name in sorted(named)}
        rest = _Variant()
        rest.add(self._beyond)
        for name, found in self._found.items():
            for variant, each in found.items():
                if name not in told or variant not in told[name].variants:
                    rest.add(each)
        self._known.keep(told)
        return FewMeasures(told, rest.told())

    def _compared(self, measure: str, variant: str, control: str, comparisons: int) -> SequentialComparison:
        """Return one of several comparisons, among which the share of false alarms is divided."""
        found = self._found[measure]
        parts = [np.array(found[name].members, np.int64) for name in (control, variant)]
        group = np.repeat(np.arange(2), [len(part) for part in parts])
        packed = np.concatenate(parts)
        entry, last, has_left = packed >> _ENTRY, packed >> _LAST & _DAYS, (packed & 1).astype(np.bool_)
        members = ComparedMembers(group, entry, last, has_left)
        one = self._known.of((measure, variant, control), members, alpha=ALPHA / comparisons)
        return one._replace(p=min(1.0, one.p * comparisons))


def control_of(variants: Sequence[str], wanted: str | None = None) -> str:
    """Return the variant that the others are compared with; `wanted` where it is there."""
    preferred = CONTROLS if wanted is None else (wanted, *CONTROLS)
    return next((name for name in preferred if name in variants), min(variants))
