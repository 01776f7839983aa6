"""Referrals: who brought how many, and whether those who were brought stay longer than the others.

Customers are taken some at a time, from any partition and in any order. Who was brought is known only when all have
been seen: of each customer who was ever active a hash, the length of the first stay and whether it ended are kept.
Pure: who reads the states is `tenure.reports.referrals`. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import NamedTuple

import numpy as np

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.state import Customer
from kpis.customer.touchpoints import ReferralFact, hash_of_customer, touchpoints_of
from kpis.customer.what_counts import WhatCounts
from kpis.names import Names
from kpis.population.lifetime import Durations
from kpis.population.stays import PAST, PastStays, past_until


class Referrals(NamedTuple):
    """Referrals before T.

    Attributes:
        referrers: Customers who brought somebody (count).
        referred: Customers who were brought, each once (count).
        stays: First stays of those of them who became active, and of all other customers (days).
    """

    referrers: int
    referred: int
    stays: tuple[Durations, Durations]


class ReferralScan:
    """Takes all customers, and tells those who were brought from the others."""

    def __init__(self, *, at_ms: int, bucket_ms: int, what: WhatCounts, where: Choice = None) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only referrals by customers for whom it holds at them, and stays of those for whom it holds when
                they become active, whoever brought them.
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        self._chooser = chooser_of(where)
        self._referrers = 0
        #: hashes of all who were brought, and of those whom a customer brought for whom the filter holds
        self._brought: set[int] = set()
        self._referred: set[int] = set()
        #: of each customer who was ever active: hash, days of the first stay, whether it ended
        self._stays = array("Q")

    def take(self, names: Names, customer_id: str, customer: Customer) -> None:
        """Take one customer of a partition."""
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        self._take_referrals(names, customer, past)
        if not past.stays:
            return
        first = past.stays[0]
        if self._chooser.holds(names, past.at(first.start_ms + 1).plan, customer.profile):
            days, has_left = first.days_from(first.start_ms, self._at_ms), first.end_ms < self._at_ms
            self._stays.extend((int.from_bytes(hash_of_customer(customer_id)), days, has_left))

    def add(self, other: ReferralScan) -> None:
        """Take the customers of another scan too."""
        self._referrers += other._referrers
        self._brought |= other._brought
        self._referred |= other._referred
        self._stays.extend(other._stays)

    def _take_referrals(self, names: Names, customer: Customer, past: PastStays) -> None:
        if not customer.touchpoints:
            return
        facts = [each for each in touchpoints_of(customer) if isinstance(each, ReferralFact)]
        has_counted = False
        for fact in facts:
            if fact.at_ms < self._at_ms:
                hashed = int.from_bytes(fact.referred)
                self._brought.add(hashed)
                if self._chooser.holds(names, past.at(fact.at_ms).plan, customer.profile):
                    self._referred.add(hashed)
                    has_counted = True
        self._referrers += has_counted

    def referrals(self) -> Referrals:
        """Return what was found."""
        hashes, days, has_left = np.array(self._stays, np.uint64).reshape(-1, 3).T
        is_referred = np.isin(hashes, np.array(sorted(self._brought), np.uint64))
        groups = [
            Durations(*(_by_day(days[mine & (has_left == ended)]) for ended in (1, 0)))
            for mine in (is_referred, ~is_referred)
        ]
        return Referrals(self._referrers, len(self._referred), (groups[0], groups[1]))


def _by_day(days: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Counter[int]:
    return Counter(days.tolist())
