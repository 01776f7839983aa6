"""Customers about to go: those whose cancellation is known, and what tells those who will leave from those who stay.

A customer is looked at in steps of 30 days back from T. At each the state of then is an *observation*, with whether the
customer left within the 30 days after it; the one at T has no outcome yet, and is what a model scores. Nothing that
came later than its instant is in an observation.
Pure: who reads the states is `tenure.reports.risk`, and the model is `tenure.reports.risk_model`. Definitions:
docs/definitions.md, section "What keeps customers".
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np

from kpis.arrays import Flags, Floats, Ints
from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.customer import activity_of
from kpis.customer.facts import CancelFact, Feedback
from kpis.customer.feedback_codes import ANSWERED, RENEWAL_BASE, SurveySaid, outcome_of, survey_of
from kpis.customer.history import effective_feedback
from kpis.customer.state import Customer
from kpis.customer.touchpoints import SupportFact, touchpoints_of
from kpis.customer.what_counts import WhatCounts
from kpis.names import Names
from kpis.population.feedback import band_of
from kpis.population.leaving import leaving_at
from kpis.population.stays import PAST, PastStays, Stay, past_until
from schemas.catalogue.feedback_bands import DETRACTORS, NPS, PASSIVES, PROMOTERS, UNSATISFIED
from schemas.instants import DAY_MS

#: Between two observations, and how far ahead they look (days).
STEP_DAYS: Final = 30
#: Steps that are held out, and those before them that a model learns from (count).
HELD_OUT_STEPS: Final = 3
LEARNT_STEPS: Final = 12
#: Customers that a model learns from are a sample beyond this number (count): more would not make it better.
MOST_LEARNT: Final = 20_000
#: Answers say something for so long, failed renewals and tickets for so long (days).
_ANSWER_DAYS: Final = 180
_RECENT_DAYS: Final = 60
_MOST_DAYS: Final = 365

#: What an observation says beside age and plan; by name, as documents have it.
SIGNS: Final = (
    "days_since_use",
    "never_used",
    "days_of_use",
    "use_falls",
    "use_rises",
    "promoter",
    "passive",
    "detractor",
    "unsatisfied",
    "renewal_failed",
    "renewal_declined",
    "ticket_opened",
    "ticket_open",
)


class PendingCancellation(NamedTuple):
    """A customer with a cancellation that is known at T and will end the last subscription that counts."""

    customer_id: str
    #: the plan's and the reason's name; minor units
    plan: str
    mrr: int
    reason: str
    said_ms: int
    ends_ms: int


class Observations(NamedTuple):
    """Customers at instants at which they were active, with nothing that came later.

    Per observation: the place of the customer, how many steps before T it is (0 is T itself), whole days since the stay
    began, the plan by its place in `plans`, MRR (minor units), SIGNS, and whether the customer left within the step.
    """

    customer_ids: Sequence[str]
    plans: Sequence[str]
    customer: Ints
    step: Ints
    age_days: Ints
    plan: Ints
    mrr: Ints
    signs: Floats
    has_left: Flags

    def chosen(self, which: Flags | Ints) -> Observations:
        """Return some of them, by flags or by places."""
        return self._replace(
            customer=self.customer[which],
            step=self.step[which],
            age_days=self.age_days[which],
            plan=self.plan[which],
            mrr=self.mrr[which],
            signs=self.signs[which],
            has_left=self.has_left[which],
        )


class RiskScan:
    """Takes all customers, and keeps what a model learns from and scores, and whose cancellation is known."""

    def __init__(self, *, at_ms: int, bucket_ms: int, what: WhatCounts, where: Choice = None) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only customers for whom it holds; its plan is the one at T.
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        self._chooser = chooser_of(where)
        self._ids: list[str] = []
        self._plans: dict[str, int] = {}
        #: of each observation customer, step, age, plan, MRR and outcome; and its signs
        self._numbers, self._signs = array("q"), array("d")
        #: the sample are those whose hash is below the limit, which is halved as customers come
        self._hashes, self._limit, self._learnt = array("Q"), 1 << 32, 0
        self.leaving: list[PendingCancellation] = []

    def take(self, names: Names, customer_id: str, customer: Customer) -> None:
        """Take one customer of a partition."""
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        if not past.stays or not self._chooser.holds(names, past.now.plan, customer.profile):
            return
        signs = Signs(customer, self._bucket_ms)
        place, hashed = -1, crc32(customer_id.encode())
        for step in range(HELD_OUT_STEPS + LEARNT_STEPS + 1 if hashed < self._limit else 1):
            at_ms = self._at_ms - step * STEP_DAYS * DAY_MS
            stay = past.stay_at(at_ms)
            if stay is None:
                continue
            known = leaving_at(customer, at_ms, self._bucket_ms, self._what)
            if known is not None:
                if not step:
                    self._note_leaving(names, customer_id, past, known)
                continue
            if place < 0:
                place = len(self._ids)
                self._ids.append(customer_id)
                self._hashes.append(hashed)
                self._learnt += hashed < self._limit
            self._observe(names, place, step, at_ms, past, stay)
            self._signs.extend(signs.at(at_ms))
        self._narrow()

    def _narrow(self) -> None:
        """Halve the sample while it is too large."""
        # Counted anew each time: the last limit, and so the sample, is then the same in whatever order they came.
        while self._learnt > 2 * MOST_LEARNT:
            self._limit //= 2
            self._learnt = sum(each < self._limit for each in self._hashes)

    def add(self, other: RiskScan) -> None:
        """Take the customers of another scan too."""
        numbers = np.array(other._numbers, np.int64).reshape(-1, 6)
        plans = [self._plans.setdefault(name, len(self._plans)) for name in other._plans]
        numbers[:, 0] += len(self._ids)
        numbers[:, 3] = np.array(plans, np.int64)[numbers[:, 3]]
        self._numbers.extend(numbers.ravel().tolist())
        self._signs.extend(other._signs)
        self._ids += other._ids
        self._hashes.extend(other._hashes)
        self.leaving += other.leaving
        self._limit = min(self._limit, other._limit)
        self._learnt = sum(each < self._limit for each in self._hashes)
        self._narrow()

    def observations(self) -> Observations:
        """Return what was taken so far, by customer: the same in whatever order they came."""
        numbers = np.array(self._numbers, np.int64).reshape(-1, 6)
        signs = np.array(self._signs, np.float64).reshape(-1, len(SIGNS))
        in_sample = np.array(self._hashes, np.int64) < self._limit
        kept = (numbers[:, 1] == 0) | in_sample[numbers[:, 0]]
        customer, step, age, plan, mrr, left = numbers[kept].T
        ids, customer = _in_order(self._ids, customer)
        plans, plan = _in_order(list(self._plans), plan)
        found = Observations(ids, plans, customer, step, age, plan, mrr, signs[kept], left.astype(np.bool_))
        return found.chosen(np.lexsort((step, customer)))

    def _observe(self, names: Names, place: int, step: int, at_ms: int, past: PastStays, stay: Stay) -> None:
        standing = past.at(at_ms)
        plan = self._plans.setdefault(names.plan_names[standing.plan], len(self._plans))
        has_left = stay.end_ms < at_ms + STEP_DAYS * DAY_MS
        age_days = (at_ms - stay.start_ms) // DAY_MS
        self._numbers.extend((place, step, age_days, plan, standing.mrr, has_left))

    def _note_leaving(self, names: Names, customer_id: str, past: PastStays, cancel: CancelFact) -> None:
        now = past.now
        plan, reason = names.plan_names[now.plan], names.reason_names[cancel.reason]
        said = (cancel.time_ms, cancel.at_ms)
        self.leaving.append(PendingCancellation(customer_id, plan, now.mrr, reason, *said))


def _in_order(names: Sequence[str], numbers: Ints) -> tuple[list[str], Ints]:
    """Return the names that numbers stand for, sorted, and for each number the place of its name."""
    used = sorted(np.unique(numbers).tolist(), key=names.__getitem__)
    place = np.zeros(len(names), np.int64)
    place[used] = np.arange(len(used))
    return [names[number] for number in used], place[numbers]


class Signs:
    """Signs of one customer, as they can be asked for at any instant."""

    def __init__(self, customer: Customer, bucket_ms: int) -> None:
        """Take a customer; `bucket_ms` is the length of a bucket (ms)."""
        self._feedback: list[Feedback] = effective_feedback(customer)
        answered = {item.at_ms // bucket_ms for item in self._feedback if item.code in ANSWERED}
        self._used = sorted(answered.union(activity_of(customer)))
        self._tickets = [each for each in touchpoints_of(customer) if isinstance(each, SupportFact)]
        self._bucket_ms = bucket_ms

    def at(self, at_ms: int) -> Iterable[float]:
        """Return SIGNS at an instant: of what came before it."""
        yield from self._use(at_ms)
        yield from self._said(at_ms)
        yield from self._asked(at_ms)

    def _use(self, at_ms: int) -> Iterable[float]:
        now = at_ms // self._bucket_ms
        month = STEP_DAYS * DAY_MS // self._bucket_ms
        until = bisect_left(self._used, now)
        since = now - self._used[until - 1] if until else 0
        days_since = min(since * self._bucket_ms / DAY_MS, _MOST_DAYS) if until else 0.0
        recent, before = self._days(now - month, now), self._days(now - 2 * month, now - month)
        trend = math.log((recent + 1) / (before + 1)) if until else 0.0
        return math.log1p(days_since), float(not until), math.log1p(recent), max(-trend, 0.0), max(trend, 0.0)

    def _days(self, first: int, end: int) -> int:
        """Return the days with use in some buckets."""
        used = self._used[bisect_left(self._used, first) : bisect_left(self._used, end)]
        return len({bucket * self._bucket_ms // DAY_MS for bucket in used})

    def _asked(self, at_ms: int) -> Iterable[float]:
        """Return whether a ticket was opened of late, and whether one is not solved yet."""
        known = [each for each in self._tickets if each.at_ms < at_ms]
        since_ms = at_ms - STEP_DAYS * DAY_MS
        was_opened = any(each.status == "opened" and each.at_ms >= since_ms for each in known)
        last = {each.ticket: each.status for each in known}
        return float(was_opened), float(any(status != "solved" for status in last.values()))

    def _said(self, at_ms: int) -> Iterable[float]:
        said: dict[str, str] = {}
        failed = declined = False
        for item in self._feedback:
            if item.at_ms >= at_ms:
                break
            if item.code >= RENEWAL_BASE:
                is_recent = item.at_ms >= at_ms - _RECENT_DAYS * DAY_MS
                failed |= is_recent and outcome_of(item.code) == "failed"
                declined |= is_recent and outcome_of(item.code) == "declined"
            elif item.code in ANSWERED and item.at_ms >= at_ms - _ANSWER_DAYS * DAY_MS:
                answer: SurveySaid = survey_of(item.code)
                said[answer.kind] = band_of(answer)
        nps = said.get(NPS)
        flags = (nps == PROMOTERS, nps == PASSIVES, nps == DETRACTORS, UNSATISFIED in said.values(), failed, declined)
        return map(float, flags)
