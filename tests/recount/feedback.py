"""Staying after an answer: spells by band, as whole days that ended with the customer's leaving or did not.

Definitions: section 7, staying after an answer.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from tests.recount.customers import Book, Customer
from tests.recount.events import Event
from tests.recount.instants import DAY_MS, instant_ms
from tests.recount.lifetime import Episode
from tests.recount.timelines import Timeline

ANSWER_MS = 14 * DAY_MS
FOREVER_MS = 1 << 60


class Span(NamedTuple):
    """A stay: the event times between which it lies (milliseconds since 1970)."""

    start_ms: int
    end_ms: int


def spells(book: Book, at: datetime) -> dict[tuple[str, str], list[Episode]]:
    """Return the spells of all customers as of T by kind and band; as episodes, which they are alike."""
    found: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    for customer in book.customers.values():
        for kind in ("nps", "csat"):
            for band, episode in _spells(customer, kind, instant_ms(at)):
                found[kind, band].append(episode)
    return dict(found)


def spans_of(timeline: Timeline, at_ms: int) -> list[Span]:
    """Return the stays as of T; one that goes on has no end."""
    out: list[Span] = []
    for movement in timeline.movements:
        if movement.bucket_start_ms < at_ms:
            if movement.name in {"new", "reactivation"}:
                out.append(Span(movement.fact_ms, FOREVER_MS))
            if movement.name == "cancellation":
                out[-1] = Span(out[-1].start_ms, movement.fact_ms)
    return out


def _spells(customer: Customer, kind: str, at_ms: int) -> Iterator[tuple[str, Episode]]:
    surveys = sorted(
        (event for event, _ in customer.surveys if event.survey_kind == kind and event.at_ms < at_ms),
        key=lambda event: (event.at_ms, event.score),
    )
    beginnings = [(event.at_ms, event.score, band(event)) for event in surveys if event.status == "answered"]
    for event in surveys:
        due_ms = event.at_ms + ANSWER_MS
        answered = any(a.status == "answered" and event.at_ms <= a.at_ms < due_ms for a in surveys)
        if event.status == "sent" and due_ms < at_ms and not answered:
            beginnings.append((due_ms, -2, "no_answer"))
    beginnings = [each for each in sorted(beginnings) if customer.timeline.state_at(each[0]).active]
    spans = spans_of(customer.timeline, at_ms)
    for place, (begun_ms, _, name) in enumerate(beginnings):
        until_ms = beginnings[place + 1][0] if place + 1 < len(beginnings) else at_ms
        (span,) = (each for each in spans if each.start_ms < begun_ms <= each.end_ms)
        yield name, _episode(begun_ms, span.end_ms, until_ms)
    first_ms = surveys[0].at_ms if surveys else at_ms
    for span in spans:
        if span.start_ms < first_ms:
            yield "never_asked", _episode(span.start_ms, span.end_ms, first_ms)


def _episode(begun_ms: int, end_ms: int, until_ms: int) -> Episode:
    if end_ms < until_ms:
        return Episode((end_ms - begun_ms) // DAY_MS, ended=True)
    return Episode((until_ms - begun_ms) // DAY_MS, ended=False)


def band(answer: Event) -> str:
    """Return the band of an answered survey."""
    if answer.survey_kind == "csat":
        return "satisfied" if answer.score >= 4 else "unsatisfied"
    return "promoters" if answer.score >= 9 else "passives" if answer.score >= 7 else "detractors"
