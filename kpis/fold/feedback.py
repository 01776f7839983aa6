"""FoldContext surveys, renewals and revocations."""

from __future__ import annotations

from typing import Any

from kpis.customer.customer import pack_note
from kpis.customer.deduplication import note_content, rare_of, revocation_content
from kpis.customer.facts import ACTIVE, Note
from kpis.customer.notes import ANSWERED, CLASS, CODE, renewal_code
from kpis.customer.state import Customer, may_hold
from kpis.customer.timeline import FORTNIGHT_MS, WEEK_MS, active_at, effective_facts, plan_at, steps_of
from kpis.fold.context import FoldContext
from kpis.fold.contribution import effective_notes, lively
from kpis.fold.rows import ENGAGED, LIVELY, NOTE


def survey(folding: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a survey; True where the state changed."""
    code = CODE[event.kind, event.status, event.score, event.via]
    identity = folding.identity_of(event.source, event.id)
    reason = folding.names.reason(event.reason) if event.reason else 0
    return _note(folding, customer, (at_ms, code, identity, reason, folding.places[n]), event.sequence)


def renewal(folding: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a renewal; True where the state changed."""
    identity = folding.identity_of(event.source, event.id)
    return _note(
        folding, customer, (at_ms, renewal_code(event.outcome), identity, 0, folding.places[n]), event.sequence
    )


def revoke(folding: FoldContext, customer: Customer, event: Any, at_ms: int, n: int) -> bool:
    """Fold a revocation: what it names never counts, whichever comes first. Revocations cannot be revoked."""
    identity = folding.identity_of(event.source, event.id)
    target = folding.identity_of(event.source, event.revokes)
    revocation = (identity, at_ms, event.sequence, target, folding.places[n])
    before = folding.settle(customer, identity, revocation_content(revocation))
    if before is None:
        return folding.remembers
    rare_of(customer).revocations.append(revocation)
    folding.rebuild(before)
    return True


def _note(folding: FoldContext, customer: Customer, note: Note, sequence: int) -> bool:
    at_ms, code, identity, reason, place = note
    bucket = at_ms // folding.bucket_ms
    answered = code in ANSWERED
    if (
        not folding.short_cuts
        or sequence
        or may_hold(customer, identity)
        or (answered and not is_last_engagement(folding, customer, bucket))
    ):
        return _note_anywhere(folding, customer, note, sequence)
    folding.need_room_of_many(customer)
    in_order = at_ms > customer.last_at
    plan = customer.plan if in_order else plan_at(steps_of(effective_facts(customer)), at_ms)
    folding.rows.append((NOTE + CLASS[code], plan, customer.profile, bucket, bucket, 1, 0))
    if answered:
        if second_week_begins(folding, customer, at_ms):
            enliven(folding, customer)
        engage(folding, customer, bucket)
    customer.notes += pack_note(at_ms, code, identity, reason, place)
    customer.noted_at = max(customer.noted_at, at_ms)
    folding.applied += 1
    return True


def _note_anywhere(folding: FoldContext, customer: Customer, note: Note, sequence: int) -> bool:
    """The general path."""
    before = folding.settle(customer, note[2], note_content(note, sequence, folding.names))
    if before is None:
        return folding.remembers
    customer.notes += pack_note(*note)
    if sequence:
        rare_of(customer).sequences[note[2]] = sequence
    folding.rebuild(before)
    return True


# ------------------------------------------------------------------------- engagement, shared with activity


def is_last_engagement(folding: FoldContext, customer: Customer, bucket: int) -> bool:
    """Whether an engagement in the bucket comes after all others and all lifecycle facts of other buckets."""
    if bucket == customer.engaged_bucket:
        return True
    return bucket > customer.engaged_bucket and customer.last_at < (bucket + 1) * folding.bucket_ms


def engage(folding: FoldContext, customer: Customer, bucket: int) -> None:
    """Write down an engagement that `is_last_engagement` allows."""
    before = customer.engaged_bucket
    if bucket == before:
        return
    if customer.phase == ACTIVE:
        first = before if before >= 0 else bucket
        folding.rows.append((ENGAGED, customer.plan, customer.profile, first, bucket, 1, 0))
    customer.engaged_bucket = bucket


def second_week_begins(folding: FoldContext, customer: Customer, at_ms: int) -> bool:
    """Whether an instant is the first sign of life in the second week after the first signup."""
    first_at = customer.first_at
    if first_at < 0 or not first_at + WEEK_MS <= at_ms < first_at + FORTNIGHT_MS:
        return False
    return not lively(customer, effective_notes(customer), folding.bucket_ms)


def enliven(folding: FoldContext, customer: Customer) -> None:
    """Write down the first sign of life in the second week, of a customer who had not dropped off before it."""
    week = customer.first_at + WEEK_MS
    if customer.last_at < week:
        active = customer.phase == ACTIVE
    else:
        active = active_at(steps_of(effective_facts(customer)), week)
    if active:
        bucket = customer.first_at // folding.bucket_ms
        folding.rows.append((LIVELY, customer.first_plan, customer.profile, bucket, bucket, 1, 0))
