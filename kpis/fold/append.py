"""The usual fact of the timeline: later than all else that is known of its customer.

What it changes is then plain, and nothing before it has to be worked out again. Everything else, and whatever this
leaves, takes the general path, which gives the same rows.
"""

from __future__ import annotations

from kpis.customer.customer import feedback_of
from kpis.customer.facts import LifecycleFact, SignupFact, encode_fact
from kpis.customer.feedback_codes import CLASS
from kpis.customer.history import CustomerPast
from kpis.customer.state import Customer, may_hold
from kpis.customer.timeline import WEEK_MS, Step, first_signup, first_trial
from kpis.fold.context import FoldContext
from kpis.fold.contribution import engagement_row, last_movement_rows, signed_up_rows, trial_rows
from kpis.rows import FEEDBACK, GONE, WITHOUT_EFFECT, Row, difference


def append(context: FoldContext, customer: Customer, fact: LifecycleFact) -> bool:
    """Fold a fact that comes after all others; False, with nothing changed, where it does not.

    Raises:
        TooManyFacts: There is no room for it.
    """
    if not context.short_cuts or not _is_last(context, customer, fact):
        return False
    context.need_room_of_many(customer)
    known = context.past_of(customer)
    past = known.with_one_more(fact, context.what)
    step = past.steps[-1]
    if isinstance(fact, SignupFact) and customer.first_at < 0:
        _move(context, customer, known.steps, fact.profile)
        customer.first_at, customer.first_plan, customer.profile = fact.at_ms, fact.plan, fact.profile
    if step.has_effect:
        _rows(context, customer, known, past)
    else:
        bucket = fact.at_ms // context.bucket_ms
        context.rows.append((WITHOUT_EFFECT[fact.KIND], 0, customer.profile, bucket, bucket, 1, 0))
    customer.is_open, customer.active, customer.plan = step.after.is_open, step.after.active, step.after.plan
    life = customer.life
    customer.life += encode_fact(fact)
    customer.facts += 1
    context.remember(customer, past, life)
    customer.last_at = fact.at_ms
    context.applied += 1
    return True


def _is_last(context: FoldContext, customer: Customer, fact: LifecycleFact) -> bool:
    """Return whether a fact is later than all facts and feedback, and in no earlier bucket than any engagement."""
    at_ms = fact.at_ms
    if customer.rare is not None or at_ms <= customer.last_at or at_ms < customer.feedback_at:
        return False
    if at_ms // context.bucket_ms < customer.engaged_bucket:
        return False
    if customer.first_at < 0 and customer.onboarded:
        return False  # it may count from the first signup on
    return not may_hold(customer, fact.identity)


def _move(context: FoldContext, customer: Customer, known: list[Step], profile: int) -> None:
    """Append what moves all from before the first signup, which did nothing then, to the segments of that signup."""
    if profile == customer.profile:
        return
    bucket_ms = context.bucket_ms
    counted = [(WITHOUT_EFFECT[step.fact.KIND], step.fact.at_ms // bucket_ms) for step in known]
    if customer.feedback:
        counted += [(FEEDBACK + CLASS[item.code], item.at_ms // bucket_ms) for item in feedback_of(customer)]
    for code, bucket in counted:
        context.rows.append((code, 0, customer.profile, bucket, bucket, -1, 0))
        context.rows.append((code, 0, profile, bucket, bucket, 1, 0))


def _rows(context: FoldContext, customer: Customer, known: CustomerPast, past: CustomerPast) -> None:
    """Append what the last step changes."""
    steps, movements = past.steps, past.movements
    step, bucket_ms, profile = steps[-1], context.bucket_ms, customer.profile
    bucket = step.fact.at_ms // bucket_ms
    before: list[Row] = []
    after: list[Row] = []
    if customer.last_at >= bucket * bucket_ms:  # a movement of this very bucket may be another one now
        last_movement_rows(before, profile, known.movements, bucket)
    last_movement_rows(after, profile, movements, bucket)
    signup = first_signup(steps)
    if signup is not None and not movements[-1].is_known:
        if signup is not step.fact:
            signed_up_rows(before, profile, signup, known.movements, bucket_ms)
        signed_up_rows(after, profile, signup, movements, bucket_ms)
    if signup is not None and signup is not step.fact and step.fact.at_ms < customer.first_at + WEEK_MS:
        gone = int(step.before.is_open) - int(step.after.is_open)
        first = customer.first_at // bucket_ms
        after.append((GONE, customer.first_plan, profile, first, first, gone, 0))
    if first_trial(steps) is not None:
        trial_rows(before, profile, known.steps, bucket_ms, context.what)
        trial_rows(after, profile, steps, bucket_ms, context.what)
    _engagement(after, customer, step, bucket)
    if before:
        difference(before, after, context.rows)
    else:
        context.rows += after


def _engagement(rows: list[Row], customer: Customer, step: Step, bucket: int) -> None:
    """Append what a piece of activity hands on to the next one."""
    engaged, before, after = customer.engaged_bucket, step.before, step.after
    if engaged < 0 or (before.active == after.active and before.plan == after.plan):
        return
    if before.active:
        engagement_row(rows, before.plan, customer.profile, engaged, bucket, -1)
    if after.active:
        engagement_row(rows, after.plan, customer.profile, engaged, bucket, 1)
