"""One customer's state as rows: a pure function of the facts.

Definitions: docs/definitions.md, section Counts. The rows' meaning: `kpis.rows`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from kpis.customer.customer import activity_of, any_within
from kpis.customer.facts import REVOKE, Feedback, SignupFact
from kpis.customer.feedback_codes import ANSWERED, CLASS
from kpis.customer.history import History, history_of, revocations_without_effect
from kpis.customer.movements import Movement, is_involuntary
from kpis.customer.state import Customer
from kpis.customer.timeline import (
    FORTNIGHT_MS,
    NOTHING,
    WEEK_MS,
    Standing,
    Step,
    first_trial,
    is_active_within,
    standing_at,
)
from kpis.customer.what_counts import WhatCounts
from kpis.rows import (
    CANCELLED,
    CONVERTED,
    DOWNGRADED,
    ENDED,
    ENGAGED,
    ENGAGED_AGAIN,
    FEEDBACK,
    GONE,
    INVOLUNTARY,
    KEPT,
    LIVELY,
    MOVED,
    NEW,
    OF_NEW,
    ONBOARDED,
    PAUSED,
    REACTIVATED,
    SEVERAL,
    SIGNED_UP,
    STARTED,
    SUBSCRIPTIONS,
    TRIAL,
    UPGRADED,
    WITHOUT_EFFECT,
    Part,
    Row,
)

#: A bucket after all others.
OPEN: Final = 1 << 40

STEP_PAIRS: Final = 4_096
"""Of one part of a contribution, and those of one movement more: some 10 ms."""

_bucket_of: Final = attrgetter("bucket")


class Shared(NamedTuple):
    """The part of a history that another one of the same customer has too, as far as pairs of rows look at it."""

    #: places of the movements that the other one does not have
    apart: frozenset[int]
    #: places of the movements before which lies a piece that the other one does not have, in order
    ends: list[int]


def shared_with(movements: Sequence[Movement], others: Sequence[Movement]) -> Shared:
    """Return what movements have in common with those of another history: rows of pairs of it are alike in both."""
    places = {each.bucket: n for n, each in enumerate(others)}
    apart: list[int] = []
    ends: list[int] = []
    last = -1
    for n, movement in enumerate(movements):
        there = places.get(movement.bucket)
        if there is None or _seen_of(movement) != _seen_of(others[there]):
            apart.append(n)
            ends.append(n)
            last = len(others)
        else:
            if there != last + 1:
                ends.append(n)
            last = there
    return Shared(frozenset(apart), ends)


def _seen_of(movement: Movement) -> tuple[int, ...]:
    """Return all that `_pairs` looks at of a movement but its bucket, and of the piece that begins with it."""
    before, after = movement.before, movement.after
    there = (before.active, before.plan, before.mrr, after.active, after.plan, after.mrr)
    if movement.departure is None:
        return there
    return (*there, movement.departed.plan, movement.departed.mrr)


def contribution(
    customer: Customer,
    bucket_ms: int,
    what: WhatCounts,
    *,
    since: int = 0,
    history: History | None = None,
    shared: Shared | None = None,
) -> list[Row]:
    """Return the rows of a customer.

    Args:
        customer: The state, with its cache up to date.
        bucket_ms: Length of a bucket (ms).
        what: What counts.
        since: Rows that no fact of this bucket or a later one can change may be left out.
        history: The customer's, where it is known.
        shared: What it has in common with another one; rows of pairs of what both have may be left out.

    Returns:
        Rows in no particular order; several may have one key.
    """
    history = history or history_of(customer, bucket_ms, what)
    parts = contribution_in_steps(customer, history, bucket_ms, what, since, shared)
    return [row for _, rows in parts for row in rows]


def contribution_in_steps(
    customer: Customer, history: History, bucket_ms: int, what: WhatCounts, since: int, shared: Shared | None
) -> Iterator[Part]:
    """Return the rows of a customer as `contribution` does, in parts that take some ms each to make."""
    yield from _movement_parts(customer.profile, history.movements, since, shared)
    rows = _other_rows(customer, history, bucket_ms, what, since)
    yield len(rows), rows


def _other_rows(customer: Customer, history: History, bucket_ms: int, what: WhatCounts, since: int) -> list[Row]:
    """Return the rows of a customer but those of movements."""
    steps, signup = history.steps, history.signup
    out: list[Row] = []
    profile = customer.profile
    if history.engaged:
        engagement_rows(out, profile, pieces_of(history.movements), history.engaged, since)
    if signup is not None:
        signed_up_rows(out, profile, signup, history.movements, bucket_ms)
        first_weeks_rows(out, customer, history, signup, bucket_ms)
        trial_rows(out, profile, steps, bucket_ms, what)
    for step in steps:
        if not step.has_effect:
            _point(out, WITHOUT_EFFECT[step.fact.KIND], 0, profile, step.fact.at_ms // bucket_ms, 1)
    if customer.rare is not None:
        for at_ms in revocations_without_effect(customer):
            _point(out, WITHOUT_EFFECT[REVOKE], 0, profile, at_ms // bucket_ms, 1)
    since_ms = since * bucket_ms
    for item in history.feedback:
        if item.at_ms >= since_ms:
            plan = standing_at(steps, item.at_ms).plan
            _point(out, FEEDBACK + CLASS[item.code], plan, profile, item.at_ms // bucket_ms, 1)
    return out


def _point(out: list[Row], code: int, plan: int, profile: int, bucket: int, n: int, m: int = 0) -> None:
    out.append((code, plan, profile, bucket, bucket, n, m))


# ------------------------------------------------------------------------- movements


def last_movement_rows(out: list[Row], profile: int, movements: Sequence[Movement], bucket: int) -> None:
    """Append the rows of the last movement, if it is of a bucket."""
    last = len(movements) - 1
    if last >= 0 and movements[last].bucket == bucket:
        _rows_of_one(out, profile, movements, last, range(last + 1))


def _movement_parts(profile: int, movements: Sequence[Movement], since: int, shared: Shared | None) -> Iterator[Part]:
    """Return the rows of the movements of a bucket and of all later ones; `shared` as `contribution` has it.

    They come in parts, each of so many movements that they have `STEP_PAIRS` pairs, or one more.
    """
    out: list[Row] = []
    work = 0
    for place in range(bisect_left(movements, since, key=_bucket_of), len(movements)):
        if work >= STEP_PAIRS:
            yield work, out
            out, work = [], 0
        ends: Sequence[int] = range(place + 1)
        if shared is not None and place not in shared.apart:
            ends = shared.ends[: bisect_right(shared.ends, place)]
        _rows_of_one(out, profile, movements, place, ends)
        work += 1 + len(ends)
    yield work, out


def _rows_of_one(out: list[Row], profile: int, movements: Sequence[Movement], place: int, ends: Sequence[int]) -> None:
    """Append the rows of one movement, with those of its pairs with pieces that end with some others."""
    movement = movements[place]
    _rows_alone(out, profile, movement)
    _pairs(out, profile, movements, place, ends)
    if not movement.is_plain:
        _subscription_rows(out, profile, movement)


def _rows_alone(out: list[Row], profile: int, movement: Movement) -> None:
    """Append what a movement is by itself."""
    bucket, before, after = movement.bucket, movement.before, movement.after
    arrival, departure = movement.arrival, movement.departure
    if movement.stays:
        rise, full = after.mrr - before.mrr, after.full_mrr - before.full_mrr
        if rise > 0 or full > 0:
            _point(out, UPGRADED, before.plan, profile, bucket, int(full > 0), max(rise, 0))
        if rise < 0 or full < 0:
            _point(out, DOWNGRADED, before.plan, profile, bucket, int(full < 0), max(-rise, 0))
        if before.plan != after.plan:
            _point(out, MOVED, before.plan, profile, bucket, -1, -after.mrr)
            _point(out, MOVED, after.plan, profile, bucket, 1, after.mrr)
    if arrival is not None:
        arrived = movement.arrived
        _point(out, REACTIVATED if movement.is_known else NEW, arrived.plan, profile, bucket, 1, arrived.mrr)
    if departure is not None:
        departed = movement.departed
        _point(out, CANCELLED, departed.plan, profile, bucket, 1, departed.mrr)
        if is_involuntary(departure):
            _point(out, INVOLUNTARY, departed.plan, profile, bucket, 1)


class Piece(NamedTuple):
    """The same at all boundaries in (start, end], in buckets."""

    start: int
    end: int
    active: bool
    plan: int


def pieces_of(movements: Sequence[Movement]) -> list[Piece]:
    """Return the pieces between movements, in order, those before the first one left out."""
    last = len(movements) - 1
    return [
        Piece(each.bucket, movements[n + 1].bucket if n < last else OPEN, each.after.active, each.after.plan)
        for n, each in enumerate(movements)
    ]


def _pairs(out: list[Row], profile: int, movements: Sequence[Movement], place: int, ends: Sequence[int]) -> None:
    """Append what depends on the state at a window's start, of one movement and the pieces that end with some others.

    The counts of cancellations, contraction and so on hold all movements of a window. For each piece that the window
    can start in, the rows take back what they hold too much for it: a row (i, j) is seen by the windows that start at
    or before i, so that what holds for a piece (start, end] is added at its end and taken away at its start.
    """
    movement = movements[place]
    bucket, before, after = movement.bucket, movement.before, movement.after
    by_plan = movement.departed if movement.departure is not None else before
    left = int(movement.departure is not None)
    was, now = before.mrr, after.mrr
    fell = by_plan.mrr if left else max(was - now, 0) if movement.stays else 0
    rose = max(now - was, 0) if movement.stays else 0
    goes = int(before.active) - int(after.active)
    if not (left or fell or rose or goes):
        return
    sums: dict[tuple[int, int], list[int]] = {}
    for last in ends:
        end = movements[last].bucket
        then, start = (movements[last - 1].after, movements[last - 1].bucket) if last else (NOTHING, -1)
        if then.active:
            lost = _above(then.mrr, now) - _above(then.mrr, was)
            won = _above(now, then.mrr) - _above(was, then.mrr)
            if then.plan == by_plan.plan:
                if fell != lost or goes != left or rose != won:
                    _add(sums, start, end, then.plan, (0, fell - lost, goes - left, rose - won))
            else:
                _add(sums, start, end, by_plan.plan, (0, fell, -left, rose))
                _add(sums, start, end, then.plan, (0, -lost, goes, -won))
        elif left or fell or rose:
            _add(sums, start, end, by_plan.plan, (left, fell, 0, rose))
    for (at, plan), (new, lost, kept, won) in sums.items():
        if new or lost:
            out.append((OF_NEW, plan, profile, at, bucket, new, lost))
        if kept or won:
            out.append((KEPT, plan, profile, at, bucket, kept, won))


def _add(
    sums: dict[tuple[int, int], list[int]], start: int, end: int, plan: int, amounts: tuple[int, int, int, int]
) -> None:
    """Add amounts at the end of a piece, and take them away at its start unless that is the beginning of time."""
    at_end = sums.setdefault((end, plan), [0, 0, 0, 0])
    for n, amount in enumerate(amounts):
        at_end[n] += amount
    if start >= 0:
        at_start = sums.setdefault((start, plan), [0, 0, 0, 0])
        for n, amount in enumerate(amounts):
            at_start[n] -= amount


def _above(a: int, b: int) -> int:
    """Return by how much a is above b; 0 where it is not."""
    return a - b if a > b else 0


# ------------------------------------------------------------------------- where customers and subscriptions stand


def _subscription_rows(out: list[Row], profile: int, movement: Movement) -> None:
    """Append what a movement does to the paused, to those with several subscriptions, and to subscriptions."""
    bucket, before, after = movement.bucket, movement.before, movement.after
    arrival, departure = movement.arrival, movement.departure
    for code, was, now in (
        (PAUSED, before.is_paused, after.is_paused),
        (SEVERAL, before.has_several, after.has_several),
    ):
        if (was, was and before.plan) != (now, now and after.plan):
            if was:
                _point(out, code, before.plan, profile, bucket, -1)
            if now:
                _point(out, code, after.plan, profile, bucket, 1)
    sums: dict[tuple[int, int], list[int]] = {}
    for sign, standing in ((-1, before), (1, after)):
        _add_beyond(sums, sign, standing)
    counted = {each.id: each.plan for each in before.counting}
    counting = {each.id: each.plan for each in after.counting}
    for subscription, plan in counting.items():
        if subscription not in counted:
            _sum(sums, STARTED, plan, 1)
    for subscription, plan in counted.items():
        if subscription not in counting:
            _sum(sums, ENDED, plan, 1)
    if arrival is not None:
        _sum(sums, STARTED, movement.arrived.plan, -1)
    if departure is not None:
        _sum(sums, ENDED, movement.departed.plan, -1)
    for (code, plan), (n, m) in sums.items():
        if n or m:
            _point(out, code, plan, profile, bucket, n, m)


def _add_beyond(sums: dict[tuple[int, int], list[int]], sign: int, standing: Standing) -> None:
    """Add the subscriptions that count by their own plan, less the customer by its plan."""
    if not standing.active:
        return
    for each in standing.counting:
        _sum(sums, SUBSCRIPTIONS, each.plan, sign, sign * each.mrr)
    _sum(sums, SUBSCRIPTIONS, standing.plan, -sign, -sign * standing.mrr)


def _sum(sums: dict[tuple[int, int], list[int]], code: int, plan: int, n: int, m: int = 0) -> None:
    amounts = sums.setdefault((code, plan), [0, 0])
    amounts[0] += n
    amounts[1] += m


# ------------------------------------------------------------------------- engagement


def engagement_row(out: list[Row], plan: int, profile: int, i: int, j: int, n: int) -> None:
    """Append n times: engaged in bucket j (i == j), or again after bucket i."""
    if i == j:
        out.append((ENGAGED, plan, profile, j, j, n, 0))
    else:
        out.append((ENGAGED_AGAIN, plan, profile, i, j, -n, 0))


def engagement_rows(out: list[Row], profile: int, pieces: Iterable[Piece], buckets: Sequence[int], since: int) -> None:
    """Append, for each piece of activity, its engagements, the pairs between them, and what it inherits and hands on.

    A piece counts as of every boundary in it: engaged then means an engagement before the boundary, in or before the
    piece. Pieces that end before the bucket `since` are left out.
    """
    if not buckets:
        return
    for start, end, active, plan in pieces:
        if not active or end < since:
            continue
        first = bisect_right(buckets, start)
        last = buckets[first - 1] if first else -1
        for bucket in buckets[first : bisect_left(buckets, end, first)]:
            if last >= 0:
                if last <= start:
                    engagement_row(out, plan, profile, last, start, 1)
                engagement_row(out, plan, profile, last, bucket, -1)
            engagement_row(out, plan, profile, bucket, bucket, 1)
            last = bucket
        if last >= 0 and last <= start:
            engagement_row(out, plan, profile, last, start, 1)
        if last >= 0 and end < OPEN:
            engagement_row(out, plan, profile, last, end, -1)


# ------------------------------------------------------------------------- the first signup and the first trial


def signed_up_rows(
    out: list[Row], profile: int, signup: SignupFact, movements: Iterable[Movement], bucket_ms: int
) -> None:
    """Append the first signup, less the customer who became new."""
    bucket = signup.at_ms // bucket_ms
    for new in movements:
        if new.arrival is not None:
            if new.bucket != bucket or new.arrived.plan != signup.plan:
                _point(out, SIGNED_UP, signup.plan, profile, bucket, 1)
                _point(out, SIGNED_UP, new.arrived.plan, profile, new.bucket, -1)
            return
    _point(out, SIGNED_UP, signup.plan, profile, bucket, 1)


def first_weeks_rows(out: list[Row], customer: Customer, history: History, signup: SignupFact, bucket_ms: int) -> None:
    """Append drop-off, liveliness and onboarding."""
    at_ms, plan, profile, bucket = signup.at_ms, signup.plan, customer.profile, signup.at_ms // bucket_ms
    if not standing_at(history.steps, at_ms + WEEK_MS).is_open:
        _point(out, GONE, plan, profile, bucket, 1)
    elif lively(customer, at_ms, history.feedback, bucket_ms):
        _point(out, LIVELY, plan, profile, bucket, 1)
    if customer.onboarded and any_within(customer.onboarded, at_ms, at_ms + WEEK_MS):
        _point(out, ONBOARDED, plan, profile, bucket, 1)


def lively(customer: Customer, first_ms: int, feedback: Iterable[Feedback], bucket_ms: int) -> bool:
    """Return whether there is activity or an answered survey in the second week after the first signup.

    A bucket in the middle of the week tells by itself. Of the buckets that its edges cut, the last instant of the one
    and the first of the other decide only where the middle is silent: there a run ends, or begins, and has kept them.
    """
    start, end = first_ms + WEEK_MS, first_ms + FORTNIGHT_MS
    if any_within(customer.runs, start, end):
        return True
    first, last = start // bucket_ms, end // bucket_ms
    if customer.active_bucket > first and any(first < bucket < last for bucket in activity_of(customer)):
        return True
    return any(start <= item.at_ms < end and item.code in ANSWERED for item in feedback)


def trial_rows(out: list[Row], profile: int, steps: Sequence[Step], bucket_ms: int, what: WhatCounts) -> None:
    """Append the first trial of a customer who had not been active, and whether it led to activity in time."""
    trial = first_trial(steps)
    if trial is None or is_active_within(steps, 0, trial.at_ms):
        return
    bucket = trial.at_ms // bucket_ms
    _point(out, TRIAL, trial.plan, profile, bucket, 1)
    if is_active_within(steps, trial.at_ms, trial.at_ms + what.trial_ms):
        _point(out, CONVERTED, trial.plan, profile, bucket, 1)
