"""Stays of one customer: episodes of activity as of an instant, with what the customer was when something happened.

The same episodes as those of `kpis.population.episodes`, which makes them of all customers at once; this is for what
looks at each customer for itself.
Pure. Definitions: docs/definitions.md, sections "Cohorts and lifetime" and "What keeps customers".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from kpis.customer.state import Customer
from kpis.customer.timeline import NOTHING, Standing, Step, at_ms_of, effective_facts, standing_at, steps_of
from kpis.customer.what_counts import WhatCounts
from kpis.population.episodes import OPEN_MS
from schemas.instants import DAY_MS

#: The past as of T, among what choosers know of a customer; all scans of one question have the same T.
PAST: Final = "past"


class Stay(NamedTuple):
    """An episode of activity: the event times between which it lies (ms); OPEN_MS where it goes on at T."""

    start_ms: int
    end_ms: int

    def days_from(self, since_ms: int, until_ms: int) -> int:
        """Return the whole days from an instant in it to its end, or to an earlier instant."""
        return (min(self.end_ms, until_ms) - since_ms) // DAY_MS


class PastStays(NamedTuple):
    """The facts of a customer before T, and the stays that they come to, in order."""

    steps: Sequence[Step]
    stays: Sequence[Stay]

    def at(self, at_ms: int) -> Standing:
        """Return the customer at an instant up to T."""
        return standing_at(self.steps, at_ms)

    @property
    def now(self) -> Standing:
        """The customer at T."""
        return self.steps[-1].after if self.steps else NOTHING

    def stay_at(self, at_ms: int) -> Stay | None:
        """Return the stay that holds an instant at which the customer is active; None where it is not."""
        if not self.at(at_ms).active:
            return None
        return next((stay for stay in self.stays if stay.start_ms < at_ms <= stay.end_ms), None)


def past_until(customer: Customer, at_ms: int, bucket_ms: int, what: WhatCounts) -> PastStays:
    """Return the past of a customer as of an instant.

    Args:
        customer: The state.
        at_ms: T (ms since 1970), a boundary of buckets.
        bucket_ms: Length of a bucket (ms): what interrupts a stay within one does not end it.
        what: What counts.
    """
    steps = steps_of(effective_facts(customer), what) if customer.facts else []
    if customer.last_at >= at_ms:
        steps = steps[: bisect_left(steps, at_ms, key=at_ms_of)]
    return past_of(steps, bucket_ms)


def past_of(steps: Sequence[Step], bucket_ms: int) -> PastStays:
    """Return steps with the stays that they come to; `bucket_ms` is the length of a bucket (ms)."""
    return PastStays(steps, _stays(steps, bucket_ms))


def _stays(steps: Sequence[Step], bucket_ms: int) -> list[Stay]:
    out: list[Stay] = []
    for step in steps:
        was, now, at_ms = step.before.active, step.after.active, step.fact.at_ms
        if now and not was:
            if out and out[-1].end_ms // bucket_ms == at_ms // bucket_ms:
                out[-1] = Stay(out[-1].start_ms, OPEN_MS)
            else:
                out.append(Stay(at_ms, OPEN_MS))
        elif was and not now:
            out[-1] = Stay(out[-1].start_ms, at_ms)
    return out
