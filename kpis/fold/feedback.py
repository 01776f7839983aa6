"""Handlers of surveys, renewals and revocations."""

from __future__ import annotations

from typing import Any, Final

from kpis.customer.customer import pack_feedback
from kpis.customer.deduplication import feedback_content, rare_of, revocation_content
from kpis.customer.facts import Feedback, Revocation
from kpis.customer.feedback_codes import ANSWERED, CLASS, CODE, KINDS, renewal_code
from kpis.customer.history import effective_feedback
from kpis.customer.state import Customer, may_hold
from kpis.customer.timeline import FORTNIGHT_MS, WEEK_MS, Standing, effective_facts, standing_at, steps_of
from kpis.fold.context import FoldContext
from kpis.fold.contribution import lively
from kpis.fold.touchpoints import rating
from kpis.rows import ENGAGED, FEEDBACK, LIVELY
from schemas.events import EVENT_TYPES

#: The sources of a customer's events that name none.
DEFAULT_SOURCES: Final = tuple(dict.fromkeys(kind.TOPIC for kind in EVENT_TYPES if kind.HAS_CUSTOMER))


def survey(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a survey; True where the state changed."""
    if event.kind not in KINDS:
        return rating(context, customer, event, at_ms, n)
    code = CODE[event.kind, event.status, event.score, event.via]
    identity = context.identity_of(event.source, event.id)
    reason = context.names.reason(event.reason) if event.reason else 0
    return _add(context, customer, Feedback(at_ms, code, identity, reason, context.references[n]), event.sequence)


def renewal(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a renewal; True where the state changed."""
    identity = context.identity_of(event.source, event.id)
    item = Feedback(at_ms, renewal_code(event.outcome), identity, 0, context.references[n])
    return _add(context, customer, item, event.sequence)


def revoke(context: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a revocation: what it names never counts, whichever comes first. Revocations cannot be revoked."""
    identity = context.identity_of(event.source, event.id)
    sources = (event.source,) if event.names_source else DEFAULT_SOURCES
    targets = tuple([context.identity_of(source, event.revokes) for source in sources])
    revocation = Revocation(
        identity, at_ms, event.sequence, event.revokes, event.names_source, targets, context.references[n]
    )
    if not context.settle(customer, identity, lambda: revocation_content(revocation), 0):
        return context.remembers
    rare_of(customer).revocations.append(revocation)
    return True


def _add(context: FoldContext, customer: Customer, item: Feedback, sequence: int) -> bool:
    at_ms, code, identity, reason, reference = item
    bucket = at_ms // context.bucket_ms
    answered = code in ANSWERED
    if (
        not context.short_cuts
        or sequence
        or may_hold(customer, identity)
        or (answered and not is_last_engagement(context, customer, bucket))
    ):
        return _add_anywhere(context, customer, item, sequence)
    context.need_room_of_many(customer)
    plan = customer.plan if at_ms > customer.last_at else _standing_at(context, customer, at_ms).plan
    context.rows.append((FEEDBACK + CLASS[code], plan, customer.profile, bucket, bucket, 1, 0))
    if answered:
        if second_week_begins(context, customer, at_ms):
            enliven(context, customer)
        engage(context, customer, bucket)
    customer.feedback += pack_feedback(at_ms, code, identity, reason, reference)
    customer.feedback_at = max(customer.feedback_at, at_ms)
    context.applied += 1
    return True


def _add_anywhere(context: FoldContext, customer: Customer, item: Feedback, sequence: int) -> bool:
    """The general path."""
    bucket = item.at_ms // context.bucket_ms
    if not context.settle(customer, item.identity, lambda: feedback_content(item, sequence, context.names), bucket):
        return context.remembers
    customer.feedback += pack_feedback(*item)
    if sequence:
        rare_of(customer).sequences[item.identity] = sequence
    return True


def _standing_at(context: FoldContext, customer: Customer, at_ms: int) -> Standing:
    if customer.rare is None:
        return standing_at(context.past_of(customer).steps, at_ms)
    return standing_at(steps_of(effective_facts(customer), context.what), at_ms)


# ------------------------------------------------------------------------- engagement, shared with activity


def is_last_engagement(context: FoldContext, customer: Customer, bucket: int) -> bool:
    """Return whether an engagement in the bucket comes after all others and all lifecycle facts of other buckets."""
    if bucket == customer.engaged_bucket:
        return True
    return bucket > customer.engaged_bucket and customer.last_at < (bucket + 1) * context.bucket_ms


def engage(context: FoldContext, customer: Customer, bucket: int) -> None:
    """Write down an engagement that `is_last_engagement` allows."""
    before = customer.engaged_bucket
    if bucket == before:
        return
    if customer.active:
        first = before if before >= 0 else bucket
        context.rows.append((ENGAGED, customer.plan, customer.profile, first, bucket, 1, 0))
    customer.engaged_bucket = bucket


def second_week_begins(context: FoldContext, customer: Customer, at_ms: int) -> bool:
    """Return whether an instant is the first sign of life in the second week after the first signup."""
    first_at = customer.first_at
    if first_at < 0 or not first_at + WEEK_MS <= at_ms < first_at + FORTNIGHT_MS:
        return False
    return not lively(customer, first_at, effective_feedback(customer), context.bucket_ms)


def enliven(context: FoldContext, customer: Customer) -> None:
    """Write down the first sign of life in the second week, of a customer who had not dropped off before it."""
    week = customer.first_at + WEEK_MS
    is_open = customer.is_open if customer.last_at < week else _standing_at(context, customer, week).is_open
    if is_open:
        bucket = customer.first_at // context.bucket_ms
        context.rows.append((LIVELY, customer.first_plan, customer.profile, bucket, bucket, 1, 0))
