"""From the states of customers to their episodes of activity: what cohorts and lifetimes are made of.

One pass over the states, whatever instants, periods and dimensions are asked for later: what is kept of a customer
are a few integers.
Pure: who reads the states is `tenure.reports.customers`. Definitions: docs/definitions.md, sections 2 and 5.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Ints
from kpis.customer.facts import CANCEL, SIGNUP
from kpis.customer.state import Customer
from kpis.customer.timeline import effective_facts, steps_of
from kpis.names import PLAN, Names

#: The end of an episode that has none (ms): after all instants.
OPEN_MS: Final = 1 << 62


class Episodes(NamedTuple):
    """All customers who were ever active, and when they were.

    Per customer: the event time of the first signup (ms), and plan and profile of that fact, as `names` numbers them.
    Per episode: the place of its customer, and the event times of the signup and the cancel between which it lies (ms;
    OPEN_MS where there is no cancel). The customer is active at instants x with start < x <= end.
    """

    names: Names
    first_ms: Ints
    plan: Ints
    profile: Ints
    customer: Ints
    start_ms: Ints
    end_ms: Ints

    def values(self, dimension: str) -> tuple[list[str], Ints]:
        """Return the values of a dimension, and the number of each customer's: that of the first signup."""
        if dimension == PLAN:
            return self.names.values(PLAN), self.plan
        column = self.names.dimensions.index(dimension) - 1
        return self.names.values(dimension), self.names.value_columns()[column][self.profile]


class EpisodeCollector:
    """Takes the customers of one partition, slice by slice; its names may grow meanwhile."""

    def __init__(self, names: Names) -> None:
        """Take the names that the customers' numbers stand for."""
        self._names = names
        self._firsts = array("q")
        self._plans = array("q")
        self._profiles = array("q")
        self._customers = array("q")
        self._starts = array("q")
        self._ends = array("q")

    def take(self, taken: Iterable[Customer]) -> None:
        """Take some customers."""
        firsts, plans, profiles = self._firsts, self._plans, self._profiles
        customers, starts, ends = self._customers, self._starts, self._ends
        place = len(firsts)
        for customer in taken:
            first_ms = customer.first_at
            if first_ms < 0:
                continue  # never active
            firsts.append(first_ms)
            plans.append(customer.first_plan)
            profiles.append(customer.profile)
            if customer.simple:  # the usual: signed up, and nothing since
                customers.append(place)
                starts.append(first_ms)
                ends.append(OPEN_MS)
                place += 1
                continue
            is_open = False
            for step in steps_of(effective_facts(customer)):
                kind = step.fact[2]
                if kind == SIGNUP:
                    customers.append(place)
                    starts.append(step.fact[0])
                    is_open = True
                elif kind == CANCEL:
                    ends.append(step.fact[0])
                    is_open = False
            if is_open:
                ends.append(OPEN_MS)
            place += 1

    def episodes(self) -> Episodes:
        """Return what was taken so far."""
        columns = (self._firsts, self._plans, self._profiles, self._customers, self._starts, self._ends)
        return Episodes(self._names, *(np.array(column, np.int64) for column in columns))


def as_of(episodes: Episodes, at_ms: int) -> Episodes:
    """Return what facts with event times before an instant say: later episodes are not there, later ends are open."""
    known = episodes.first_ms < at_ms
    place = np.cumsum(known) - 1
    begun = episodes.start_ms < at_ms
    end_ms = episodes.end_ms[begun]
    return Episodes(
        episodes.names,
        episodes.first_ms[known],
        episodes.plan[known],
        episodes.profile[known],
        place[episodes.customer[begun]],
        episodes.start_ms[begun],
        np.where(end_ms < at_ms, end_ms, OPEN_MS),
    )


class Joined(NamedTuple):
    """Episodes of all partitions as of one instant, with the values of one dimension numbered alike."""

    values: list[str]
    #: by customer
    value: Ints
    first_ms: Ints
    #: by episode
    customer: Ints
    start_ms: Ints
    end_ms: Ints


def joined(parts: Sequence[Episodes], at_ms: int, dimension: str | None) -> Joined:
    """Join partitions, whose numbers differ, by the names of a dimension's values.

    Args:
        parts: The episodes of each partition.
        at_ms: As of when (ms).
        dimension: Whose values are wanted; None puts all customers under one value without a name.
    """
    number: dict[str, int] = {} if dimension else {"": 0}
    columns: list[tuple[Ints, Ints, Ints, Ints, Ints]] = []
    before = 0
    for part in parts:
        episodes = as_of(part, at_ms)
        value = np.zeros_like(episodes.first_ms)
        if dimension and len(value):
            names, mine = episodes.values(dimension)
            value = np.array([number.setdefault(name, len(number)) for name in names], np.int64)[mine]
        columns.append((value, episodes.first_ms, episodes.customer + before, episodes.start_ms, episodes.end_ms))
        before += len(value)
    none = np.empty(0, np.int64)
    whole = [np.concatenate([none, *(column[n] for column in columns)]) for n in range(5)]
    return Joined(list(number), *whole)
