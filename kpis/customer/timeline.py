"""The state machine of one customer: what each lifecycle fact does, and the pieces of activity between them.

Definitions: docs/definitions.md, section "One customer's timeline".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from kpis.customer.customer import life_of
from kpis.customer.facts import ACTIVE, ACTIVE_AFTER, CANCEL, CHANGE, INACTIVE, NEVER, SIGNUP, Fact
from kpis.customer.state import Customer
from schemas.instants import DAY_MS

WEEK_MS: Final = 7 * DAY_MS
FORTNIGHT_MS: Final = 14 * DAY_MS


#: What a `Piece` and a `Step` hold: short cuts only take them apart, and a plain tuple is made in a third of the time.
PieceValues = tuple[int, int, int, int]
StepValues = tuple[Fact, int, int, int, int, int]


class Piece(NamedTuple):
    """Active at the boundaries in (start, end], in buckets, on one plan at one MRR."""

    start: int
    end: int
    plan: int
    mrr: int


class Step(NamedTuple):
    """One effective fact: what was before it and what is after.

    Plan and MRR of an inactive customer are the last plan and 0.
    """

    fact: Fact
    was: int
    plan: int
    mrr: int
    next_plan: int
    next_mrr: int


def effective_facts(customer: Customer) -> list[Fact]:
    """Return the facts in the order of the timeline, without revoked ones."""
    life = life_of(customer)
    rare = customer.rare
    if rare is None or not rare.revocations:
        return life
    revoked = {target for _, _, _, target, _ in rare.revocations}
    return [fact for fact in life if fact[3] not in revoked]


def steps_of(facts: Iterable[Fact]) -> list[Step]:
    """Run the machine over facts in the order of the timeline; ignored facts give no step."""
    out: list[Step] = []
    phase, plan, mrr = NEVER, 0, 0
    for fact in facts:
        kind = fact[2]
        if (kind == SIGNUP) == (phase == ACTIVE):
            continue
        if kind == SIGNUP:
            step = Step(fact, phase, plan, 0, fact[4], fact[5])
            phase, plan, mrr = ACTIVE, fact[4], fact[5]
        elif kind == CHANGE:
            step = Step(fact, phase, plan, mrr, fact[4], fact[5])
            plan, mrr = fact[4], fact[5]
        else:
            step = Step(fact, phase, plan, mrr, plan, 0)
            phase, mrr = INACTIVE, 0
        out.append(step)
    return out


def pieces_of(steps: Iterable[Step], bucket_ms: int, end: int) -> list[Piece]:
    """Return the pieces of activity up to boundary `end`, without those of length zero."""
    out: list[Piece] = []
    start, plan, mrr, active = 0, 0, 0, False
    for step in steps:
        bucket = step.fact[0] // bucket_ms
        if active and bucket > start:
            out.append(Piece(start, bucket, plan, mrr))
        start, plan, mrr = bucket, step.next_plan, step.next_mrr
        active = step.fact[2] in ACTIVE_AFTER
    if active and end > start:
        out.append(Piece(start, end, plan, mrr))
    return out


def pieces_until(facts: list[Fact], bucket_ms: int, end: int) -> list[PieceValues]:
    """Return what `pieces_of(steps_of(facts), bucket_ms, end)` would, of facts that all lie up to boundary `end`.

    One look at each fact and nothing kept of it: this is what a plan change or a cancel in order costs most.
    """
    out: list[PieceValues] = []
    start, plan, mrr, active = 0, 0, 0, False
    for at_ms, _, kind, _, new_plan, new_mrr, _, _, _ in facts:
        if (kind == SIGNUP) == active:
            continue
        bucket = at_ms // bucket_ms
        if active and bucket > start:
            out.append((start, bucket, plan, mrr))
        start = bucket
        if kind == CANCEL:
            active, mrr = False, 0
        else:
            active, plan, mrr = True, new_plan, new_mrr
    if active and end > start:
        out.append((start, end, plan, mrr))
    return out


def active_at(steps: Iterable[Step], at_ms: int) -> bool:
    """Return whether the customer is active after all facts before an instant."""
    active = False
    for step in steps:
        if step.fact[0] >= at_ms:
            break
        active = step.fact[2] in ACTIVE_AFTER
    return active


def plan_at(steps: Iterable[Step], at_ms: int) -> int:
    """Return the plan after all facts before an instant; 0 before the first signup, the last one after a cancel."""
    plan = 0
    for step in steps:
        if step.fact[0] >= at_ms:
            break
        plan = step.next_plan
    return plan


def refresh(customer: Customer, steps: list[Step]) -> None:
    """Bring the cache of the timeline up to date; `steps` are the customer's."""
    customer.phase, customer.plan, customer.mrr, customer.profile, customer.first_plan = NEVER, 0, 0, 0, 0
    customer.first_at = customer.last_at = -1
    customer.simple = len(steps) == 1
    if customer.facts:
        customer.last_at = life_of(customer)[-1][0]
    if steps:
        first, last = steps[0], steps[-1]
        customer.first_at, customer.first_plan, customer.profile = first.fact[0], first.next_plan, first.fact[6]
        customer.phase = ACTIVE if last.fact[2] in ACTIVE_AFTER else INACTIVE
        customer.plan, customer.mrr = last.next_plan, last.next_mrr
