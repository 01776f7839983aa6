"""From the state of one customer to rows of the relations: what SQL and exports show of them.

Pure: who reads the states is `tenure.outlets`. The columns and their meaning: `schemas.relations`. Nothing here knows
rows or cells of the counters, so that counts by SQL are a second opinion on them.
Definitions: docs/definitions.md, section "Subscriptions and customers".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from kpis.customer.customer import activity_of
from kpis.customer.facts import SignupFact
from kpis.customer.feedback_codes import RENEWAL_BASE, outcome_of, survey_of
from kpis.customer.history import effective_feedback
from kpis.customer.movements import Movement, leaving_of, movements_of
from kpis.customer.pseudonyms import is_pseudonym
from kpis.customer.state import Customer
from kpis.customer.timeline import Standing, Step, first_trial, is_active_within, standing_at
from kpis.customer.what_counts import WhatCounts
from kpis.members.effects import CANCELLATION, kinds_of_movement
from kpis.members.view import View, Window
from kpis.names import PLAN, Names
from schemas.relations import CUSTOMERS, HISTORY, MOVEMENTS, RENEWALS, SUBSCRIPTIONS, SURVEYS, RelationRow


class RecordsScope(NamedTuple):
    """The instant that rows are as of, and what numbers mean.

    Attributes:
        at_ms: T (ms since 1970), a boundary of buckets.
        bucket_ms: Length of a bucket (ms).
        what: What counts.
    """

    at_ms: int
    bucket_ms: int
    what: WhatCounts


class CustomerRecords(NamedTuple):
    """The rows of one customer, by relation; and from when on they differ though nothing arrives (ms; None: never)."""

    rows: dict[str, list[RelationRow]]
    due_ms: int | None


class Subject(NamedTuple):
    """A customer whose rows are made."""

    customer_id: str
    partition: int
    names: Names
    view: View
    #: facts before T, with what they did
    steps: Sequence[Step]
    #: the value in every dimension but plan
    segments: tuple[str, ...]

    @property
    def at_ms(self) -> int:
        """T (ms since 1970)."""
        return self.view.window.end_ms

    def plan(self, number: int) -> str:
        """Return the name of a plan."""
        return self.names.plan_names[number]


def records_of(
    customer_id: str,
    customer: Customer,
    partition: int,
    names: Names,
    scope: RecordsScope,
    relations: Collection[str],
) -> CustomerRecords:
    """Return the rows of a customer; none where nothing of theirs happened before T.

    Args:
        customer_id: Who.
        customer: Their state.
        partition: Where they lie.
        names: What the numbers in the state stand for.
        scope: As of when.
        relations: Names of the relations that are wanted.
    """
    view = View(customer, Window(0, scope.at_ms, scope.bucket_ms), scope.what)
    steps = [step for step in view.steps if step.fact.at_ms < scope.at_ms]
    segments = tuple(names.profile_names[customer.profile])
    subject = Subject(customer_id, partition, names, view, steps, segments)
    later = _instants_from(view, scope.at_ms)
    has_begun = bool(steps or view.feedback) or any(
        bucket * scope.bucket_ms < scope.at_ms for bucket in activity_of(customer)[:1]
    )
    if not has_begun and not any(at_ms < scope.at_ms for at_ms in customer.onboarded):
        return CustomerRecords({}, min(later, default=None))
    rows = {name: list(make(subject)) for name, make in _MAKERS.items() if name in relations}
    return CustomerRecords(rows, min(later, default=None))


def _instants_from(view: View, at_ms: int) -> list[int]:
    """Return the instants, from T on, at which something lies that rows will show."""
    customer, bucket_ms = view.customer, view.window.bucket_ms
    found = [step.fact.at_ms for step in view.steps if step.fact.at_ms >= at_ms]
    if customer.feedback_at >= at_ms:
        found += [item.at_ms for item in effective_feedback(customer) if item.at_ms >= at_ms]
    if customer.active_bucket * bucket_ms >= at_ms:
        found += [bucket * bucket_ms for bucket in activity_of(customer) if bucket * bucket_ms >= at_ms]
    return found + [each for each in customer.onboarded if each >= at_ms]


# ------------------------------------------------------------------------- where they stand


def _customers(subject: Subject) -> Iterator[RelationRow]:
    view, customer, at_ms = subject.view, subject.view.customer, subject.at_ms
    now = standing_at(subject.steps, at_ms)
    first = view.first if view.first is not None and view.first.at_ms < at_ms else None
    trial = first_trial(subject.steps)
    if trial is not None and is_active_within(subject.steps, 0, trial.at_ms):
        trial = None
    active_first = next((step.fact.at_ms for step in subject.steps if step.after.active), None)
    left = _left(subject, now)
    buckets = [each for each in activity_of(customer) if each * view.window.bucket_ms < at_ms]
    yield (
        subject.customer_id,
        subject.partition,
        is_pseudonym(subject.customer_id),
        now.active,
        now.is_open,
        now.is_paused,
        subject.plan(now.plan),
        *subject.segments,
        now.mrr,
        len(now.counting),
        None if first is None else first.at_ms,
        None if first is None else subject.plan(first.plan),
        None if trial is None else trial.at_ms,
        None if trial is None else subject.plan(trial.plan),
        active_first,
        None if left is None else left.fact.at_ms,
        None if left is None else _reason(left, subject.names),
        buckets[-1] * view.window.bucket_ms if buckets else None,
        len(buckets),
        _onboarded(subject, first),
    )


def _onboarded(subject: Subject, first: SignupFact | None) -> int | None:
    """Return the first completion since the first signup; where there is none, the first."""
    known = sorted(each for each in subject.view.customer.onboarded if each < subject.at_ms)
    since = [each for each in known if first is not None and each >= first.at_ms]
    return next(iter(since or known), None)


def _left(subject: Subject, now: Standing) -> Step | None:
    """Return the fact that made a customer inactive who was active before and is not now."""
    if now.active:
        return None
    return next((step for step in reversed(subject.steps) if step.before.active and not step.after.active), None)


def _reason(departure: Step, names: Names) -> str:
    leaving = leaving_of(departure)
    return leaving.slug if leaving.number is None else names.reason_names[leaving.number]


def _subscriptions(subject: Subject) -> Iterator[RelationRow]:
    """Yield each subscription as of T; one that was closed as it was just before."""
    ended: dict[str, tuple[Step, int]] = {}
    for step in subject.steps:
        if not step.has_effect:
            continue
        name = step.fact.subscription
        if step.after.find(name) is None:
            ended[name] = (step, step.fact.at_ms)
        else:
            ended.pop(name, None)
    now = standing_at(subject.steps, subject.at_ms)
    for each in now.subscriptions:
        state = "paused" if each.is_paused else "open"
        yield (
            subject.customer_id, each.id, state, each.counts, each.on_trial, subject.plan(each.plan),
            *subject.segments, each.price, each.mrr, each.open_since, None,
        )  # fmt: skip
    for name, (step, closed_ms) in sorted(ended.items()):
        last = step.before.find(name)
        assert last is not None, "what is closed was open"
        yield (
            subject.customer_id, name, "closed", False, False, subject.plan(last.plan),
            *subject.segments, last.price, 0, last.open_since, closed_ms,
        )  # fmt: skip


def _history(subject: Subject) -> Iterator[RelationRow]:
    begun_ms, shown = 0, None
    for place, step in enumerate(subject.steps):
        if place + 1 < len(subject.steps) and subject.steps[place + 1].fact.at_ms == step.fact.at_ms:
            continue  # no instant lies between the two
        now = _shown(subject, step.after)
        if now == shown:
            continue
        if shown is not None:
            yield (subject.customer_id, begun_ms, step.fact.at_ms, *shown)
        begun_ms, shown = step.fact.at_ms, now
    if shown is not None:
        yield (subject.customer_id, begun_ms, None, *shown)


def _shown(subject: Subject, now: Standing) -> RelationRow:
    plan = subject.plan(now.plan)
    return (now.active, now.is_open, now.is_paused, plan, *subject.segments, now.mrr, len(now.counting))


# ------------------------------------------------------------------------- what happened


def _movements(subject: Subject) -> Iterator[RelationRow]:
    bucket_ms = subject.view.window.bucket_ms
    last = {step.fact.at_ms // bucket_ms: step.fact.at_ms for step in subject.steps if step.has_effect}
    for movement in movements_of(subject.steps, bucket_ms):
        parts = _parts(movement, last[movement.bucket])
        for place, (kind, at_ms, before, after) in enumerate(parts, 1):
            leaving = None if kind != CANCELLATION or movement.departure is None else movement.departure
            yield (
                subject.customer_id,
                movement.bucket * bucket_ms,
                place,
                kind,
                at_ms,
                subject.plan(before.plan),
                subject.plan(after.plan),
                *subject.segments,
                before.mrr,
                after.mrr,
                after.mrr - before.mrr,
                None if leaving is None else _reason(leaving, subject.names),
                leaving is not None and leaving_of(leaving).is_involuntary,
            )


def _parts(movement: Movement, last_ms: int) -> list[tuple[str, int, Standing, Standing]]:
    """Return (kind, event time, before, after) of what a bucket's facts come to."""
    kinds, found = kinds_of_movement(movement), list[tuple[str, int, Standing, Standing]]()
    before = movement.before
    for kind in kinds:
        if kind == CANCELLATION:
            assert movement.departure is not None, "a cancellation has its fact"
            departed = movement.departed
            found.append((kind, movement.departure.fact.at_ms, departed, movement.after))
        elif movement.arrival is not None:
            found.append((kind, movement.arrival.fact.at_ms, before, movement.arrived))
        else:
            found.append((kind, last_ms, before, movement.after))
    return found


def _surveys(subject: Subject) -> Iterator[RelationRow]:
    for item in subject.view.feedback:
        if item.code < RENEWAL_BASE:
            said = survey_of(item.code)
            yield (
                subject.customer_id, item.identity.hex(), item.at_ms, said.kind, said.status, said.way,
                None if said.score < 0 else said.score, subject.names.reason_names[item.reason] or None,
                subject.plan(subject.view.plan_of_feedback(item)), *subject.segments,
            )  # fmt: skip


def _renewals(subject: Subject) -> Iterator[RelationRow]:
    for item in subject.view.feedback:
        if item.code >= RENEWAL_BASE:
            yield (
                subject.customer_id, item.identity.hex(), item.at_ms, outcome_of(item.code),
                subject.plan(subject.view.plan_of_feedback(item)), *subject.segments,
            )  # fmt: skip


_MAKERS: Final[Mapping[str, Callable[[Subject], Iterator[RelationRow]]]] = {
    CUSTOMERS.name: _customers,
    SUBSCRIPTIONS.name: _subscriptions,
    HISTORY.name: _history,
    MOVEMENTS.name: _movements,
    SURVEYS.name: _surveys,
    RENEWALS.name: _renewals,
}


def segment_dimensions(names: Names) -> tuple[str, ...]:
    """Return the dimensions whose values stand in rows beside the plan, in their order."""
    return tuple(each for each in names.dimensions if each != PLAN)
