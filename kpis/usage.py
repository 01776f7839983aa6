"""Folding activity and onboarding: sets of instants, whose ids need not be remembered."""

from __future__ import annotations

from typing import Any, Final

from kpis.contribution import contribution
from kpis.customer import Customer, activity_of, any_within, gap_bytes, set_activity, thin
from kpis.feedback import engage, enliven, is_last_engagement, second_week_begins
from kpis.folding import Folding
from kpis.rows import ONBOARDED
from kpis.timeline import FORTNIGHT_MS, WEEK_MS

_FOREVER: Final = 1 << 60


def activity(folding: Folding, customer: Customer, event: Any, at_ms: int) -> bool:  # noqa: ARG001 - one shape for all types
    """Fold an activity; True where the state changed. A repeat in the customer's last bucket changes nothing."""
    folding.applied += 1
    bucket = at_ms // folding.bucket_ms
    first_at = customer.first_at
    changed = False
    if first_at < 0 or at_ms < first_at + FORTNIGHT_MS:
        if second_week_begins(customer, at_ms):
            enliven(folding, customer)
        changed = thin(customer.early, at_ms, first_at + FORTNIGHT_MS if first_at >= 0 else _FOREVER, WEEK_MS)
    last = customer.active_bucket
    if bucket == last:
        return changed
    if bucket < last or not folding.short_cuts or not is_last_engagement(folding, customer, bucket):
        return _activity_anywhere(folding, customer, bucket) or changed
    engage(folding, customer, bucket)
    customer.acts += gap_bytes(bucket - last if last >= 0 else bucket)
    customer.active_bucket = bucket
    return True


def _activity_anywhere(folding: Folding, customer: Customer, bucket: int) -> bool:
    """The general path."""
    buckets = activity_of(customer)
    if bucket in buckets:
        return False
    before = contribution(customer, folding.bucket_ms)
    set_activity(customer, sorted([*buckets, bucket]))
    folding.rebuild(customer, before)
    return True


def onboarding(folding: Folding, customer: Customer, event: Any, at_ms: int) -> bool:
    """Fold an onboarding; True where the state changed."""
    folding.applied += 1
    if not event.completed:
        return False
    first_at = customer.first_at
    week = first_at + WEEK_MS if first_at >= 0 else _FOREVER
    had = first_at >= 0 and any_within(customer.onboarded, first_at, week)
    changed = thin(customer.onboarded, at_ms, _FOREVER, WEEK_MS)
    if changed and not had and 0 <= first_at <= at_ms < week:
        bucket = first_at // folding.bucket_ms
        folding.rows.append((ONBOARDED, customer.first_plan, customer.profile, bucket, bucket, 1, 0))
    return changed
