"""Texts of facts, in words and as plain values: for explanations.

Pure. The events' own ids are not in a state: whoever has the log looks them up at the reference.
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from kpis.customer.facts import CANCEL, CHANGE, SIGNUP, WORDS, Fact, Feedback
from kpis.customer.feedback_codes import RENEWAL_BASE, outcome_of, survey_of
from kpis.instants import instant_text
from kpis.members.view import Mention
from kpis.names import Names
from kpis.references import offset_of, topic_of

_FACT_LENGTH: Final = 9


class FactText(NamedTuple):
    """One event that made somebody a member, or kept them from being one."""

    #: as `signup 2026-10-03T10:00:00Z, plan pro, MRR 4900`
    text: str
    at_ms: int
    topic: str
    offset: int
    #: the hash that stands for source and id
    identity: bytes


def fact_text(mention: Mention, names: Names) -> FactText:
    """Return what a lifecycle fact, a survey or a renewal says.

    Args:
        mention: The fact, as the state holds it.
        names: The tables of its partition.
    """
    if len(mention) == _FACT_LENGTH:
        fact = cast("Fact", mention)
        reference, identity = fact[8], fact[3]
        text = _fact_text(fact, names)
    else:
        at_ms, code, identity, reason, reference = cast("Feedback", mention)
        text = _note_text(at_ms, code, names.reason_names[reason])
    return FactText(text, mention[0], names.topic_names[topic_of(reference)], offset_of(reference), identity)


def _fact_text(fact: Fact, names: Names) -> str:
    at_ms, _, kind, _, first, second, _, _, _ = fact
    said = f"{WORDS[kind]} {instant_text(at_ms)}"
    if kind in (SIGNUP, CHANGE):
        return f"{said}, plan {names.plan_names[first]}, MRR {second}"
    if kind == CANCEL:
        return f"{said}, reason {names.reason_names[first]}{', involuntary' if second else ''}"
    return said


def _note_text(at_ms: int, code: int, reason: str) -> str:
    if code >= RENEWAL_BASE:
        return f"renewal {instant_text(at_ms)}, {outcome_of(code)}"
    kind, status, score, way = survey_of(code)
    parts = [f"{kind} survey {instant_text(at_ms)}", status]
    if score >= 0:
        parts.append(f"score {score}")
    if reason:
        parts.append(f"reason {reason}")
    return ", ".join((*parts, f"via {way}"))
