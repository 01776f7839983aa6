"""The generated logs are as nasty as they claim to be, and no nastier than the contract allows.

Definitions: docs/events.md.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from random import Random
from typing import Any

import pytest

from tests.oracle.counting import WINDOW_COUNTS
from tests.oracle.decoding import Event, Reason, RefusedError, decode, rfc_3339_ms
from tests.oracle.logs import EVERYTHING, FIRST_SLICE, FIRST_TYPES, PLAIN, Log, Shape, generate, rearranged
from tests.oracle.options import instant_ms
from tests.oracle.recomputation import recompute
from tests.oracle.reports import counts_of, part_of

SEEDS = range(60)


def events_of(log: Log) -> list[Event]:
    """Return the valid events of a log, repeats and tests included."""
    refused: Counter[str] = Counter()
    events = []
    for record in log.records:
        try:
            events.append(decode(record, log.options))
        except RefusedError as error:
            refused[error.reason] += 1
    assert refused == log.refusals
    return events


def members_of(log: Log) -> list[dict[str, object]]:
    """Return the members of all records of a log that has no bad ones."""
    return [json.loads(record) for record in log.records]


def test_a_log_depends_on_nothing_but_its_seed() -> None:
    """A failure is reported as a seed."""
    assert generate(Random(5)) == generate(Random(5))
    assert generate(Random(5)) != generate(Random(6))


def test_bad_records_are_refused_for_the_reason_they_were_made_for() -> None:
    """And nothing else is refused: otherwise a generator's mistake would look like nastiness."""
    met: Counter[str] = Counter()
    for seed in SEEDS:
        log = generate(Random(seed))
        events = part_of(recompute(log.records, at=log.at, options=log.options)[0], "events")
        refusals = {reason: count for reason, count in part_of(events, "dead_letters").items() if count}
        assert dict(log.refusals) == refusals
        met.update(log.refusals)
    assert set(met) >= set(Reason) - {Reason.TOO_MANY_FACTS, Reason.OVERSIZED}


def test_every_count_is_met() -> None:
    """A count that no log ever moves is a count that no comparison tests."""
    met: Counter[str] = Counter()
    for seed in SEEDS:
        log = generate(Random(seed))
        for report in recompute(log.records, at=log.at, options=log.options):
            for window in part_of(report, "windows"):
                met.update(counts_of(report, window).keys())
    assert {name for name in WINDOW_COUNTS if met[name] < 10} == set()


def test_the_first_slice_holds_its_types_only() -> None:
    """The product learns the types one slice after the other."""
    types = {
        str(members["type"]) for seed in SEEDS for members in members_of(generate(Random(seed), bare(FIRST_SLICE)))
    }
    assert types == set(FIRST_TYPES)


def bare(shape: Shape) -> Shape:
    """Return the shape without bad records, so that every record can be read."""
    return replace(shape, bad_records=False)


FEATURES: dict[str, Callable[[Log], bool]] = {
    "sequences": lambda log: any("sequence" in members for members in members_of(log)),
    "late_cancels": lambda log: any(event.occurred_at_ms < event.time_ms for event in events_of(log)),
    "future_cancels": lambda log: any(event.occurred_at_ms > event.time_ms for event in events_of(log)),
    "revokes": lambda log: any(event.kind == "revoke" for event in events_of(log)),
    "currencies": lambda log: any(event.currency != "USD" for event in events_of(log)),
    "dimensions": lambda log: bool(log.options.dimensions),
    "submilliseconds": lambda log: any(
        len(str(members["time"])) > len("2025-01-01T00:00:00.000Z") for members in members_of(log)
    ),
    "offsets": lambda log: any(not str(members["time"]).endswith("Z") for members in members_of(log)),
    "tests": lambda log: any(event.test for event in events_of(log)),
    "bad_records": lambda log: bool(log.refusals),
    "repeats": lambda log: any(count > 1 for count in Counter(events_of(log)).values()),
    "conflicts": lambda log: len({identity(event) for event in known(log)}) < len(set(known(log))),
    "shuffled": lambda log: events_of(log) != sorted(events_of(log), key=lambda event: event.occurred_at_ms),
    "ties": lambda log: len({(event.customer, event.occurred_at_ms) for event in events_of(log)}) < len(log.records),
}


def identity(event: Event) -> tuple[str, str, str]:
    """Return what makes two records one event."""
    return (event.customer, event.source, event.id)


def known(log: Log) -> list[Event]:
    """Return the events that have an identity to remember."""
    return [event for event in events_of(log) if event.kind not in {"activity", "onboarding"} and not event.test]


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_there_exactly_if_it_is_switched_on(feature: str) -> None:
    """Switches let a failing comparison be narrowed down, and a slice be tested before all is built."""
    has_feature = FEATURES[feature]
    switch: dict[str, Any] = {feature: True}
    only = replace(PLAIN, **switch)
    assert not any(has_feature(generate(Random(seed), PLAIN)) for seed in SEEDS)
    assert any(has_feature(generate(Random(seed), only)) for seed in SEEDS)


def test_plan_changes_with_equal_mrr_come_with_their_switch() -> None:
    """The plan moves though no money does."""
    met = {True: 0, False: 0}
    for moves, seed in ((moves, seed) for moves in met for seed in SEEDS):
        log = generate(Random(seed), replace(PLAIN, moves=moves, types=("signup", "upgrade"), customers=1))
        last_minor = -1
        for event in events_of(log):
            met[moves] += event.kind == "change" and event.mrr_given_minor == last_minor
            last_minor = event.mrr_given_minor
    assert met[True] > 2 * met[False]


def test_instants_lie_on_buckets_and_old_ones_on_days() -> None:
    """The product answers no other instants: buckets always, and days beyond its hourly horizon."""
    for seed in SEEDS:
        log = generate(Random(seed))
        newest = max(log.at)
        for moment in log.at:
            assert instant_ms(moment) % (log.options.bucket_minutes * 60_000) == 0
            assert moment.tzinfo == UTC
            assert newest - moment <= timedelta(days=365) or moment.hour == moment.minute == 0


def test_times_of_the_same_instant_are_written_in_many_ways() -> None:
    """A parser that handles one way of writing a time handles none."""
    times = [str(members["time"]) for seed in SEEDS for members in members_of(generate(Random(seed), bare(EVERYTHING)))]
    assert None not in {rfc_3339_ms(time) for time in times}
    endings = {time[19:].lstrip(".0123456789") for time in times}
    assert endings == {"Z", "+00:00", "+05:30", "-08:00", "+14:00", "-03:30", "+01:00"}
    assert {len(time[19:].rstrip("Z").split("+")[0].split("-")[0]) for time in times} >= {0, 4, 5, 8, 10, 13}


def test_every_record_arrives_at_least_once_in_a_rearrangement() -> None:
    """A permutation with repetitions loses nothing."""
    log = generate(Random(9))
    arrivals = rearranged(log.records, Random(1))
    assert Counter(arrivals) >= Counter(log.records)
    assert set(arrivals) == set(log.records)
    assert rearranged([], Random(1)) == []


def test_no_events_make_an_empty_log_but_for_bad_records() -> None:
    """The smallest log is a case as well."""
    log = generate(Random(2), replace(EVERYTHING, events=0))
    assert len(log.records) == sum(log.refusals.values())
