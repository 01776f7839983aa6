"""Measures: which of many are told by name, and that what is told of them does not depend on how many there are."""

from __future__ import annotations

from kpis.customer.state import decode
from kpis.population.experiments import ExperimentScan
from schemas.instants import DAY_MS
from tests.recount.short_events import Event, cancel, event, signup
from tests.unit.kpis.population.invented import folded_company
from tests.unit.tenure.reports.lives import day

FIRST_MS = 1_735_689_600_000


def exposure(customer: str, time: str, measure: str, variant: str) -> Event:
    """Return an exposure; an id of its own for each measure."""
    return event("exposure", customer, time, {"id": f"x-{measure}"}, measure=measure, variant=variant)


def scanned(events: list[Event], *, limit: int | None = None) -> ExperimentScan:
    """Return who saw what, a hundred days after the beginning of 2025."""
    folded = folded_company(events)
    at_ms = FIRST_MS + 100 * DAY_MS
    scan = ExperimentScan(at_ms=at_ms, bucket_ms=folded.windows.bucket_ms, what=folded.what, limit=limit)
    for state in folded.states[0].values():
        scan.take(folded.names[0], decode(state))
    return scan


def some_measures() -> list[Event]:
    """Return sixty customers: all saw `tour`, in five variants; some saw `old` before, and some `other` last."""
    events: list[Event] = []
    for n in range(60):
        who = f"c{n:02}"
        variant = ("control", "a", "a", "b", "c", "d")[n % 6]
        events += [signup(who, day(1)), exposure(who, day(20 + n / 10), "tour", variant)]
        if n % 3 == 0:
            events.append(exposure(who, day(10), "old", "x"))
        if n % 20 == 0:
            events.append(exposure(who, day(40), "other", "y"))
        if variant in ("a", "control") and n % 4 < 2:
            events.append(cancel(who, day(60 + n)))
    return [*events, signup("late", day(50)), exposure("late", day(2), "old", "x")]


def test_newest_measures_and_largest_variants_are_told_and_the_rest_is_counted() -> None:
    """A board has room for some; those that run now are looked at, and nobody vanishes."""
    scan = scanned(some_measures())
    few = scan.few(1, 2)
    assert list(few.measures) == ["tour"]
    tour = few.measures["tour"]
    assert (tour.control, list(tour.variants), list(tour.comparisons)) == ("control", ["a", "b", "control"], ["a", "b"])
    assert tour.newest_ms == FIRST_MS + int(25.9 * DAY_MS)
    others = few.others
    assert (others.customers, others.not_active) == (20 + 20 + 1 + 3, 1)
    assert others.durations.episodes == 20 + 20 + 3
    everybody = sum(each.customers for each in tour.variants.values()) + others.customers
    assert everybody == sum(each.customers for found in scan.variants().values() for each in found.values())
    both = scan.few(9, 9)
    assert (list(both.measures), both.others.customers) == (["old", "tour"], 3)


def test_a_comparison_allows_for_all_variants_and_not_for_those_that_are_told() -> None:
    """Else a board with room for one variant would find a difference where the command finds none."""
    scan = scanned(some_measures())
    whole, few = scan.measure("tour"), scan.measure("tour", most=1)
    assert list(whole.comparisons) == ["a", "b", "c", "d"]
    assert few.comparisons == {"a": whole.comparisons["a"]}
    assert whole.comparisons["a"].left > 0


def test_names_that_are_as_many_as_customers_are_none() -> None:
    """A producer that puts an id in its measure must not fill the worker's memory; all are counted, in any order."""
    events = [signup(f"c{n}", day(1)) for n in range(12)]
    events += [exposure(f"c{n}", day(2), f"m{n}", "x") for n in range(12)]
    for sent in (events, events[::-1]):
        few = scanned(sent, limit=5).few(3, 3)
        assert (few.measures, few.others.customers, few.others.durations.episodes) == ({}, 12, 12)
    assert len(scanned(events, limit=12).few(3, 3).measures) == 3
