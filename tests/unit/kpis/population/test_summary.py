"""A summary is that of the commands, however the customers come, and stays within what a dashboard can hold."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest

from kpis.customer.what_counts import BY_DEFAULT
from kpis.population import summary as module
from kpis.population.cohorts import MONTH, cohorts
from kpis.population.lifetime import durations, survival
from kpis.population.local_time import local_time
from kpis.population.summary import AGES, COHORTS, PopulationScan
from schemas.instants import milliseconds
from tests.property.any_order import Arrival
from tests.recount.options import Options
from tests.recount.short_events import Event, activity, cancel, signup
from tests.unit.kpis.stretches import stretches_of

AT_MS = milliseconds(datetime(2026, 4, 1, tzinfo=UTC))
ZONE = "Europe/Berlin"
HOUR_MS = 3_600_000


def some_lives(random: Random, customers: int = 300) -> list[Event]:
    """Return signups of three years, some cancels and some who come back."""
    events: list[Event] = []
    for n in range(customers):
        year, month, day = random.randint(2023, 2025), random.randint(1, 12), random.randint(1, 28)
        events.append(signup(f"c{n}", f"{year}-{month:02}-{day:02}"))
        if random.random() < 0.6:
            reason, involuntary = random.choice("xyz"), random.random() < 0.2
            month = random.randint(1, 4)
            events.append(cancel(f"c{n}", f"2026-{month:02}-{day:02}", reason=reason, involuntary=involuntary))
            if random.random() < 0.3:
                events.append(signup(f"c{n}", f"2026-05-{day:02}"))
    return events


@pytest.mark.parametrize("together", [1, 7, 10_000])
def test_a_summary_does_not_depend_on_how_customers_are_taken(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis names customers in any order and in slices of any size; sums of parts must be the whole."""
    monkeypatch.setattr(module, "_TOGETHER", together)
    events = some_lives(Random(4))
    stretches = stretches_of(events, time_zone=ZONE)
    folded = Arrival(events, Options(business_time_zone=ZONE), partitions=3).folded()
    slices = [
        (names, list(states.values())[at : at + 13])
        for names, states in zip(folded.names, folded.states, strict=True)
        for at in range(0, len(states), 13)
    ]
    Random(5).shuffle(slices)
    scan = PopulationScan(at_ms=AT_MS, clock=local_time(ZONE), bucket_ms=HOUR_MS, what=BY_DEFAULT)
    for names, states in slices:
        scan.take(names, states)
    found = scan.summary()
    table = cohorts(stretches, at_ms=AT_MS, clock=local_time(ZONE), period=MONTH)[""]
    assert len(table) > COHORTS
    assert list(found.cohorts) == table[-COHORTS:]
    assert found.lifetime == survival(durations(stretches, at_ms=AT_MS, bucket_ms=HOUR_MS)[""])
    cancels = [
        event for event in events if event["type"] == "cancel" and "2026-03-02" <= str(event["time"]) < "2026-04-01"
    ]
    counted = Counter(event["reason"] for event in cancels)
    lines = found.rankings["30d"].cancellations.lines
    assert {line.name: line.amount for line in lines} == counted
    assert sum(line.involuntary for line in lines) == sum(bool(event["involuntary"]) for event in cancels) > 0
    assert found.rankings["7d"].cancellations.total.amount < counted.total()
    assert max(len(cohort.matured) for cohort in found.cohorts) >= AGES - 1


def test_a_summary_says_who_is_on_the_way_out_or_back() -> None:
    """Operators watch them between two reports: the numbers are those of `tenure risk` and `tenure usage`."""
    events = [
        *(signup(name, "2025-01-05T00:00:00Z", mrr_minor=1000 * n) for n, name in enumerate("abcde", 1)),
        activity("a", "2026-02-10T00:00:00Z"),  # the 30 days before the last 30
        activity("b", "2026-03-20T00:00:00Z"),
        activity("c", "2026-02-10T00:00:00Z"),
        activity("c", "2026-03-28T00:00:00Z"),
        cancel("d", "2026-03-30T00:00:00Z", effective_at="2026-05-01T00:00:00Z"),
        cancel("e", "2026-03-30T00:00:00Z"),
    ]
    folded = Arrival(events, Options(business_time_zone=ZONE), partitions=3).folded()
    scan = PopulationScan(at_ms=AT_MS, clock=local_time(ZONE), bucket_ms=HOUR_MS, what=BY_DEFAULT)
    for names, states in zip(folded.names, folded.states, strict=True):
        scan.take(names, states.values())
    found = scan.summary()
    assert found.leaving == (1, 4000)
    assert {window: (each.dormant.total(), each.resurrected.total()) for window, each in found.sleepers.items()} == {
        "7d": (1, 1),  # b; c
        "30d": (1, 1),  # a; b
    }


def test_a_summary_of_nobody_has_no_numbers() -> None:
    """A stream that has just begun has no customers; none is not zero."""
    found = PopulationScan(at_ms=AT_MS, clock=local_time("UTC"), bucket_ms=HOUR_MS, what=BY_DEFAULT).summary()
    assert (found.at_ms, list(found.cohorts), found.lifetime.points) == (AT_MS, [], ())
