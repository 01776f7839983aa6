"""Staying after an answer: how long customers stay once they have said what they think, or have not answered.

Of one customer; the sums over all are `kpis.population.feedback_scan`.
Pure. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kpis.customer.facts import Feedback
from kpis.customer.feedback_codes import RENEWAL_BASE, SurveySaid, survey_of
from kpis.customer.history import effective_feedback
from kpis.customer.state import Customer
from kpis.customer.timeline import FORTNIGHT_MS, Standing
from kpis.population.stays import PastStays
from schemas.catalogue.feedback_bands import (
    DETRACTORS,
    NO_ANSWER,
    NPS,
    PASSIVES,
    PROMOTERS,
    SATISFIED,
    UNSATISFIED,
)

#: A survey that is not answered so long after it was sent counts as not answered (ms).
ANSWER_MS: Final = FORTNIGHT_MS
ANSWERED: Final = "answered"
_SENT: Final = "sent"


def band_of(said: SurveySaid) -> str:
    """Return the band of an answered survey."""
    if said.kind == NPS:
        return PROMOTERS if said.score >= 9 else PASSIVES if said.score >= 7 else DETRACTORS
    return SATISFIED if said.score >= 4 else UNSATISFIED


class Beginning(NamedTuple):
    """An instant at which a spell begins: of an answer, or of one that did not come (ms since 1970)."""

    at_ms: int
    band: str
    #: that is answered; None where none is
    answer: Feedback | None


class AnswerSpell(NamedTuple):
    """A customer's time in one band, from its beginning to the next one, the end of the stay, or T."""

    kind: str
    begun: Beginning
    #: whole days, and whether they ended with the customer's leaving
    days: int
    has_left: bool
    #: the customer at the beginning
    standing: Standing


def surveys_of(customer: Customer, until_ms: int) -> dict[str, list[tuple[Feedback, SurveySaid]]]:
    """Return the surveys before an instant by kind, earliest first, without revoked ones."""
    out: dict[str, list[tuple[Feedback, SurveySaid]]] = {}
    if not customer.feedback:
        return out
    for item in effective_feedback(customer):
        if item.at_ms < until_ms and item.code < RENEWAL_BASE:
            said = survey_of(item.code)
            out.setdefault(said.kind, []).append((item, said))
    return out


def beginnings_of(surveys: Sequence[tuple[Feedback, SurveySaid]], until_ms: int) -> list[Beginning]:
    """Return where spells of one kind would begin before an instant, in order, were the customer active then."""
    answers = [(item, said) for item, said in surveys if said.status == ANSWERED]
    found = [Beginning(item.at_ms, band_of(said), item) for item, said in answers]
    for item, said in surveys:
        due_ms = item.at_ms + ANSWER_MS
        if said.status == _SENT and due_ms < until_ms:
            is_answered = any(item.at_ms <= answer.at_ms < due_ms for answer, _ in answers)
            if not is_answered:
                found.append(Beginning(due_ms, NO_ANSWER, None))
    # Of one instant: what did not come, then the lower score.
    return sorted(found, key=lambda each: (each.at_ms, (-1, b"") if each.answer is None else each.answer[1:3]))


def spells_of(past: PastStays, kind: str, beginnings: Sequence[Beginning], until_ms: int) -> Iterator[AnswerSpell]:
    """Yield the spells of one kind, in order; `until_ms` is T."""
    begun = [(each, stay) for each in beginnings if (stay := past.stay_at(each.at_ms)) is not None]
    for place, (beginning, stay) in enumerate(begun):
        next_ms = begun[place + 1][0].at_ms if place + 1 < len(begun) else until_ms
        has_left = stay.end_ms < next_ms
        days = stay.days_from(beginning.at_ms, next_ms)
        yield AnswerSpell(kind, beginning, days, has_left, past.at(beginning.at_ms))


class Unasked(NamedTuple):
    """A stay, or its beginning, of a customer who had never been sent a survey of a kind."""

    kind: str
    days: int
    has_left: bool
    standing: Standing


def unasked_of(
    past: PastStays, kind: str, surveys: Sequence[tuple[Feedback, SurveySaid]], until_ms: int
) -> Iterator[Unasked]:
    """Yield the stays that begin before the first survey of a kind, up to it; `until_ms` is T."""
    first_ms = surveys[0][0].at_ms if surveys else until_ms
    for stay in past.stays:
        if stay.start_ms < first_ms:
            standing = past.at(stay.start_ms + 1)
            yield Unasked(kind, stay.days_from(stay.start_ms, first_ms), stay.end_ms < first_ms, standing)
