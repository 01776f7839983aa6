"""The embedded log's own rules; what it shares with Kafka is tested in tests/contract."""

from __future__ import annotations

import pytest

from streams.batching.witness import Committed
from streams.embedded.log import Fenced, Log, Refused
from streams.records import TP

FIRST = TP("events", 0)


def filled(records: int, *, retained_records: int | None = None) -> Log:
    """Return a log with records on one partition."""
    log = Log(1, retained_records=retained_records)
    for i in range(records):
        log.append("events", None, b"%d" % i, timestamp_ms=i)
    return log


def test_reading_stops_at_the_limit_and_goes_on_behind_it() -> None:
    """The position after a read is where the next one begins."""
    log = filled(5)
    records, after = log.read(FIRST, 0, 3)
    assert ([record.value for record in records], after) == ([b"0", b"1", b"2"], 3)
    records, after = log.read(FIRST, after, 3)
    assert ([record.value for record in records], after) == ([b"3", b"4"], 5)
    assert log.read(FIRST, after, 3) == ([], 5)


def test_a_read_that_ends_before_a_hole_stays_before_it() -> None:
    """Otherwise the position would claim what the batch does not hold; behind the last record the hole is passed."""
    log = filled(2)
    log.partition(FIRST).skip(3)
    log.append("events", None, b"late", timestamp_ms=0)
    log.partition(FIRST).skip(2)
    assert log.read(FIRST, 0, 2)[1] == 2
    records, after = log.read(FIRST, 2, 2)
    assert ([record.offset for record in records], after) == ([5], 8)


@pytest.mark.parametrize("position", [1, 6])
def test_positions_outside_of_the_log_are_refused(position: int) -> None:
    """They are where records were lost; an empty answer would hide it."""
    log = filled(5)
    log.partition(FIRST).delete_before(2)
    with pytest.raises(Refused):
        log.read(FIRST, position, 1)


def test_retention_keeps_at_least_what_it_promises() -> None:
    """The demo runs for days; its log must not grow with them."""
    log = filled(1_000, retained_records=10)
    partition = log.partition(FIRST)
    assert partition.end == 1_000
    assert 10 <= partition.end - partition.earliest < 20
    assert [record.value for record in log.read(FIRST, 990, 20)[0]] == [b"%d" % i for i in range(990, 1_000)]


def test_records_without_a_key_go_round() -> None:
    """All of them on one partition would be one worker's load."""
    log = Log(3)
    placed = [log.append("events", None, b"", timestamp_ms=0).partition for _ in range(6)]
    assert sorted(placed) == [0, 0, 1, 1, 2, 2]


def test_a_member_of_an_old_generation_is_fenced() -> None:
    """A zombie's offsets must not overwrite those of the partition's new owner."""
    group = filled(1).group("g")
    group.join("a", ["events"], _nothing, 0.0)
    group.commit("a", 1, {FIRST: Committed(1)})
    group.join("b", ["events"], _nothing, 1.0)
    group.join("a", ["events"], _nothing, 1.0)
    with pytest.raises(Fenced):
        group.commit("a", 1, {FIRST: Committed(0)})
    assert group.committed == {FIRST: Committed(1)}


def test_a_silent_member_is_dropped_when_another_is_heard() -> None:
    """A killed worker says no good-bye."""
    group = filled(1).group("g")
    group.join("a", ["events"], _nothing, 0.0, timeout_seconds=10)
    group.join("b", ["events"], _nothing, 0.0, timeout_seconds=10)
    group.join("a", ["events"], _nothing, 0.0, timeout_seconds=10)
    assert group.heartbeat("b", group.generation, 9.0)
    assert not group.heartbeat("b", group.generation, 10.5)
    assert list(group.members) == ["b"]


def test_a_member_that_does_not_rejoin_in_time_is_dropped() -> None:
    """One worker that hangs in a rebalance would hold up all others."""
    group = filled(1).group("g")
    group.join("a", ["events"], _nothing, 0.0, timeout_seconds=100)
    group.join("b", ["events"], _nothing, 0.0, timeout_seconds=100, rebalance_timeout_seconds=20)
    assert not group.stable
    group.expire(21.0)
    assert list(group.members) == ["b"]
    assert group.stable


def _nothing() -> None:
    """Hear nothing."""
