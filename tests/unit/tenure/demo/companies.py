"""The demo's company for tests: a small one, the demo's own, and what they tell as the recount reads it."""

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import takewhile

from schemas.instants import DAY_MS
from tenure.demo.company.company import EVENT_TYPES, Arrival, Company, Flaws
from tenure.demo.company.delivery import FLAWLESS
from tests.recount.customers import Book, read
from tests.recount.decoding import decode
from tests.recount.events import Event
from tests.recount.options import Options
from tests.recount.records import Record
from tests.recount.refusals import RefusedError

START = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
#: What the demo's stream is set to, and no patience with events of the future.
OPTIONS = Options(dimensions=("industry", "company_size"), future_tolerance_ms=0)
LIFECYCLE = frozenset({"signup", "upgrade", "downgrade", "pause", "resume", "cancel", "revoke"})


def small_company(seed: int = 1, include: frozenset[str] = EVENT_TYPES, flaws: Flaws | None = None) -> Company:
    """Return a company that is small enough for a test."""
    if flaws is None:
        flaws = Flaws()
    return Company(seed, START, customers=150, history_days=120, founded_days=300, include=include, flaws=flaws)


def history(company: Company) -> Iterator[Arrival]:
    """Yield what arrives before the live start."""
    return takewhile(lambda arrival: arrival.arrived_at_ms < company.start_ms, company.events())


@cache
def demo_events() -> tuple[Arrival, ...]:
    """Return the demo's history and its first ten live days, with the defaults of the demo."""
    company = Company(7, START)
    end_ms = company.start_ms + 10 * DAY_MS
    return tuple(takewhile(lambda arrival: arrival.arrived_at_ms < end_ms, company.events()))


@cache
def flawless_events() -> tuple[Arrival, ...]:
    """Return the history of a company of the demo's size without any flaw: its lifecycle and its surveys."""
    return tuple(history(Company(5, START, include=LIFECYCLE | {"survey"}, flaws=FLAWLESS)))


@cache
def flawless_book() -> Book:
    """Return the customers that these make."""
    return book_of(flawless_events())


def as_records(arrivals: Iterable[Arrival]) -> list[Record]:
    """Return arrivals as records of a topic."""
    return [
        Record(value=arrival.value, topic="customer.events", key=arrival.key, timestamp_ms=arrival.arrived_at_ms)
        for arrival in arrivals
    ]


def book_of(arrivals: Iterable[Arrival]) -> Book:
    """Return the customers that arrivals make."""
    return read(as_records(arrivals), OPTIONS)


def readings(arrivals: Iterable[Arrival]) -> list[Event | RefusedError]:
    """Return what each arrival says, or why it is refused."""
    found: list[Event | RefusedError] = []
    for record in as_records(arrivals):
        try:
            found.append(decode(record, OPTIONS))
        except RefusedError as refused:
            found.append(refused)
    return found


@cache
def demo_readings() -> tuple[tuple[Arrival, Event | RefusedError], ...]:
    """Return the arrivals of the demo, each with what it says."""
    return tuple(zip(demo_events(), readings(demo_events()), strict=True))
