"""From the states of customers to the times in which they were active: what cohorts and lifetimes are made of.

A *stretch* is a time in which a customer is active with one MRR. An *episode* is what stretches come to when what
interrupts them within one bucket is left out. One pass over the states makes the stretches, whatever instants, periods
and dimensions are asked for later: what is kept of a customer are a few integers.
Pure: who reads the states is `tenure.reports.customers`. Definitions: docs/definitions.md, sections 2 and 5.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from kpis.arrays import Flags, Ints
from kpis.customer.facts import SignupFact, facts_of
from kpis.customer.movements import Movement, movements_of
from kpis.customer.state import Customer
from kpis.customer.timeline import Step, effective_facts, steps_of
from kpis.customer.what_counts import WhatCounts
from kpis.filters import Filter
from kpis.names import Names

#: The end of a stretch that has none (ms): after all instants.
OPEN_MS: Final = 1 << 62


class Stretches(NamedTuple):
    """All customers who were ever active, and when they were.

    Per customer: the event time of the fact after which it was first active (ms), the plan with which it counts as
    new, its profile, and its MRR at the end of that fact's bucket (minor units). Per stretch: the place of its
    customer, the event times of the facts between which it lies (ms; OPEN_MS where it has no end), and the MRR (minor
    units). The customer is active at instants x with start < x <= end. Plans and profiles are numbers of `names`;
    stretches of a customer stand together, in order.
    """

    names: Names
    first_ms: Ints
    plan: Ints
    profile: Ints
    mrr_start: Ints
    customer: Ints
    start_ms: Ints
    end_ms: Ints
    mrr: Ints

    def values(self, dimension: str) -> tuple[list[str], Ints]:
        """Return the values of a dimension, and the number of each customer's."""
        return self.names.numbered(dimension, self.plan, self.profile)


class StretchCollector:
    """Takes the customers of one partition, slice by slice; its names may grow meanwhile."""

    def __init__(self, names: Names, *, bucket_ms: int, what: WhatCounts) -> None:
        """Begin without customers.

        Args:
            names: What the customers' numbers stand for.
            bucket_ms: Length of a bucket (ms).
            what: What counts.
        """
        self._names, self._bucket_ms, self._what = names, bucket_ms, what
        #: of each customer, one after the other: first active (ms), plan, profile, MRR
        self._customers = array("q")
        #: of each stretch: customer, start, end (ms), MRR
        self._stretches = array("q")
        self._taken = 0

    def take(self, taken: Iterable[Customer]) -> None:
        """Take some customers."""
        add, add_stretch = self._customers.extend, self._stretches.extend
        for customer in taken:
            if customer.facts != 1:
                self._take_timeline(customer)
            elif customer.active:  # the usual: signed up, and nothing since
                (fact,) = facts_of(customer.life, 1)
                assert isinstance(fact, SignupFact), "one fact alone makes nobody active but a signup"
                add((fact.at_ms, fact.plan, customer.profile, fact.mrr))
                add_stretch((self._taken, fact.at_ms, OPEN_MS, fact.mrr))
                self._taken += 1

    def _take_timeline(self, customer: Customer) -> None:
        steps = steps_of(effective_facts(customer), self._what)
        mrr, began = _INACTIVE, 0
        first: Step | None = None
        for step in steps:
            now = step.after.mrr if step.after.active else _INACTIVE
            if now != mrr:
                at_ms = step.fact.at_ms
                if mrr != _INACTIVE:
                    self._stretches.extend((self._taken, began, at_ms, mrr))
                mrr, began, first = now, at_ms, first or step
        if first is None:
            return
        if mrr != _INACTIVE:
            self._stretches.extend((self._taken, began, OPEN_MS, mrr))
        movement = self._movement_of(first, steps)
        self._customers.extend((first.fact.at_ms, movement.arrived.plan, customer.profile, movement.after.mrr))
        self._taken += 1

    def _movement_of(self, first: Step, steps: Sequence[Step]) -> Movement:
        """Return the movement of the first step after which the customer is active."""
        bucket = first.fact.at_ms // self._bucket_ms
        its = [step for step in steps if step.fact.at_ms // self._bucket_ms == bucket]
        (movement,) = movements_of(its, self._bucket_ms)
        return movement

    def stretches(self) -> Stretches:
        """Return what was taken so far."""
        customers, stretches = (
            np.array(column, np.int64).reshape(-1, 4).T for column in (self._customers, self._stretches)
        )
        return Stretches(self._names, *customers, *stretches)


#: Stands for the MRR of who is not active.
_INACTIVE: Final = -1


def as_of(stretches: Stretches, at_ms: int) -> Stretches:
    """Return what facts before a boundary of buckets say: what comes later is not there, and ends are open."""
    known = stretches.first_ms < at_ms
    place = np.cumsum(known) - 1
    begun = stretches.start_ms < at_ms
    end_ms = stretches.end_ms[begun]
    return Stretches(
        stretches.names,
        stretches.first_ms[known],
        stretches.plan[known],
        stretches.profile[known],
        stretches.mrr_start[known],
        place[stretches.customer[begun]],
        stretches.start_ms[begun],
        np.where(end_ms < at_ms, end_ms, OPEN_MS),
        stretches.mrr[begun],
    )


def chosen(stretches: Stretches, where: Filter) -> Stretches:
    """Return the stretches of the customers for whom a filter holds; its plan is the one each counts as new with."""
    kept = where.flags(stretches.values)
    place = np.cumsum(kept) - 1
    mine = kept[stretches.customer]
    return Stretches(
        stretches.names,
        stretches.first_ms[kept],
        stretches.plan[kept],
        stretches.profile[kept],
        stretches.mrr_start[kept],
        place[stretches.customer[mine]],
        stretches.start_ms[mine],
        stretches.end_ms[mine],
        stretches.mrr[mine],
    )


class Joined(NamedTuple):
    """Stretches of all partitions as of one instant, with the values of one dimension numbered alike."""

    values: list[str]
    #: by customer
    value: Ints
    first_ms: Ints
    mrr_start: Ints
    #: by stretch
    customer: Ints
    start_ms: Ints
    end_ms: Ints
    mrr: Ints


def joined(parts: Sequence[Stretches], at_ms: int, dimension: str | None) -> Joined:
    """Join partitions, whose numbers differ, by the names of a dimension's values.

    Args:
        parts: The stretches of each partition.
        at_ms: As of when (ms), a boundary of buckets.
        dimension: Whose values are wanted; None puts all customers under one value without a name.
    """
    number: dict[str, int] = {} if dimension else {"": 0}
    columns: list[tuple[Ints, ...]] = []
    before = 0
    for part in parts:
        known = as_of(part, at_ms)
        value = np.zeros_like(known.first_ms)
        if dimension and len(value):
            names, mine = known.values(dimension)
            value = np.array([number.setdefault(name, len(number)) for name in names], np.int64)[mine]
        by_customer = (value, known.first_ms, known.mrr_start)
        columns.append((*by_customer, known.customer + before, known.start_ms, known.end_ms, known.mrr))
        before += len(value)
    none = np.empty(0, np.int64)
    whole = [np.concatenate([none, *(column[n] for column in columns)]) for n in range(7)]
    return Joined(list(number), *whole)


class Episodes(NamedTuple):
    """Episodes of activity: the place of the customer of each, and the event times between which it lies (ms)."""

    customer: Ints
    start_ms: Ints
    end_ms: Ints


def episodes_of(people: Joined, bucket_ms: int) -> Episodes:
    """Return the episodes of all customers: what interrupts stretches within one bucket ends none."""
    begins = begins_episode(people, bucket_ms)
    ends = np.append(begins[1:], np.ones(len(begins[:1]), np.bool_))
    return Episodes(people.customer[begins], people.start_ms[begins], people.end_ms[ends])


def begins_episode(people: Joined, bucket_ms: int) -> Flags:
    """Return of each stretch whether an episode begins with it: none does that goes on in the bucket of an end."""
    customer, start_ms, end_ms = people.customer, people.start_ms, people.end_ms
    goes_on = (customer[1:] == customer[:-1]) & (start_ms[1:] // bucket_ms == end_ms[:-1] // bucket_ms)
    return np.append(np.ones(len(customer[:1]), np.bool_), ~goes_on)
