"""Movements: what a customer's facts come to within each bucket, the resolution of all numbers.

Definitions: docs/definitions.md, section "Movements".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kpis.customer.facts import CANCEL, PAUSE, CancelFact, PricedFact
from kpis.customer.timeline import Standing, Step, at_ms_of

#: Reasons of cancellations by other facts than cancels.
BY_PAUSE = "paused"
BY_TRIAL = "trial"
BY_FREE_PLAN = "free_plan"


class Movement(msgspec.Struct, frozen=True, gc=False):
    """A bucket in which facts had an effect; a customer may come and go in it, and then does both."""

    bucket: int
    #: the customer at the bucket's start and at its end
    before: Standing
    after: Standing
    #: the first fact of the bucket after which a customer was active who was not at its start
    arrival: Step | None
    #: the fact that made a customer inactive last who is not active at its end
    departure: Step | None
    #: whether the customer was active after a fact of an earlier bucket
    is_known: bool

    @property
    def stays(self) -> bool:
        """True for a customer who is active at the start and at the end."""
        return self.before.active and self.after.active

    @property
    def is_plain(self) -> bool:
        """True for a customer with one subscription, the same at the start and at the end, that is never paused.

        It may be closed at either, and then counts or ceases to count as its customer does.
        """
        before, after = self.before.subscriptions, self.after.subscriptions
        if len(before) > 1 or len(after) > 1 or (self.arrival is not None and self.departure is not None):
            return False
        if before and after and before[0].id != after[0].id:
            return False
        return not (before and before[0].is_paused) and not (after and after[0].is_paused)

    @property
    def arrived(self) -> Standing:
        """The customer as it counts as new, or as reactivated; there with `arrival` alone."""
        if self.departure is None:
            return self.after
        return self.departure.before

    @property
    def departed(self) -> Standing:
        """The customer as it counts as cancelled; there with `departure` alone."""
        if self.before.active or self.departure is None:
            return self.before
        return self.departure.before


def movements_of(steps: Sequence[Step], bucket_ms: int, begun: Sequence[Movement] = ()) -> list[Movement]:
    """Return the movements in order, one for each bucket in which a fact had an effect.

    Args:
        steps: In order.
        bucket_ms: Length of a bucket (ms).
        begun: The first of the movements, where they are known.
    """
    out = list(begun)
    place, count, is_known = 0, len(steps), False
    if out:
        place = bisect_left(steps, (out[-1].bucket + 1) * bucket_ms, key=at_ms_of)
        is_known = out[-1].is_known or out[-1].arrival is not None
    while place < count:
        bucket, start = steps[place].fact.at_ms // bucket_ms, place
        end_ms = (bucket + 1) * bucket_ms
        while place < count and steps[place].fact.at_ms < end_ms:
            place += 1
        before, after = steps[start].before, steps[place - 1].after
        if before is after:  # nothing had an effect
            continue
        arrival = departure = None
        was_active = False
        for step in steps[start:place]:
            if step.after.active:
                was_active = True
                if arrival is None and not before.active:
                    arrival = step
            elif step.before.active and not after.active:
                departure = step
        out.append(Movement(bucket, before, after, arrival, departure, is_known))
        is_known = is_known or was_active
    return out


class Leaving(NamedTuple):
    """The reason of a cancellation."""

    #: of a cancel, the number of its slug; else None
    number: int | None
    #: of any other fact, its slug; else empty
    slug: str
    is_involuntary: bool


def leaving_of(step: Step) -> Leaving:
    """Return why a fact made its customer inactive."""
    fact = step.fact
    if isinstance(fact, CancelFact):
        return Leaving(fact.reason, "", fact.involuntary)
    if fact.KIND == PAUSE:
        return Leaving(None, BY_PAUSE, False)
    assert isinstance(fact, PricedFact), "a fact of another kind makes nobody inactive"
    return Leaving(None, BY_TRIAL if fact.trial else BY_FREE_PLAN, False)


def is_involuntary(step: Step) -> bool:
    """Return whether a fact made its customer inactive against the customer's will."""
    return step.fact.KIND == CANCEL and leaving_of(step).is_involuntary
