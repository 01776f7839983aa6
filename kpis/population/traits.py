"""Traits that go with staying: customers who had one at an age, beside those of the same age who had it not.

All have lived as long when they are looked at first, at the *landmark*: else who stays long would have had the time to
use anything, and everything would seem to keep customers. Customers are taken one at a time, from any partition and in
any order; what is kept of them are sums.
Pure: who reads the states is `tenure.reports.drivers`. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.customer import activity_of
from kpis.customer.features import features_of
from kpis.customer.feedback_codes import ANSWERED, survey_of
from kpis.customer.history import effective_feedback
from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from kpis.names import PLAN, Names
from kpis.population.comparison import FALSE_DISCOVERIES, Difference, LogRank, adjusted, difference_at, log_rank
from kpis.population.lifetime import Durations, survival
from kpis.population.stay_counts import StayCounts
from kpis.population.stays import PAST, PastStays, past_until
from schemas.instants import DAY_MS

#: The age at which customers are told apart, and how long after it they are compared (days).
LANDMARK_DAYS: Final = 30
COMPARED_DAYS: Final = 90
#: Each of two groups must have so many, or nothing is said of them (customers).
LEAST_GROUP: Final = 50
#: Nothing is reported unless the surest trait passes this: so often is a company without any effect told of one.
FALSE_ALARMS: Final = 0.025

FEATURE: Final = "feature"
ONBOARDING: Final = "onboarding"
ANSWER: Final = "answer"
REASON: Final = "reason"
_COMPLETED: Final = "completed"
#: The traits by the landmark, among what choosers know of a customer.
_TRAITS: Final = "traits"


class Trait(NamedTuple):
    """A trait: a feature, onboarding, an answered survey or its reason, or the value of a dimension."""

    kind: str
    value: str


class TraitEffect(NamedTuple):
    """A trait, the stays from the landmark on of those who had it by then and of those who had not, and the test."""

    trait: Trait
    having: Durations
    lacking: Durations
    #: of the shares that stay COMPARED_DAYS longer; None where one group was not seen for so long
    difference: Difference | None
    test: LogRank
    #: p-value of the test, adjusted for all that were made
    adjusted_p: float
    #: whether it can be told from chance, among all that were looked at
    is_reported: bool


class TraitScan:
    """Takes all customers, and sums up how long those of each trait stay from the landmark on."""

    def __init__(self, *, at_ms: int, bucket_ms: int, what: WhatCounts, where: Choice = None) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only customers for whom it holds; its plan is the one at the landmark.
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        self._chooser = chooser_of(where)
        self._everyone, self._having = StayCounts[None](), StayCounts[Trait]()

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        if not past.stays:
            return
        landmark_ms = past.stays[0].start_ms + LANDMARK_DAYS * DAY_MS
        stay = past.stay_at(landmark_ms) if landmark_ms < self._at_ms else None
        if stay is None or not self._chooser.holds(names, past.at(landmark_ms).plan, customer.profile):
            return
        days, has_left = stay.days_from(landmark_ms, self._at_ms), stay.end_ms < self._at_ms
        self._everyone.note(None, days, has_left=has_left)
        for trait in self._chooser.once(
            _TRAITS, lambda: set(_traits(customer, past, names, landmark_ms, self._bucket_ms))
        ):
            self._having.note(trait, days, has_left=has_left)

    def add(self, other: TraitScan) -> None:
        """Take the customers of another scan too."""
        self._everyone.add(other._everyone)
        self._having.add(other._having)

    def customers(self) -> int:
        """Return how many were active at the landmark."""
        return self._all().episodes

    def _all(self) -> Durations:
        return self._everyone.durations().get(None, Durations({}, {}))

    def effects(self) -> list[TraitEffect]:
        """Return all traits that two groups are large enough for, the surest first."""
        found: list[tuple[Trait, Durations, Durations, LogRank]] = []
        everyone = self._all()
        for trait, having in sorted(self._having.durations().items()):
            lacking = Durations(_less(everyone.deaths, having.deaths), _less(everyone.censored, having.censored))
            if min(having.episodes, lacking.episodes) >= LEAST_GROUP:
                test = log_rank([having, lacking])
                if test is not None:
                    found.append((trait, having, lacking, test))
        p_values = adjusted([test.p for *_, test in found])
        is_any = min(p_values, default=1.0) <= FALSE_ALARMS
        effects: list[TraitEffect] = []
        for (trait, having, lacking, test), p in zip(found, p_values, strict=True):
            difference = difference_at(survival(having), survival(lacking), COMPARED_DAYS)
            effects.append(TraitEffect(trait, having, lacking, difference, test, p, is_any and p <= FALSE_DISCOVERIES))
        return sorted(effects, key=lambda each: (each.test.p, each.trait))


def _less(whole: Mapping[int, int], part: Mapping[int, int]) -> dict[int, int]:
    left = {days: count - part.get(days, 0) for days, count in whole.items()}
    return {days: count for days, count in left.items() if count}


def _traits(customer: Customer, past: PastStays, names: Names, landmark_ms: int, bucket_ms: int) -> Iterator[Trait]:
    """Yield the traits that a customer has by the landmark; some may come twice."""
    yield Trait(PLAN, names.plan_names[past.at(landmark_ms).plan])
    for dimension in names.dimensions[1:]:
        yield Trait(dimension, names.value_of(dimension, customer.profile))
    if customer.acts:
        for feature, buckets in features_of(customer, activity_of(customer)).items():
            if feature and buckets[0] * bucket_ms < landmark_ms:
                yield Trait(FEATURE, names.feature_names[feature])
    if any(at_ms < landmark_ms for at_ms in customer.onboarded):
        yield Trait(ONBOARDING, _COMPLETED)
    for item in effective_feedback(customer):
        if item.at_ms < landmark_ms and item.code in ANSWERED:
            yield Trait(ANSWER, survey_of(item.code).kind)
            if item.reason:
                yield Trait(REASON, names.reason_names[item.reason])
