"""One customer's timeline, subscriptions, movements and contributions: makes the document of `tenure customer --json`.

Contributions are those of `tenure explain`: by the definitions, and not by the counters. What is printed:
`schemas.documents.customer`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kpis.customer.customer import activity_of, feedback_of, life_of
from kpis.customer.facts import CANCEL, REVOKE, WORDS
from kpis.customer.features import feature_of
from kpis.customer.feedback_codes import RENEWAL_BASE
from kpis.customer.movements import Movement, leaving_of, movements_of
from kpis.customer.pseudonyms import ForgottenCustomer, is_pseudonym
from kpis.customer.state import Customer, decode
from kpis.customer.touchpoints import stored_touchpoints
from kpis.instants import instant_text
from kpis.members.effects import effect_text, kinds_of_movement, why_not_counting
from kpis.members.fact_texts import FactText, fact_text
from kpis.members.rules import MEMBERSHIPS
from kpis.members.view import Mention, View, Window, all_time
from kpis.names import PLAN, Names
from schemas.documents.customer import (
    CustomerActivity,
    CustomerContribution,
    CustomerMovement,
    CustomerSubscription,
    CustomerTimeline,
    FactStatus,
    TimelineEntry,
)
from streams.errors import CheckFailed, LogUnavailable
from streams.forgetting.forgotten import forget_key_of
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, Source, lacking, open_source
from tenure.reports.event_lookup import Place, look_up
from tenure.reports.explain import EXPLAINABLE, Looked, explained_event, window_until
from tenure.stored.customers import StoredCustomer, read_customer
from tenure.stored.forgotten import known_forgotten

_SURVEY: Final = "survey"
_RENEWAL: Final = "renewal"


class _Entry(NamedTuple):
    """An event of the timeline, before its id is looked up."""

    at_ms: int
    kind: str
    status: FactStatus
    did: str
    text: FactText


async def read_customer_timeline(
    settings: Settings, customer_id: str, scope: Scope, windows: Sequence[str]
) -> CustomerTimeline:
    """Return what there is to know of a customer.

    Args:
        settings: Of the stream: where its Redis and its Kafka are, and what its numbers mean.
        customer_id: Who, byte by byte.
        scope: Of which stream or file, as of when.
        windows: Names of the windows whose counts are wanted.

    Raises:
        CheckFailed: There is no such customer.
        TenureError: As `tenure.reports.customers.open_source`.
    """
    async with open_source(settings, scope) as source:
        found = await _found(source, customer_id)
        names, customer = found.names, decode(found.state)
        bucket_ms = settings.bucket_minutes * 60_000
        view = View(customer, Window(0, source.at_ms, bucket_ms), settings.what_counts)
        entries = sorted(_entries(view, names), key=lambda each: each.at_ms)  # of one instant in the timeline's order
        wanted = {
            Place(each.text.topic, each.text.partition_or(found.partition), each.text.offset): (
                customer_id,
                each.text.identity,
            )
            for each in entries
        }
        known = Looked(source.place, await look_up(settings, source.log, wanted))
    now, movements = view.end, movements_of(view.steps, bucket_ms)
    views = {name: View(customer, window_until(settings, name, source.at_ms), settings.what_counts) for name in windows}
    document = CustomerTimeline(
        customer_id=customer_id,
        partition=found.partition,
        as_of=instant_text(source.at_ms),
        currency=settings.default_currency,
        active=now.active,
        mrr=now.mrr,
        plan=names.plan_names[now.plan],
        segments={each: names.value_of(each, customer.profile) for each in names.dimensions if each != PLAN},
        subscriptions=_subscriptions(view, names),
        timeline=[_document(each, found.partition, known) for each in entries],
        movements=[_movement(each, names, bucket_ms) for each in movements if _is_told(each, view)],
        activity=_activity(customer, names, view.window),
        totals=_contributions(view, kind="stock"),
        windows={name: _contributions(each, kind="window") for name, each in views.items()},
    )
    return lacking(document, source)


async def _found(source: Source, customer_id: str) -> StoredCustomer:
    found = None
    if not is_pseudonym(customer_id):
        found = await read_customer(source.settings, source.tables, source.partitions, customer_id)
    if found is not None:
        return found
    who = await _forgotten(source, customer_id)
    if who is not None:
        raise CheckFailed(f"customer {customer_id!r} is forgotten, as of {instant_text(who.at_ms)}; nothing is told")
    for other in (customer_id.strip(), customer_id.lower(), customer_id.upper(), customer_id.strip().casefold()):
        if other != customer_id and await read_customer(source.settings, source.tables, source.partitions, other):
            raise CheckFailed(f"there is no customer {customer_id!r}; did you mean {other!r}?")
    raise CheckFailed(
        f"there is no customer {customer_id!r}: no event of theirs was applied; ids are compared letter by letter, and "
        "`tenure dlq list` has what was refused"
    )


async def _forgotten(source: Source, customer_id: str) -> ForgottenCustomer | None:
    """Return a customer who is forgotten, as far as we have the key, and Kafka tells us."""
    if source.log is not None or forget_key_of(source.settings) is None:
        return None
    with contextlib.suppress(LogUnavailable):
        async with known_forgotten(source.settings) as forgotten:
            return forgotten.find(customer_id)
    return None


# ------------------------------------------------------------------------- events


def _entries(view: View, names: Names) -> Iterator[_Entry]:
    end_ms, customer = view.window.end_ms, view.customer
    revoked = customer.rare.revoked() if customer.rare is not None else frozenset()
    for step in view.steps:
        status: FactStatus = "later" if step.fact.at_ms >= end_ms else "effect" if step.has_effect else "no_effect"
        did = effect_text(view, step, names)
        yield _Entry(step.fact.at_ms, WORDS[step.fact.KIND], status, did, fact_text(step.fact, names))
    for fact in life_of(customer):
        if fact.identity in revoked:
            yield _Entry(fact.at_ms, WORDS[fact.KIND], "revoked", _taken_back(customer, fact), fact_text(fact, names))
    for item in feedback_of(customer):
        kind = _RENEWAL if item.code >= RENEWAL_BASE else _SURVEY
        if item.identity in revoked:
            yield _Entry(item.at_ms, kind, "revoked", _taken_back(customer, item), fact_text(item, names))
            continue
        plan = names.plan_names[view.plan_of_feedback(item)]
        status = "later" if item.at_ms >= end_ms else "effect"
        yield _Entry(item.at_ms, kind, status, f"counts, with plan {plan} at the time", fact_text(item, names))
    for touched in stored_touchpoints(customer):
        kind = WORDS[touched.KIND]
        if touched.identity in revoked:
            yield _Entry(touched.at_ms, kind, "revoked", _taken_back(customer, touched), fact_text(touched, names))
            continue
        status = "later" if touched.at_ms >= end_ms else "effect"
        yield _Entry(touched.at_ms, kind, status, "kept; it changes no count", fact_text(touched, names))
    missed = {
        each.identity for each in View(customer, all_time(view.window.bucket_ms), view.what).revocations_without_effect
    }
    for each in () if customer.rare is None else customer.rare.revocations:
        hits = each.identity not in missed
        nothing = f"without effect: no event of its source has the id {each.revokes}"
        did = f"takes {each.revokes} back" if hits else nothing
        status = "later" if each.at_ms >= end_ms else "effect" if hits else "no_effect"
        yield _Entry(each.at_ms, WORDS[REVOKE], status, did, fact_text(each, names))


def _taken_back(customer: Customer, mention: Mention) -> str:
    assert customer.rare is not None, "what is revoked was revoked by something"
    revokes = [each for each in customer.rare.revocations if mention.identity in each.targets]
    return f"never counts: taken back by the revoke of {instant_text(revokes[0].at_ms)}"


def _document(entry: _Entry, partition: int, known: Looked) -> TimelineEntry:
    return TimelineEntry(
        at=instant_text(entry.at_ms),
        kind=entry.kind,
        status=entry.status,
        did=entry.did,
        event=explained_event(entry.text, partition, known),
    )


# ------------------------------------------------------------------------- what they come to


def _subscriptions(view: View, names: Names) -> list[CustomerSubscription]:
    steps = [step for step in view.steps if step.fact.at_ms < view.window.end_ms]
    found = []
    for name in sorted({step.fact.subscription for step in steps if step.has_effect}):
        now = view.end.find(name)
        own = [step.fact for step in steps if step.has_effect and step.fact.subscription == name]
        ends = [fact.at_ms for fact in own if fact.KIND == CANCEL]
        found.append(
            CustomerSubscription(
                id=name,
                state="closed" if now is None else "paused" if now.is_paused else "open",
                counts=now is not None and now.counts,
                why_not="closed" if now is None else None if now.counts else why_not_counting(now, view.what),
                trial=now is not None and now.on_trial,
                plan=None if now is None else names.plan_names[now.plan],
                price=None if now is None else now.price,
                mrr=0 if now is None else now.mrr,
                open_since=None if now is None else instant_text(now.open_since),
                closed_at=instant_text(ends[-1]) if now is None else None,
            )
        )
    return found


def _is_told(movement: Movement, view: View) -> bool:
    """Tell whether a movement lies before T and is one: facts of a bucket may leave all as it was."""
    return movement.bucket * view.window.bucket_ms < view.window.end_ms and bool(kinds_of_movement(movement))


def _movement(movement: Movement, names: Names, bucket_ms: int) -> CustomerMovement:
    leaving = None if movement.departure is None else leaving_of(movement.departure)
    reason = None
    if leaving is not None:
        reason = leaving.slug if leaving.number is None else names.reason_names[leaving.number]
    return CustomerMovement(
        bucket=instant_text(movement.bucket * bucket_ms),
        kinds=kinds_of_movement(movement),
        mrr_before=movement.before.mrr,
        mrr_after=movement.after.mrr,
        plan_before=names.plan_names[movement.before.plan],
        plan_after=names.plan_names[movement.after.plan],
        reason=reason,
        involuntary=leaving is not None and leaving.is_involuntary,
    )


def _activity(customer: Customer, names: Names, window: Window) -> CustomerActivity:
    buckets = [each for each in activity_of(customer) if each * window.bucket_ms < window.end_ms]
    features = {names.feature_names[feature_of(letter)] for letter in customer.used + customer.recent}
    return CustomerActivity(
        buckets=len(buckets),
        first=instant_text(buckets[0] * window.bucket_ms) if buckets else None,
        last=instant_text(buckets[-1] * window.bucket_ms) if buckets else None,
        features=sorted(features - {""}),
        onboarded=[instant_text(at_ms) for at_ms in customer.onboarded if at_ms < window.end_ms],
    )


def _contributions(view: View, *, kind: str) -> list[CustomerContribution]:
    """Return the counts of a kind, "stock" or "window", that a customer is in; those that come to 0 are not there."""
    found = []
    for name, shares in MEMBERSHIPS.items():
        count = EXPLAINABLE[name]
        if count.kind != kind:
            continue
        memberships = list(shares(view))
        amount = sum(each.amount for each in memberships)
        if amount:
            rules = [view.window.rule_text(each.why) for each in memberships]
            found.append(
                CustomerContribution(count=name, amount=amount, unit=count.unit, rules=list(dict.fromkeys(rules)))
            )
    return found
