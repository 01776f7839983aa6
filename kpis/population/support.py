"""Support: how long tickets wait for an answer and for a solution, and who leaves after one.

Customers are taken some at a time, from any partition and in any order; what is kept of them are sums.
Pure: who reads the states is `tenure.reports.support`. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.state import Customer
from kpis.customer.touchpoints import SupportFact, touchpoints_of
from kpis.customer.what_counts import WhatCounts
from kpis.names import Names
from kpis.population.lifetime import Durations
from kpis.population.stays import PAST, past_until

_MINUTE_MS: Final = 60_000
#: Waits are told of by what came within so long (minutes).
DAY_MINUTES: Final = 24 * 60


class Ticket(NamedTuple):
    """A ticket as of T: when it was opened, first answered and first solved (ms since 1970); None: not yet."""

    opened_ms: int
    answered_ms: int | None
    solved_ms: int | None


def tickets_of(customer: Customer, until_ms: int) -> list[Ticket]:
    """Return the tickets that were opened before an instant, in the order of their opening.

    A ticket is opened by the first event that says so. It is answered by the first later one that says so or that it is
    solved, and solved by the first later one that says so. What is only told to be answered or solved is none.
    """
    by_ticket: dict[str, list[SupportFact]] = {}
    for fact in touchpoints_of(customer):
        if isinstance(fact, SupportFact) and fact.at_ms < until_ms:
            by_ticket.setdefault(fact.ticket, []).append(fact)
    found: list[Ticket] = []
    for facts in by_ticket.values():
        opened_ms = _first(facts, ("opened",), 0)
        if opened_ms is not None:
            answered_ms = _first(facts, ("answered", "solved"), opened_ms)
            found.append(Ticket(opened_ms, answered_ms, _first(facts, ("solved",), opened_ms)))
    return sorted(found, key=lambda ticket: ticket.opened_ms)


def _first(facts: Sequence[SupportFact], statuses: Sequence[str], from_ms: int) -> int | None:
    return next((fact.at_ms for fact in facts if fact.status in statuses and fact.at_ms >= from_ms), None)


class SupportScan:
    """Takes all customers, and sums up their tickets."""

    def __init__(self, *, start_ms: int, at_ms: int, bucket_ms: int, what: WhatCounts, where: Choice = None) -> None:
        """Begin without customers.

        Args:
            start_ms: Waiting is told of the tickets that were opened from here on (ms since 1970).
            at_ms: T (ms since 1970).
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            where: Only tickets of customers for whom it held when they were opened.
        """
        self._start_ms, self._at_ms, self._bucket_ms, self._what = start_ms, at_ms, bucket_ms, what
        self._chooser = chooser_of(where)
        #: of the window, in whole minutes: what came to its end, and what waits still
        self._waits: dict[str, tuple[Counter[int], Counter[int]]] = {
            "answer": (Counter(), Counter()), "solution": (Counter(), Counter())
        }  # fmt: skip
        self._spells: tuple[Counter[int], Counter[int]] = Counter(), Counter()

    def take(self, names: Names, customer: Customer) -> None:
        """Take one customer of a partition."""
        if not customer.touchpoints:
            return
        tickets = tickets_of(customer, self._at_ms)
        if not tickets:
            return
        past = self._chooser.once(PAST, lambda: past_until(customer, self._at_ms, self._bucket_ms, self._what))
        chosen = [
            each for each in tickets if self._chooser.holds(names, past.at(each.opened_ms).plan, customer.profile)
        ]
        for ticket in chosen:
            if ticket.opened_ms >= self._start_ms:
                self._wait("answer", ticket.opened_ms, ticket.answered_ms)
                self._wait("solution", ticket.opened_ms, ticket.solved_ms)
        begun = [(each, stay) for each in chosen if (stay := past.stay_at(each.opened_ms)) is not None]
        for place, (ticket, stay) in enumerate(begun):
            next_ms = begun[place + 1][0].opened_ms if place + 1 < len(begun) else self._at_ms
            left, goes_on = self._spells
            (left if stay.end_ms < next_ms else goes_on)[stay.days_from(ticket.opened_ms, next_ms)] += 1

    def add(self, other: SupportScan) -> None:
        """Take the tickets of another scan too."""
        for of, both in (*other._waits.items(), ("", other._spells)):
            for mine, its in zip(self._waits[of] if of else self._spells, both, strict=True):
                mine.update(its)

    def waits(self, of: str) -> Durations:
        """Return how long tickets of the window waited for an `answer` or a `solution`, in whole minutes."""
        return Durations(*self._waits[of])

    def spells(self) -> Durations:
        """Return how long customers stayed after a ticket was opened, until their next one; in whole days."""
        return Durations(*self._spells)

    def _wait(self, of: str, opened_ms: int, ended_ms: int | None) -> None:
        ended, waits = self._waits[of]
        if ended_ms is None:
            waits[(self._at_ms - opened_ms) // _MINUTE_MS] += 1
        else:
            ended[(ended_ms - opened_ms) // _MINUTE_MS] += 1
