"""The generated logs are as nasty as they claim to be, and no nastier than the contract allows.

Definitions: the contract, events.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, timedelta
from random import Random
from typing import Any

import pytest

from tests.logs.logs import Log, generate, rearranged, smallest_failing
from tests.logs.shapes import EVERYTHING, FIRST_SLICE, FIRST_TYPES, PLAIN, Shape
from tests.recount.counts import KINDS_WITHOUT_EFFECT, STOCKS, WINDOW_COUNTS
from tests.recount.customers import read
from tests.recount.decoding import decode
from tests.recount.equations import broken, part
from tests.recount.events import INSTANTS, Event
from tests.recount.instants import instant_ms, read_instant_ms
from tests.recount.options import Options
from tests.recount.records import record_of
from tests.recount.refusals import Reason, RefusedError
from tests.recount.report import recount
from tests.recount.short_events import counted

SEEDS = range(60)


def events_of(log: Log) -> list[Event]:
    """Return the valid events of a log, repeats and tests included."""
    refused: Counter[str] = Counter()
    events = []
    for record in log.records:
        try:
            events.append(decode(record_of(record), log.options))
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
        letters = read(log.records, log.options).fates.dead_letters
        assert dict(log.refusals) == {reason: count for reason, count in letters.items() if count}
        met.update(log.refusals)
    assert set(met) >= set(Reason) - {Reason.TOO_MANY_FACTS, Reason.OVERSIZED}


def test_every_count_is_met() -> None:
    """A count that no log ever moves is a count that no comparison tests."""
    met: Counter[str] = Counter()
    for seed in SEEDS:
        log = generate(Random(seed))
        for report in recount(log.records, log.at, log.options):
            met.update(_moved(part(report, "totals")))
            for window in part(report, "windows"):
                numbers = part(report, "windows", window)
                met.update(_moved(numbers))
                met.update(_moved(part(numbers, "facts_without_effect")))
    wanted = {*STOCKS, *WINDOW_COUNTS, *KINDS_WITHOUT_EFFECT}
    assert {name for name in wanted if met[name] < 10} == set()


def _moved(counts: Mapping[str, object]) -> list[str]:
    return [name for name, count in counts.items() if isinstance(count, int) and count]


def test_every_member_is_mended() -> None:
    """A member that always comes clean is mended by nobody."""
    met: Counter[str] = Counter()
    for seed in SEEDS:
        log = generate(Random(seed))
        met.update(read(log.records, log.options).fates.mended)
    assert set(met) == {"reason", "feature", "via", "country", "channel"}


def test_identities_between_counts_hold_in_generated_logs() -> None:
    """Stocks and flows come from different rows of the table and must tell one story."""
    for seed in range(20):
        log = generate(Random(seed))
        book = read(log.records, log.options)
        assert [broken(book, instant_ms(moment), log.by) for moment in log.at] == [[], [], []]


def test_the_first_slice_holds_its_types_only() -> None:
    """What fails with few types is understood sooner."""
    types = {
        str(members["type"]) for seed in SEEDS for members in members_of(generate(Random(seed), bare(FIRST_SLICE)))
    }
    assert types == set(FIRST_TYPES)


def bare(shape: Shape) -> Shape:
    """Return the shape without bad records, so that every record can be read."""
    return replace(shape, bad_records=False)


FEATURES: dict[str, Callable[[Log], bool]] = {
    "settings": lambda log: (
        (log.options.free_plans, log.options.paused_customers, log.options.trial_days)
        != (Options().free_plans, Options().paused_customers, Options().trial_days)
    ),
    "sequences": lambda log: any("sequence" in members for members in members_of(log)),
    "subscriptions": lambda log: len({event.subscription_id for event in events_of(log)}) == 4,
    "trials": lambda log: any(event.trial for event in events_of(log)),
    "switches": lambda log: any(switched(events_of(log), apart_ms) for apart_ms in (0, 1)),
    "late_facts": lambda log: any(event.at_ms < event.time_ms for event in events_of(log)),
    "future_facts": lambda log: any(event.at_ms > event.time_ms for event in events_of(log)),
    "prices": lambda log: any("amount_minor" in members for members in members_of(log)),
    "revokes": lambda log: any(event.kind == "revoke" and not event.names_source for event in events_of(log)),
    "currencies": lambda log: any(event.currency not in {"", "USD"} for event in events_of(log)),
    "dimensions": lambda log: bool(log.options.dimensions),
    "mended": lambda log: any(event.mended for event in events_of(log)),
    "integers": lambda log: any(isinstance(members["id"], int) for members in members_of(log)),
    "nulls": lambda log: any(None in members.values() for members in members_of(log)),
    "submilliseconds": lambda log: any(
        len(str(members["time"])) > len("2025-01-01T00:00:00.000Z") for members in members_of(log)
    ),
    "offsets": lambda log: any(not str(members["time"]).endswith("Z") for members in members_of(log)),
    "odd_times": lambda log: any(str(members["time"]) != str(members["time"]).upper() for members in members_of(log)),
    "tests": lambda log: any(event.test for event in events_of(log)),
    "bad_records": lambda log: bool(log.refusals),
    "repeats": lambda log: any(count > 1 for count in Counter(events_of(log)).values()),
    "conflicts": lambda log: len({identity(event) for event in known(log)}) < len(set(known(log))),
    "shuffled": lambda log: events_of(log) != sorted(events_of(log), key=lambda event: event.at_ms),
    "ties": lambda log: len({(event.customer_id, event.at_ms) for event in events_of(log)}) < len(log.records),
}


def switched(events: list[Event], apart_ms: int) -> bool:
    """Return whether a subscription of a customer ends so shortly before another one begins."""
    ends = {(event.customer_id, event.at_ms) for event in events if event.kind == "cancel"}
    return any((event.customer_id, event.at_ms - apart_ms) in ends for event in events if event.kind == "signup")


def identity(event: Event) -> tuple[str, str, str]:
    """Return what makes two records one event."""
    return (event.customer_id, event.source, event.id)


def known(log: Log) -> list[Event]:
    """Return the events that have an identity to remember."""
    return [event for event in events_of(log) if event.kind not in INSTANTS and not event.test]


def test_every_switch_has_a_test_of_its_own() -> None:
    """A feature that nobody looks for may have gone."""
    switches = {field.name for field in fields(Shape) if isinstance(field.default, bool)}
    assert switches == {*FEATURES, "moves"}


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
            met[moves] += event.kind == "change" and event.price_minor == last_minor
            last_minor = event.price_minor
    assert met[True] > 2 * met[False]


def test_instants_lie_on_buckets_and_old_ones_on_days() -> None:
    """The product answers no other instants: buckets always, and days beyond its hourly horizon."""
    for seed in SEEDS:
        log = generate(Random(seed))
        newest = max(log.at)
        for moment in log.at:
            assert instant_ms(moment) % (log.options.bucket_ms) == 0
            assert moment.tzinfo == UTC
            assert newest - moment <= timedelta(days=365) or moment.hour == moment.minute == 0


def test_times_of_the_same_instant_are_written_in_many_ways() -> None:
    """A parser that handles one way of writing a time handles none."""
    times = [str(members["time"]) for seed in SEEDS for members in members_of(generate(Random(seed), bare(EVERYTHING)))]
    assert None not in {read_instant_ms(time) for time in times}
    endings = {time[19:].lstrip(".0123456789") for time in times}
    assert endings >= {"Z", "z", "+00:00", "+05:30", "-08:00", "+14:00", "-03:30", "+01:00", "+0530", "-08"}
    assert {time[10] for time in times} == {"T", "t", " "}
    fractions = {len(time[19:].rstrip("Zz").split("+")[0].split("-")[0]) for time in times}
    assert fractions >= {0, 4, 5, 8, 10, 13}


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


def test_the_smallest_failing_log_is_what_a_failure_needs() -> None:
    """A log of sixty events explains nothing; the two that matter do."""
    log = generate(Random(4), FIRST_SLICE)

    def has_cancellations(smaller: Log) -> bool:
        return "cancellations" in counted(smaller.records, smaller.options, at=smaller.at[0], window="365d")

    assert len(smallest_failing(log, has_cancellations).records) == 2
