"""A hundred thousand events of many customers, for tests in which things break while they flow.

Few features and many events: what nasty logs are for, `tests.logs` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2025, 1, 1, tzinfo=UTC)
AT = (datetime(2025, 7, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
PLANS = ("basic", "pro", "team")
DAY_SECONDS = 86_400


def crowd(random: Random, *, customers: int, first: int = 0) -> list[bytes]:
    """Return the events of customers, five or six each, roughly by time: a few late, one in fifty twice.

    Args:
        random: All chance.
        customers: How many (count).
        first: The number of the first one, by which it is named.
    """
    numbers = range(first, first + customers)
    timed = [event for number in numbers for event in _events_of(random, f"customer-{number}")]
    again = random.sample(timed, len(timed) // 50)
    timed = sorted(timed + again, key=lambda event: event[0] + random.random() * DAY_SECONDS)
    return [record for _, record in timed]


def _events_of(random: Random, customer: str) -> Iterator[tuple[float, bytes]]:
    since = random.random() * 300 * DAY_SECONDS
    price = {"plan": random.choice(PLANS), "mrr_minor": random.randrange(1_000, 9_000)}
    on_trial = {"trial": True} if random.random() < 0.3 else {}
    yield _event("signup", customer, since, **price, **on_trial, country=random.choice(("DE", "US", "BR")))
    for number in range(2):
        later = since + random.random() * 60 * DAY_SECONDS
        yield _event("survey", customer, later, number, kind="nps", score=random.randrange(11))
    changed = since + random.random() * 40 * DAY_SECONDS
    yield _event("upgrade", customer, changed, plan=random.choice(PLANS), mrr_minor=random.randrange(1_000, 20_000))
    ended = since + random.random() * 200 * DAY_SECONDS
    yield from random.choice((_leaves, _leaves, _switches, _pauses, _withdraws, _adds))(random, customer, ended)


def _leaves(random: Random, customer: str, at: float) -> Iterator[tuple[float, bytes]]:
    yield _event("cancel", customer, at, reason=random.choice(("bugs", "price", "Too expensive")))


def _switches(random: Random, customer: str, at: float) -> Iterator[tuple[float, bytes]]:
    """End the subscription, and begin another in the same instant."""
    yield _event("cancel", customer, at)
    price = {"amount_minor": random.randrange(100_000), "interval": "year"}
    yield _event("signup", customer, at, 1, plan=random.choice(PLANS), subscription_id="next", **price)


def _pauses(random: Random, customer: str, at: float) -> Iterator[tuple[float, bytes]]:
    yield _event("pause", customer, at)
    if random.random() < 0.5:
        yield _event("resume", customer, at + random.random() * 30 * DAY_SECONDS)


def _withdraws(random: Random, customer: str, at: float) -> Iterator[tuple[float, bytes]]:
    """Say that the subscription will end, and take it back, without a source."""
    effective = at + random.random() * 60 * DAY_SECONDS
    yield _event("cancel", customer, at, effective_at=_time(effective))
    yield _event("revoke", customer, at + random.random() * DAY_SECONDS, revokes="cancel-0")


def _adds(random: Random, customer: str, at: float) -> Iterator[tuple[float, bytes]]:
    yield _event("signup", customer, at, 1, plan="add-on", mrr_minor=random.randrange(1_000), subscription_id="more")


def _event(
    event_type: str, customer: str, seconds: float, number: int = 0, /, **members: object
) -> tuple[float, bytes]:
    common = {"id": f"{event_type}-{number}", "type": event_type, "customer_id": customer, "time": _time(seconds)}
    return seconds, json.dumps(common | members, separators=(",", ":")).encode()


def _time(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def crowd_of(events: int) -> list[bytes]:
    """Return about so many events, always the same."""
    return crowd(Random(events), customers=events // 5)
