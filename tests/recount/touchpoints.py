"""What keeps customers: exposures, tickets, referrals, frequency of use, sleepers, and churn about marks.

Definitions: section 7; docs/experiments.md, docs/support.md, docs/usage.md and docs/marks.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from tests.recount.customers import Book, Customer
from tests.recount.events import Event
from tests.recount.feedback import spans_of
from tests.recount.instants import DAY_MS, instant_ms
from tests.recount.lifetime import Episode
from tests.recount.timelines import Timeline

MINUTE_MS = 60_000
DAYS_OF_USE = 30


def stay_from(timeline: Timeline, begun_ms: int, until_ms: int) -> Episode | None:
    """Return the stay from an instant on, cut off at another one; None of who is not active at the first."""
    if not timeline.state_at(begun_ms).active:
        return None
    (span,) = (each for each in spans_of(timeline, 1 << 59) if each.start_ms < begun_ms <= each.end_ms)
    if span.end_ms < until_ms:
        return Episode((span.end_ms - begun_ms) // DAY_MS, ended=True)
    return Episode((until_ms - begun_ms) // DAY_MS, ended=False)


# ------------------------------------------------------------------------- measures


class Exposed(NamedTuple):
    """Those who saw a variant first: their stays from there on, and how many were not active."""

    stays: list[Episode]
    not_active: int


def exposures(book: Book, at: datetime) -> dict[tuple[str, str], Exposed]:
    """Return by measure and variant who saw it first before T."""
    at_ms = instant_ms(at)
    found: dict[tuple[str, str], list[Episode | None]] = defaultdict(list)
    for customer in book.customers.values():
        seen: dict[str, Event] = {}
        for event in customer.touchpoints:
            if event.kind == "exposure" and event.at_ms < at_ms and event.measure not in seen:
                seen[event.measure] = event
        for event in seen.values():
            found[event.measure, event.variant].append(stay_from(customer.timeline, event.at_ms, at_ms))
    return {
        key: Exposed([each for each in stays if each is not None], stays.count(None)) for key, stays in found.items()
    }


# ------------------------------------------------------------------------- tickets


class Tickets(NamedTuple):
    """Waits in whole minutes, and stays after the opening of any ticket."""

    answers: list[Episode]
    solutions: list[Episode]
    stays: list[Episode]


def tickets(book: Book, at: datetime, start_ms: int) -> Tickets:
    """Return tickets as of T: waits of those that were opened from an instant on."""
    at_ms, found = instant_ms(at), Tickets([], [], [])
    for customer in book.customers.values():
        opened = sorted(_openings(customer, at_ms))
        for opened_ms, answered_ms, solved_ms in opened:
            if opened_ms >= start_ms:
                found.answers.append(_wait(opened_ms, answered_ms, at_ms))
                found.solutions.append(_wait(opened_ms, solved_ms, at_ms))
        timeline = customer.timeline
        begun = [each for each, _, _ in opened if timeline.state_at(each).active]
        for begun_ms, until_ms in pairwise([*begun, at_ms]):
            stay = stay_from(timeline, begun_ms, until_ms)
            assert stay is not None, "who is not active was left out"
            found.stays.append(stay)
    return found


def _openings(customer: Customer, at_ms: int) -> Iterator[tuple[int, int, int]]:
    """Yield of each ticket when it was opened, answered and solved; far in the future where it was not."""
    never_ms = 1 << 60
    known = [event for event in customer.touchpoints if event.kind == "support" and event.at_ms < at_ms]
    for ticket in {event.ticket for event in known}:
        mine = [(event.at_ms, event.status) for event in known if event.ticket == ticket]
        opened = [each for each, status in mine if status == "opened"]
        if opened:
            later = [(each, status) for each, status in mine if each >= min(opened) and status != "opened"]
            solved = [each for each, status in later if status == "solved"]
            yield min(opened), min((each for each, _ in later), default=never_ms), min(solved, default=never_ms)


def _wait(opened_ms: int, ended_ms: int, at_ms: int) -> Episode:
    return Episode((min(ended_ms, at_ms) - opened_ms) // MINUTE_MS, ended=ended_ms < at_ms)


# ------------------------------------------------------------------------- referrals


class Brought(NamedTuple):
    """Who brought others, who was brought, and first stays of those and of the rest."""

    referrers: int
    referred: int
    brought: list[Episode]
    others: list[Episode]


def referrals(book: Book, at: datetime) -> Brought:
    """Return referrals as of T."""
    at_ms = instant_ms(at)
    by_referrer = {
        customer.id: {event.referred for event in customer.touchpoints if _is_referral(event, at_ms)}
        for customer in book.customers.values()
    }
    referred = set().union(*by_referrer.values())
    found = Brought(sum(bool(each) for each in by_referrer.values()), len(referred), [], [])
    for customer in book.customers.values():
        spans = spans_of(customer.timeline, at_ms)
        if spans:
            ended = spans[0].end_ms < at_ms
            days = (min(spans[0].end_ms, at_ms) - spans[0].start_ms) // DAY_MS
            (found.brought if customer.id in referred else found.others).append(Episode(days, ended))
    return found


def _is_referral(event: Event, at_ms: int) -> bool:
    return event.kind == "referral" and event.at_ms < at_ms


# ------------------------------------------------------------------------- use


def days_of_use(book: Book, at: datetime) -> Counter[int]:
    """Return active customers by on how many of the 30 days before T there was activity."""
    at_ms, found = instant_ms(at), Counter[int]()
    bucket_ms = book.options.bucket_ms
    for customer in book.customers.values():
        if customer.timeline.state_at(at_ms).active:
            ages = {(at_ms - 1 - each // bucket_ms * bucket_ms) // DAY_MS for each, _ in customer.activities}
            found[len([age for age in ages if 0 <= age < DAYS_OF_USE])] += 1
    return found


def sleepers(book: Book, at: datetime, days: int) -> tuple[Counter[str], Counter[str]]:
    """Return dormant and resurrected customers by plan at T, over two windows of so many days."""
    at_ms, span_ms = instant_ms(at), days * DAY_MS
    dormant, resurrected = Counter[str](), Counter[str]()
    for customer in book.customers.values():
        now = customer.timeline.state_at(at_ms)
        signs = customer.signs_of_life_ms()
        lately = any(at_ms - span_ms <= each < at_ms for each in signs)
        before = any(at_ms - 2 * span_ms <= each < at_ms - span_ms for each in signs)
        if now.active and before and not lately:
            dormant[now.plan] += 1
        if now.active and lately and not before and customer.timeline.state_at(at_ms - 2 * span_ms).active:
            resurrected[now.plan] += 1
    return dormant, resurrected


# ------------------------------------------------------------------------- marks


def churn(book: Book, start_ms: int, end_ms: int) -> tuple[int, int]:
    """Return customers who are active at the start of a span, and those of them who are not at its end."""
    there = [each.timeline for each in book.customers.values() if each.timeline.state_at(start_ms).active]
    return len(there), sum(not timeline.state_at(end_ms).active for timeline in there)
