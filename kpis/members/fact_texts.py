"""Texts of facts, in words and as plain values: for explanations.

Pure. The events' own ids are not in a state: whoever has the log looks them up at the reference.
"""

from __future__ import annotations

from typing import NamedTuple

from kpis.customer.facts import REVOKE, WORDS, CancelFact, Fact, Feedback, PricedFact, Revocation
from kpis.customer.feedback_codes import RENEWAL_BASE, outcome_of, survey_of
from kpis.customer.touchpoints import ContactFact, ExposureFact, RatingFact, SupportFact, Touchpoint
from kpis.instants import instant_text
from kpis.members.view import Mention
from kpis.names import Names
from kpis.references import offset_of, partition_of, topic_of


class FactText(NamedTuple):
    """One event that made somebody a member, or kept them from being one."""

    #: as `signup of sub-7 2026-10-03T10:00:00Z, plan pro, MRR 4900`
    text: str
    at_ms: int
    topic: str
    offset: int
    #: the hash that stands for source and id
    identity: bytes
    #: where its record lies; None where that is the partition of the customer
    partition: int | None = None

    def partition_or(self, own: int) -> int:
        """Return the partition of its record, by that of its customer."""
        return own if self.partition is None else self.partition


def fact_text(mention: Mention, names: Names) -> FactText:
    """Return what a fact of the timeline, a survey, a renewal, a touchpoint or a revocation says.

    Args:
        mention: The fact, as the state holds it.
        names: The tables of its partition.
    """
    if isinstance(mention, Feedback):
        text = _note_text(mention, names.reason_names[mention.reason])
    elif isinstance(mention, Revocation):
        text = f"{WORDS[REVOKE]} {instant_text(mention.at_ms)}, of {mention.revokes}"
    elif isinstance(mention, Touchpoint):
        text = _touchpoint_text(mention)
    else:
        text = _life_text(mention, names)
    reference = mention.reference
    topic = names.topic_names[topic_of(reference)]
    return FactText(text, mention.at_ms, topic, offset_of(reference), mention.identity, partition_of(reference))


def subscription_text(subscription: str) -> str:
    """Return how rules name a subscription; one whose id is empty has no name."""
    return f"subscription {subscription}" if subscription else "a subscription"


def _life_text(fact: Fact, names: Names) -> str:
    of = f" of {fact.subscription}" if fact.subscription else ""
    parts = [f"{WORDS[fact.KIND]}{of} {instant_text(fact.at_ms)}"]
    if isinstance(fact, PricedFact):
        parts += [f"plan {names.plan_names[fact.plan]}", f"MRR {fact.mrr}"]
        if fact.trial:
            parts.append("on trial")
    elif isinstance(fact, CancelFact):
        parts.append(f"reason {names.reason_names[fact.reason]}")
        if fact.involuntary:
            parts.append("involuntary")
    return ", ".join(parts)


def _touchpoint_text(fact: Touchpoint) -> str:
    parts = [f"{WORDS[fact.KIND]} {instant_text(fact.at_ms)}"]
    if isinstance(fact, ContactFact):
        parts += [f"about {fact.about}"] if fact.about else []
    elif isinstance(fact, SupportFact):
        parts += [f"ticket {fact.ticket}", fact.status]
    elif isinstance(fact, ExposureFact):
        parts += [f"measure {fact.measure}", f"variant {fact.variant}"]
    elif isinstance(fact, RatingFact):
        parts = [f"{fact.kind} {parts[0]}", *_answer_parts(fact.status, fact.score, fact.reason, fact.via)]
        parts += ["with an incentive"] if fact.incentive else []
    return ", ".join(parts)


def _note_text(item: Feedback, reason: str) -> str:
    if item.code >= RENEWAL_BASE:
        return f"renewal {instant_text(item.at_ms)}, {outcome_of(item.code)}"
    kind, status, score, way = survey_of(item.code)
    return ", ".join((f"{kind} survey {instant_text(item.at_ms)}", *_answer_parts(status, score, reason, way)))


def _answer_parts(status: str, score: int, reason: str, way: str) -> list[str]:
    parts = [status]
    if score >= 0:
        parts.append(f"score {score}")
    if reason:
        parts.append(f"reason {reason}")
    return [*parts, f"via {way}"]
