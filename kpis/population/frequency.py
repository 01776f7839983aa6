"""Frequency of use: on how many of the last 30 days customers used the product, who fell asleep and who woke up.

Customers are taken some at a time, from any partition and in any order; what is kept of them are sums.
Pure: who reads the states is `tenure.reports.usage`. Definitions: docs/definitions.md, section "What keeps customers".
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final, NamedTuple

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.customer import activity_of
from kpis.customer.history import history_of
from kpis.customer.state import Customer
from kpis.customer.timeline import standing_at
from kpis.customer.what_counts import WhatCounts
from kpis.names import Names
from schemas.instants import DAY_MS

#: The days that use is counted on (count).
DAYS: Final = 30
#: The windows of who fell asleep and who woke up (days).
WINDOWS_DAYS: Final = (7, 30)


class Sleepers(NamedTuple):
    """Customers who are active at T, by plan: engaged in the window before the last one alone, or in the last one."""

    dormant: Counter[str]
    resurrected: Counter[str]


class FrequencyScan:
    """Takes all customers, and counts on how many days they used the product."""

    def __init__(self, *, at_ms: int, bucket_ms: int, what: WhatCounts, where: Choice = None) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970), a boundary of buckets.
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only customers for whom it holds at T.
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        self._chooser = chooser_of(where)
        #: customers who are active at T, by on how many of the last DAYS days of 24 hours there was activity
        self.by_days: Counter[int] = Counter()
        self.sleepers = {days: Sleepers(Counter(), Counter()) for days in WINDOWS_DAYS}

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        history = history_of(customer, self._bucket_ms, self._what)
        now = standing_at(history.steps, self._at_ms)
        if not now.active or not self._chooser.holds(names, now.plan, customer.profile):
            return
        self.by_days[self._days_of_use(customer)] += 1
        plan = names.plan_names[now.plan]
        for days, found in self.sleepers.items():
            before, lately = (self._is_engaged(history.engaged, days * ago, days) for ago in (2, 1))
            if before and not lately:
                found.dormant[plan] += 1
            elif lately and not before and standing_at(history.steps, self._at_ms - 2 * days * DAY_MS).active:
                found.resurrected[plan] += 1

    def add(self, other: FrequencyScan) -> None:
        """Take the customers of another scan too."""
        self.by_days.update(other.by_days)
        for days, found in other.sleepers.items():
            self.sleepers[days].dormant.update(found.dormant)
            self.sleepers[days].resurrected.update(found.resurrected)

    def _days_of_use(self, customer: Customer) -> int:
        ages = {(self._at_ms - 1 - bucket * self._bucket_ms) // DAY_MS for bucket in activity_of(customer)}
        return sum(0 <= age < DAYS for age in ages)

    def _is_engaged(self, engaged: list[int], ago: int, days: int) -> bool:
        """Return whether a bucket with a sign of life lies in the window that begins so many days before T."""
        start = (self._at_ms - ago * DAY_MS) // self._bucket_ms
        end = (self._at_ms - (ago - days) * DAY_MS) // self._bucket_ms
        return bisect_left(engaged, start) < bisect_left(engaged, end)
