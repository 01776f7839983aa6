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


def crowd(random: Random, *, customers: int) -> list[bytes]:
    """Return the events of customers, five each, roughly by time: a few late, one in fifty twice."""
    timed = [event for number in range(customers) for event in _events_of(random, f"customer-{number}")]
    again = random.sample(timed, len(timed) // 50)
    day = timedelta(days=1).total_seconds()
    timed = sorted(timed + again, key=lambda event: event[0] + random.random() * day)
    return [record for _, record in timed]


def _events_of(random: Random, customer: str) -> Iterator[tuple[float, bytes]]:
    since = random.random() * 300 * 86_400
    plan, mrr_minor = random.choice(PLANS), random.randrange(1_000, 9_000)
    yield _event("signup", customer, since, plan=plan, mrr_minor=mrr_minor, country=random.choice(("DE", "US", "BR")))
    for number in range(2):
        later = since + random.random() * 60 * 86_400
        yield _event("survey", customer, later, number, kind="nps", score=random.randrange(11))
    changed = since + random.random() * 40 * 86_400
    yield _event("upgrade", customer, changed, plan=random.choice(PLANS), mrr_minor=random.randrange(1_000, 20_000))
    yield _event("cancel", customer, since + random.random() * 200 * 86_400, reason=random.choice(("bugs", "price")))


def _event(kind: str, customer: str, seconds: float, number: int = 0, /, **members: object) -> tuple[float, bytes]:
    time = (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    common = {"id": f"{kind}-{number}", "type": kind, "customer_id": customer, "time": time}
    return seconds, json.dumps(common | members, separators=(",", ":")).encode()


def crowd_of(events: int) -> list[bytes]:
    """Return about so many events, always the same."""
    return crowd(Random(events), customers=events // 5)
