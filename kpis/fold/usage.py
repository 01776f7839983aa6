"""Handlers of activity and onboarding: sets of instants, whose ids need not be remembered."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

from kpis.customer.customer import activity_of, any_within, gap_bytes, set_activity, thinned
from kpis.customer.features import Letters, use, use_anywhere, use_next
from kpis.customer.state import Customer
from kpis.customer.timeline import WEEK_MS
from kpis.fold.context import FoldContext
from kpis.fold.feedback import engage, enliven, is_last_engagement, second_week_begins
from kpis.rows import ONBOARDED


def activity(context: FoldContext, customer: Customer, event: Any, at_ms: int, _n: int) -> bool:
    """Fold an activity; True where the state changed.

    In the customer's last bucket only a feature that is new there and an instant later than all others change it.
    """
    context.applied += 1
    bucket = at_ms // context.bucket_ms
    letters = context.letters.get(event.feature) or context.letters_of(event.feature)
    last, runs = customer.active_bucket, customer.runs
    if bucket == last:
        if runs[-2] <= at_ms <= runs[-1]:
            return letters[0] not in customer.recent and use(customer, letters)
        latest = at_ms > runs[-1]
    else:
        latest = bucket > last and is_last_engagement(context, customer, bucket)
    if not latest or not context.short_cuts:
        return _activity_anywhere(context, customer, bucket, at_ms, letters)
    if second_week_begins(context, customer, at_ms):
        enliven(context, customer)
    if last < 0 or bucket - last >= WEEK_MS // context.bucket_ms:
        customer.runs = (*runs, at_ms, at_ms)
    else:
        customer.runs = (*runs[:-1], at_ms)
    if bucket == last:
        use(customer, letters)
    else:
        engage(context, customer, bucket)
        use_next(customer, letters)
        customer.acts += gap_bytes(bucket - last if last >= 0 else bucket)
        customer.active_bucket = bucket
    return True


def _activity_anywhere(context: FoldContext, customer: Customer, bucket: int, at_ms: int, letters: Letters) -> bool:
    """The general path."""
    buckets = activity_of(customer)
    is_new = bucket not in buckets
    if is_new:
        insort(buckets, bucket)
    runs = _runs(buckets, sorted([*customer.runs, at_ms]), context.bucket_ms)
    used = use_anywhere(customer, buckets, bucket, letters)
    if not is_new and runs == customer.runs:
        return used
    set_activity(customer, buckets)
    customer.runs = runs
    context.touch(bucket)
    return True


def _runs(buckets: list[int], instants: list[int], bucket_ms: int) -> tuple[int, ...]:
    """Return the first and the last instant of each run.

    A run goes on until a week of seven days fits between two buckets: only then can the week that decides on silent
    drop-off begin in the one or end in the other without holding a whole bucket of activity.

    Args:
        buckets: All buckets with activity, in order.
        instants: In order; the ends of what were runs before, and what is new.
        bucket_ms: Length of a bucket (ms).
    """
    week = WEEK_MS // bucket_ms
    out: list[int] = []
    before = -week
    for bucket in buckets:
        if bucket - before >= week:
            out += (instants[bisect_left(instants, bucket * bucket_ms)],) * 2
        before = bucket
        out[-1] = instants[bisect_left(instants, (bucket + 1) * bucket_ms) - 1]
    return tuple(out)


def onboarding(context: FoldContext, customer: Customer, event: Any, at_ms: int, _n: int) -> bool:
    """Fold an onboarding; True where the state changed."""
    context.applied += 1
    if not event.completed:
        return False
    first_at = customer.first_at
    week = first_at + WEEK_MS
    had = first_at >= 0 and any_within(customer.onboarded, first_at, week)
    before, customer.onboarded = customer.onboarded, thinned(customer.onboarded, at_ms, WEEK_MS)
    changed = customer.onboarded != before
    if changed and not had and 0 <= first_at <= at_ms < week:
        bucket = first_at // context.bucket_ms
        context.rows.append((ONBOARDED, customer.first_plan, customer.profile, bucket, bucket, 1, 0))
    return changed
