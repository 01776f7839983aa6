"""Answers on further scales, such as customer effort and ease of use, summed up over all customers.

Customers are taken one at a time, from any partition and in any order. Pure: who reads the states is
`tenure.reports.feedback`. The scales: `schemas.survey_scales`. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.state import Customer
from kpis.customer.touchpoints import RatingFact, touchpoints_of
from kpis.customer.what_counts import WhatCounts
from kpis.names import Names
from kpis.population.stays import PAST, past_until
from schemas.instants import DAY_MS
from schemas.survey_scales import FURTHER_SCALES

WINDOW_DAYS = 90
"""Surveys of so long before T are told of (days)."""


class AskedOn(NamedTuple):
    """The form of a question: on which scale, and whether an answer was to be rewarded."""

    kind: str
    incentive: bool


class ScaleScan:
    """Takes all customers, and sums up what they were asked on further scales, and answered."""

    def __init__(self, *, at_ms: int, bucket_ms: int, what: WhatCounts, where: Choice = None) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only surveys of customers for whom it held at the survey.
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        self._chooser = chooser_of(where)
        self._statuses: dict[AskedOn, Counter[str]] = {}
        self._scores: dict[AskedOn, Counter[int]] = {}

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        if not customer.touchpoints:
            return
        start_ms = self._at_ms - WINDOW_DAYS * DAY_MS
        facts = [
            fact
            for fact in touchpoints_of(customer)
            if isinstance(fact, RatingFact) and start_ms <= fact.at_ms < self._at_ms and fact.kind in FURTHER_SCALES
        ]
        if not facts:
            return
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        for fact in facts:
            if self._chooser.holds(names, past.at(fact.at_ms).plan, customer.profile):
                key = AskedOn(fact.kind, fact.incentive)
                self._statuses.setdefault(key, Counter())[fact.status] += 1
                if fact.status == "answered":
                    self._scores.setdefault(key, Counter())[fact.score] += 1

    def add(self, other: ScaleScan) -> None:
        """Take the surveys of another scan too."""
        for key, statuses in other._statuses.items():
            self._statuses.setdefault(key, Counter()).update(statuses)
        for key, scores in other._scores.items():
            self._scores.setdefault(key, Counter()).update(scores)

    def statuses(self) -> Mapping[AskedOn, Counter[str]]:
        """Return how many surveys were sent, answered and dismissed; scales without any are left out."""
        return self._statuses

    def scores(self) -> Mapping[AskedOn, Counter[int]]:
        """Return how many answers have each score."""
        return self._scores
