"""One customer's state as rows: the pure function that every short cut must agree with.

Definitions: docs/definitions.md, section Counts. The rows' meaning: `kpis.rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from kpis.customer.customer import activity_of, any_within, feedback_of
from kpis.customer.facts import CANCEL, INACTIVE, SIGNUP, Feedback
from kpis.customer.feedback_codes import ANSWERED, CLASS
from kpis.customer.state import Customer
from kpis.customer.timeline import (
    FORTNIGHT_MS,
    WEEK_MS,
    Piece,
    PieceValues,
    Step,
    StepValues,
    active_at,
    effective_facts,
    pieces_of,
    plan_at,
    steps_of,
)
from kpis.rows import (
    CANCELLED,
    DOWNGRADED,
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
    REACTIVATED,
    UPGRADED,
    Row,
)

#: A bucket after all others.
OPEN: Final = 1 << 40


def contribution(customer: Customer, bucket_ms: int) -> list[Row]:
    """Return the rows of a customer.

    Args:
        customer: The state.
        bucket_ms: Length of a bucket (ms).

    Returns:
        Rows in no particular order; several may have one key.
    """
    out: list[Row] = []
    steps = steps_of(effective_facts(customer))
    pieces = pieces_of(steps, bucket_ms, OPEN)
    lifecycle_rows(out, customer.profile, steps, pieces, bucket_ms)
    feedback = effective_feedback(customer)
    engagement_rows(out, customer.profile, pieces, engaged_buckets(customer, feedback, bucket_ms))
    if steps:
        first_weeks_rows(out, customer, steps, feedback, bucket_ms)
    for at_ms, code, _, _, _ in feedback:
        bucket = at_ms // bucket_ms
        out.append((FEEDBACK + CLASS[code], plan_at(steps, at_ms), customer.profile, bucket, bucket, 1, 0))
    return out


def effective_feedback(customer: Customer) -> list[Feedback]:
    """Return surveys and renewals, earliest first, without revoked ones."""
    feedback = feedback_of(customer)
    if customer.rare is None or not customer.rare.revocations:
        return feedback
    revoked = {target for _, _, _, target, _ in customer.rare.revocations}
    return [item for item in feedback if item[2] not in revoked]


def engaged_buckets(customer: Customer, feedback: Iterable[Feedback], bucket_ms: int) -> list[int]:
    """Return the buckets with activity or an answered survey, in order."""
    answered = {item[0] // bucket_ms for item in feedback if item[1] in ANSWERED}
    if not answered:
        return activity_of(customer)
    return sorted(answered.union(activity_of(customer)))


# ------------------------------------------------------------------------- lifecycle


def lifecycle_rows(
    out: list[Row], profile: int, steps: Sequence[Step], pieces: Sequence[Piece], bucket_ms: int
) -> None:
    """Append the rows of all effective facts."""
    done = 0
    for step in steps:
        bucket = step.fact[0] // bucket_ms
        while done < len(pieces) and pieces[done].end <= bucket:
            done += 1
        step_rows(out, profile, bucket, step, pieces[:done])


def step_rows(out: list[Row], profile: int, bucket: int, step: StepValues, past: Sequence[PieceValues]) -> None:
    """Append the rows of one effective fact; `past` holds the pieces of activity up to its bucket."""
    fact, was, plan, mrr, next_plan, next_mrr = step
    if fact[2] == SIGNUP:
        code = REACTIVATED if was == INACTIVE else NEW
        out.append((code, next_plan, profile, bucket, bucket, 1, next_mrr))
        if was == INACTIVE and past:
            _pairs(out, profile, bucket, step, past, -1)
    elif fact[2] == CANCEL:
        out.append((CANCELLED, plan, profile, bucket, bucket, 1, mrr))
        if fact[5]:
            out.append((INVOLUNTARY, plan, profile, bucket, bucket, 1, 0))
        _pairs(out, profile, bucket, step, past, 1)
    else:
        if next_mrr > mrr:
            out.append((UPGRADED, plan, profile, bucket, bucket, 1, next_mrr - mrr))
        elif next_mrr < mrr:
            out.append((DOWNGRADED, plan, profile, bucket, bucket, 1, mrr - next_mrr))
        if next_mrr != mrr:
            _pairs(out, profile, bucket, step, past, 0)
        if plan != next_plan:
            out.append((MOVED, plan, profile, bucket, bucket, -1, -next_mrr))
            out.append((MOVED, next_plan, profile, bucket, bucket, 1, next_mrr))


def _pairs(out: list[Row], profile: int, bucket: int, step: StepValues, past: Sequence[PieceValues], ends: int) -> None:
    """Append what depends on the state at a window's start.

    `ends` is 1 for a cancel, -1 for a reactivation, 0 for a change.

    Of a movement that falls into a window, customers of the start see only what differs from their MRR then; each
    piece of activity takes back, for windows that start in it, what the movement's point row counted too much.
    """
    _, _, plan, mrr, _, next_mrr = step
    new, lost, kept, gained = int(ends == 1), 0, 0, 0
    if ends >= 0:
        lost, gained = _above(mrr, next_mrr), _above(next_mrr, mrr)
    at, at_plan = bucket, plan
    for start, end, piece_plan, piece_mrr in reversed(past):
        less = _above(piece_mrr, next_mrr) - _above(piece_mrr, mrr)
        more = _above(next_mrr, piece_mrr) - _above(mrr, piece_mrr)
        same = ends == 1 and piece_plan == plan
        of_new = 1 if same else 0
        of_kept = 0 if same else -ends
        if end != at or piece_plan != at_plan:
            _pair(out, at_plan, profile, at, bucket, new, lost, kept, gained)
            at_plan, at, new, lost, kept, gained = piece_plan, end, 0, 0, 0, 0
        _pair(out, at_plan, profile, at, bucket, new - of_new, lost - less, kept - of_kept, gained - more)
        at, new, lost, kept, gained = start, of_new, less, of_kept, more
        if ends == 1 and not same:
            _pair(out, plan, profile, end, bucket, -1, 0, -1, 0)
            _pair(out, plan, profile, start, bucket, 1, 0, 1, 0)
    _pair(out, at_plan, profile, at, bucket, new, lost, kept, gained)


def _above(a: int, b: int) -> int:
    """Return by how much a is above b; 0 where it is not."""
    return a - b if a > b else 0


def _pair(
    out: list[Row], plan: int, profile: int, at: int, bucket: int, new: int, lost: int, kept: int, gained: int
) -> None:
    """Append cancellations of new customers and the MRR they take, and what is kept, where there are any."""
    if new or lost:
        out.append((OF_NEW, plan, profile, at, bucket, new, lost))
    if kept or gained:
        out.append((KEPT, plan, profile, at, bucket, kept, gained))


# ------------------------------------------------------------------------- engagement and the first weeks


def engagement_row(out: list[Row], plan: int, profile: int, i: int, j: int, n: int) -> None:
    """Append n times: engaged in bucket j (i == j), or again after bucket i."""
    if i == j:
        out.append((ENGAGED, plan, profile, j, j, n, 0))
    else:
        out.append((ENGAGED_AGAIN, plan, profile, i, j, -n, 0))


def engagement_rows(out: list[Row], profile: int, pieces: Iterable[Piece], buckets: Sequence[int]) -> None:
    """Append, for each piece of activity, its engagements, the pairs between them, and what it inherits and hands on.

    A piece counts as of every boundary in it: engaged then means an engagement before the boundary, in or before the
    piece.
    """
    if not buckets:
        return
    for start, end, plan, _ in pieces:
        last = -1
        for bucket in buckets:
            if bucket >= end:
                break
            if bucket > start:
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


def first_weeks_rows(
    out: list[Row], customer: Customer, steps: Sequence[Step], feedback: Iterable[Feedback], bucket_ms: int
) -> None:
    """Append drop-off, liveliness and onboarding of a customer who was ever active."""
    first_at, plan, profile = customer.first_at, customer.first_plan, customer.profile
    bucket = first_at // bucket_ms
    if not active_at(steps, first_at + WEEK_MS):
        out.append((GONE, plan, profile, bucket, bucket, 1, 0))
    elif lively(customer, feedback, bucket_ms):
        out.append((LIVELY, plan, profile, bucket, bucket, 1, 0))
    if any_within(customer.onboarded, first_at, first_at + WEEK_MS):
        out.append((ONBOARDED, plan, profile, bucket, bucket, 1, 0))


def lively(customer: Customer, feedback: Iterable[Feedback], bucket_ms: int) -> bool:
    """Return whether there is activity or an answered survey in the second week after the first signup.

    A bucket in the middle of the week tells by itself. Of the buckets that its edges cut, the last instant of the one
    and the first of the other decide only where the middle is silent: there a run ends, or begins, and has kept them.
    """
    start, end = customer.first_at + WEEK_MS, customer.first_at + FORTNIGHT_MS
    if any_within(customer.runs, start, end):
        return True
    first, last = start // bucket_ms, end // bucket_ms
    if customer.active_bucket > first and any(first < bucket < last for bucket in activity_of(customer)):
        return True
    return any(start <= item[0] < end and item[1] in ANSWERED for item in feedback)
