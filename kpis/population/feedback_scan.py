"""Staying after an answer, and what becomes of answers, summed up over all customers.

Customers are taken one at a time, from any partition and in any order; what is kept of them are sums.
Pure: who reads the states is `tenure.reports.feedback`. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.facts import Feedback, SignupFact, facts_of
from kpis.customer.feedback_codes import SurveySaid
from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from kpis.names import Names
from kpis.population.feedback import (
    ANSWERED,
    AnswerSpell,
    Unasked,
    beginnings_of,
    spells_of,
    surveys_of,
    unasked_of,
)
from kpis.population.follow_up import FollowUps
from kpis.population.lifetime import Durations
from kpis.population.stays import PAST, PastStays, past_until
from schemas.catalogue.feedback_bands import CSAT, NEVER_ASKED, NPS
from schemas.instants import DAY_MS


class FeedbackScan:
    """Takes all customers, and sums up how long they stay by band."""

    def __init__(self, *, at_ms: int, bucket_ms: int, what: WhatCounts, where: Choice = None, limit: int = 0) -> None:
        """Begin without customers.

        Args:
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only spells that begin when it holds; its plan is the one at the beginning.
            limit: Open detractors that are kept by name (count).
        """
        self._at_ms, self._bucket_ms, self._what = at_ms, bucket_ms, what
        self._chooser = chooser_of(where)
        self.follow_ups = FollowUps(at_ms, limit=limit)
        self._deaths: dict[tuple[str, str], Counter[int]] = {}
        self._censored: dict[tuple[str, str], Counter[int]] = {}

    def take(self, names: Names, customer_id: str, customer: Customer) -> None:
        """Take one customer of a partition."""
        if customer.facts == 1 and not customer.feedback:  # the usual: signed up, and never asked
            self._take_usual(names, customer)
            return
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        if not past.stays:
            return
        surveys = self._chooser.once("surveys", lambda: surveys_of(customer, self._at_ms))
        for kind in (NPS, CSAT):
            self._take_kind(kind, names, customer_id, customer, past, surveys.get(kind, []))

    def _take_kind(
        self,
        kind: str,
        names: Names,
        customer_id: str,
        customer: Customer,
        past: PastStays,
        mine: list[tuple[Feedback, SurveySaid]],
    ) -> None:
        def all_unasked() -> list[Unasked]:
            return list(unasked_of(past, kind, mine, self._at_ms))

        def all_spells() -> list[AnswerSpell]:
            return list(spells_of(past, kind, beginnings_of(mine, self._at_ms), self._at_ms))

        for unasked in self._chooser.once(("unasked", kind), all_unasked):
            if self._chooser.holds(names, unasked.standing.plan, customer.profile):
                self._note(kind, NEVER_ASKED, unasked.days, has_left=unasked.has_left)
        if not mine:
            return
        spells = [
            spell
            for spell in self._chooser.once(("spells", kind), all_spells)
            if self._chooser.holds(names, spell.standing.plan, customer.profile)
        ]
        for spell in spells:
            self._note(kind, spell.begun.band, spell.days, has_left=spell.has_left)
        answers = [
            (item, said)
            for item, said in mine
            if said.status == ANSWERED and self._chooser.holds(names, past.at(item.at_ms).plan, customer.profile)
        ]
        if answers:
            self.follow_ups.take(names, customer_id, customer, past, answers, spells)

    def add(self, other: FeedbackScan) -> None:
        """Take the customers of another scan too."""
        self.follow_ups.add(other.follow_ups)
        for mine, its in ((self._deaths, other._deaths), (self._censored, other._censored)):
            for key, days in its.items():
                mine.setdefault(key, Counter()).update(days)

    def durations(self) -> Mapping[tuple[str, str], Durations]:
        """Return the spells that were taken so far by kind and band; bands without any are left out."""
        none: Counter[int] = Counter()
        return {
            key: Durations(self._deaths.get(key, none), self._censored.get(key, none))
            for key in sorted({*self._deaths, *self._censored})
        }

    def _take_usual(self, names: Names, customer: Customer) -> None:
        if not customer.active or customer.last_at >= self._at_ms:
            return
        (fact,) = facts_of(customer.life, 1)
        assert isinstance(fact, SignupFact), "one fact alone makes nobody active but a signup"
        if self._chooser.holds(names, fact.plan, customer.profile):
            days = (self._at_ms - fact.at_ms) // DAY_MS
            for kind in (NPS, CSAT):
                self._note(kind, NEVER_ASKED, days, has_left=False)

    def _note(self, kind: str, band: str, days: int, *, has_left: bool) -> None:
        counts = self._deaths if has_left else self._censored
        counts.setdefault((kind, band), Counter())[days] += 1
