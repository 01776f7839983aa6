"""The worker's own metrics: all that are declared, none besides, and each says what happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from schemas import instruments
from schemas.events import EVENT_TYPES
from schemas.instruments import INSTRUMENTS, OF_THE_GATEWAY, OF_THE_POPULATION, WITH_THE_COUNTS
from schemas.refusals import Reason, Refusal
from streams.errors import LogUnavailable, PositionOutOfRange, RecordRefused, TablesUnavailable
from streams.metrics.meters import Meters
from streams.partition.forwarding import Forward, Seal
from streams.partition.result import BatchResult
from streams.records import Record
from tests.unit.streams.partitions import MINE, SIGNUPS, Surroundings, batch, on_virtual_time, signup
from tests.unit.streams.snapshots import BOUNDARY, live_counts, snapshot_of

_RECORD = Record(SIGNUPS, 0, 1, 0, None, b"{}", ())
RESULT = BatchResult(
    records=7,
    types=Counter({"signup": 3, "cancel": 1}),
    refused=[(_RECORD, Refusal(Reason.MALFORMED_JSON, "x")), (_RECORD, Refusal(Reason.MALFORMED_JSON, "y"))],
    tests=1,
    duplicates=2,
    conflicts=3,
    corrections=1,
    late=3,
    mended=Counter({"country": 2}),
    forwards=4 * [Forward(_RECORD, "customer.events", 1, MINE, Seal(""))],
    cache_hits=5,
    cache_misses=6,
    fold_seconds=0.02,
    commit_seconds=0.003,
)


def _samples(meters: Meters) -> dict[tuple[str, ...], float]:
    """Return the value of each sample by its name and the values of its labels, in the order of their names."""
    parse = text_string_to_metric_families
    families = parse(meters.exposition().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_every_declared_instrument_is_there_with_its_type_and_help() -> None:
    """The catalogue is what dashboards, rules and documents are written from."""
    families = {family.name: family for family in Meters().registry.collect()}
    elsewhere = WITH_THE_COUNTS + OF_THE_POPULATION + OF_THE_GATEWAY
    declared = {one.name.removesuffix("_total"): one for one in INSTRUMENTS if one not in elsewhere}
    assert set(families) == set(declared)
    assert {name: family.type for name, family in families.items()} == {n: d.type for n, d in declared.items()}
    assert {name: family.documentation for name, family in families.items()} == {n: d.help for n, d in declared.items()}


def test_commit_is_counted_in_every_family_it_belongs_to() -> None:
    """Two of each, so that a value that is set and not counted shows."""
    meters = Meters(["industry"])
    meters.on_committed(RESULT)
    meters.on_committed(RESULT)
    samples = _samples(meters)
    expected = {
        ("tenure_events_applied_total", "signup"): 6,
        ("tenure_events_applied_total", "cancel"): 2,
        ("tenure_events_duplicate_total",): 4,
        ("tenure_events_conflicting_total", "correction"): 2,
        ("tenure_events_conflicting_total", "contradiction"): 4,
        ("tenure_events_test_total",): 2,
        ("tenure_events_late_total",): 6,
        ("tenure_events_mended_total", "country"): 4,
        ("tenure_events_mended_total", "reason"): 0,
        ("tenure_events_mended_total", "industry"): 0,
        ("tenure_dead_letters_total", "malformed_json"): 4,
        ("tenure_dead_letters_total", "oversized"): 0,
        ("tenure_records_forwarded_total", SIGNUPS): 8,
        ("tenure_batch_records_sum",): 14,
        ("tenure_batch_records_count",): 2,
        ("tenure_commit_seconds_sum",): 0.006,
        ("tenure_fold_seconds_sum",): 0.04,
        ("tenure_state_cache_hits_total",): 10,
        ("tenure_state_cache_misses_total",): 12,
    }
    assert {name: samples[name] for name in expected} == expected


def test_commit_between_batches_is_a_commit_and_no_batch() -> None:
    """Forgetting a customer takes commits too, and applies nothing."""
    meters = Meters()
    meters.on_committed_between(0.5)
    samples = _samples(meters)
    assert (samples[("tenure_commit_seconds_count",)], samples[("tenure_commit_seconds_sum",)]) == (1, 0.5)
    assert samples[("tenure_batch_records_count",)] == samples[("tenure_fold_seconds_count",)] == 0


def test_conflicts_retries_and_assignments_are_counted() -> None:
    """They are what an operator looks at first when numbers stand still."""
    meters = Meters()
    meters.on_conflict()
    meters.on_assigned()
    meters.on_waiting(TablesUnavailable("Redis", "planted"))
    samples = _samples(meters)
    assert samples[("tenure_commit_conflicts_total",)] == samples[("tenure_rebalances_total",)] == 1
    assert (samples[("tenure_commit_retries_total",)], samples[("tenure_redis_up",)]) == (1, 0)
    meters.on_answer()
    meters.on_waiting(LogUnavailable("Kafka", "planted"))
    samples = _samples(meters)
    assert (samples[("tenure_commit_retries_total",)], samples[("tenure_redis_up",)]) == (1, 1)


def test_what_is_waited_for_is_shown_by_service_and_cause_until_it_is_over() -> None:
    """Who is called must know whether to look at the network, at rights, or at memory."""
    meters = Meters()
    waits = [TablesUnavailable("Redis", "x", cause="refused"), LogUnavailable("Kafka at host:9092", "y")]
    meters.look_at_waiting(waits, instance_id_is_taken=True)
    shown = {labels: value for labels, value in _samples(meters).items() if labels[0] == "tenure_waiting"}
    assert sorted(shown.values()) == [1, 1]
    assert {frozenset(labels[1:]) for labels in shown} == {
        frozenset({"redis", "refused"}),
        frozenset({"kafka", "unreachable"}),
    }
    meters.look_at_waiting((), instance_id_is_taken=False)
    assert not [labels for labels in _samples(meters) if labels[0] == "tenure_waiting"]


def test_redis_that_refuses_has_answered() -> None:
    """An alert that says it is out of reach would send people to the wrong place."""
    meters = Meters()
    meters.on_waiting(TablesUnavailable("Redis", "NOPERM", cause="refused"))
    assert meters.registry.get_sample_value("tenure_redis_up") == 1
    meters.on_waiting(TablesUnavailable("Redis", "x"))
    assert meters.registry.get_sample_value("tenure_redis_up") == 0


def test_partitions_that_are_given_up_leave_no_series_behind() -> None:
    """A partition that two workers claim counts twice; one that nobody names is missed."""

    async def test() -> None:
        around, meters = Surroundings(), Meters()
        partition = await around.partition()
        partition.put(batch(signup(MINE)))
        await asyncio.sleep(1)
        partition.names.over_limit["feature"] = 3
        partition.forget_requests = 2
        partition.waiting = RecordRefused("dead", "PolicyViolationError")
        out_of_range = PositionOutOfRange(SIGNUPS, 1, 5, 7, 9)
        meters.look_at_partitions({0: partition}, {1: out_of_range}, expected=2, of_customers=2)
        samples = _samples(meters)
        assert samples[("tenure_partition_owned", "0")] == 1
        assert samples[("tenure_partition_recovering", "0")] == 0
        assert samples[("tenure_partition_halted", "position", "1")] == 1
        assert samples[("tenure_partitions_expected",)] == 2
        assert samples[("tenure_state_cache_customers",)] == 1
        assert samples[("tenure_cells",)] == partition.cell_count > 0
        assert samples[("tenure_segment_values", "plan")] == 2
        assert samples[("tenure_segment_values_over_limit", "plan")] == 0
        assert samples[("tenure_segment_values_over_limit", "feature")] == 3
        assert samples[("tenure_watermark_timestamp_seconds", "0")] == 1_735_689_600
        assert samples[("tenure_forget_requests", "0")] == 2
        assert ("tenure_partition_refused", "0", "dead") in _samples(meters)
        meters.look_at_partitions({}, {}, expected=2, of_customers=2)
        assert [name for name in _samples(meters) if name[0].startswith(("tenure_partition_", "tenure_segment_"))] == []
        await partition.close()

    on_virtual_time(test)


def test_lag_is_what_the_log_has_beyond_the_stored_position() -> None:
    """Read is not applied: only what is stored survives a crash."""

    async def test() -> None:
        around, meters = Surroundings(), Meters()
        partition = await around.partition()
        partition.put(batch(signup(MINE)))
        await asyncio.sleep(1)
        consumer: Any = SimpleNamespace(
            end_offset=lambda tp: 10 if tp.topic == SIGNUPS else 4, first_position=lambda _tp: 1
        )
        meters.look_at_lag({0: partition}, consumer, (SIGNUPS, "customer.events"))
        samples = _samples(meters)
        assert samples[("tenure_lag_records", "0", SIGNUPS)] == 9
        assert samples[("tenure_lag_records", "0", "customer.events")] == 3
        assert samples[("tenure_lag_seconds", "0", SIGNUPS)] > 0
        assert samples[("tenure_lag_seconds", "0", "customer.events")] == 0
        await partition.close()

    on_virtual_time(test)


def test_state_of_the_counts_is_said_with_the_instant_they_are_as_of() -> None:
    """Numbers without their instant cannot be compared with anything."""
    meters = Meters()
    _, live = live_counts([signup("a")])
    meters.look_at_counts(snapshot_of(live), bucket_ms=3_600_000, seconds=0.25)
    samples = _samples(meters)
    assert samples[(instruments.IDENTITIES_VIOLATED.name,)] == 0
    assert samples[(instruments.KPIS_AS_OF.name,)] == BOUNDARY * 3600
    assert samples[(instruments.EXPOSITION_SECONDS.name,)] == 0.25


def test_every_event_type_is_counted_from_zero_on() -> None:
    """A counter that begins at 1 has not risen for Prometheus: a source that wakes up would stay quiet for it."""
    samples = _samples(Meters())
    types = {name[1]: value for name, value in samples.items() if name[0] == "tenure_events_applied_total"}
    assert types == {event_type.TYPE: 0 for event_type in EVENT_TYPES}


def test_partitions_whose_customers_are_shown_are_named_and_no_others() -> None:
    """Owned is not counted: while counters load, or after a rebalance, a worker owns what it does not show yet."""
    meters = Meters()
    meters.look_at_counted([0, 3])
    meters.look_at_counted([3])
    samples = _samples(meters)
    counted = {name[1]: value for name, value in samples.items() if name[0] == "tenure_partition_counted"}
    assert counted == {"3": 1}


def test_memory_is_that_of_this_process_and_below_its_limit() -> None:
    """A worker that is killed for its memory says nothing about it afterwards."""
    meters = Meters()
    meters.look_at_partitions({}, {}, expected=1, of_customers=1)
    samples = _samples(meters)
    assert 10_000_000 < samples[("tenure_memory_bytes",)] < samples[("tenure_memory_limit_bytes",)]
