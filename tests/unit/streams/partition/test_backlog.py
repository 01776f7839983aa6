"""What waits of a partition is taken in the order in which it was written, over all topics."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from streams.batching.batches import Batch, Lease
from streams.partition.backlog import TAKEN_BYTES, Backlog
from streams.partition.waiting_room import WaitingRoom
from streams.records import NO_HEADERS, Record


def nothing_more(_topic: str, _offset: int) -> bool:
    """Say that the log holds no more of any topic."""
    return False


def more_of_all(_topic: str, _offset: int) -> bool:
    """Say that the log holds more of every topic."""
    return True


def more_signups(topic: str, _offset: int) -> bool:
    """Say that the log holds more signups, and nothing else."""
    return topic == "signup"


def one_signup(topic: str, offset: int) -> bool:
    """Say that the log holds one signup."""
    return topic == "signup" and offset < 1


def batch(topic: str, *written_ms: int, start: int = 0) -> Batch:
    """Return a batch of records that were written at these times."""
    records = [Record(topic, 0, start + n, at_ms, b"c", b"{}", NO_HEADERS) for n, at_ms in enumerate(written_ms)]
    return Batch(topic, 0, start, start + len(records), records, Lease(1))


def nobody() -> None:
    """Hear that there is room."""


def taken(batches: list[Batch]) -> dict[str, list[int]]:
    """Return when what was taken was written, by topic."""
    return {one.topic: [record.timestamp for record in one.records] for one in batches}


async def test_no_topic_is_taken_further_than_all_others_have_been_read() -> None:
    """A month of cancels before the first week of signups would put every customer on the fold's long way."""
    backlog = Backlog(100, has_more=more_signups, on_room=nobody)
    backlog.put(batch("signup", 10, 20, 30))
    backlog.put(batch("cancel", 15, 29, 31, 900))
    first, second = backlog.take(100)
    assert taken([first, second]) == {"signup": [10, 20, 30], "cancel": [15, 29]}
    assert (second.start, second.end) == (0, 2)
    backlog.put(batch("signup", 40, start=3))
    assert taken(backlog.take(100)) == {"signup": [40], "cancel": [31]}


async def test_all_is_taken_where_the_log_has_no_more() -> None:
    """A live stream has nothing to wait for."""
    backlog = Backlog(100, has_more=nothing_more, on_room=nobody)
    backlog.put(batch("signup", 10))
    backlog.put(batch("cancel", 5000))
    assert taken(backlog.take(100)) == {"signup": [10], "cancel": [5000]}
    assert len(backlog) == 0


async def test_pieces_of_a_batch_join_without_gaps() -> None:
    """A gap between two pieces would look like records that were lost."""
    backlog = Backlog(100, has_more=nothing_more, on_room=nobody)
    backlog.put(batch("signup", 1, 2, 3, 4, 5, 6, 7, start=70))
    pieces: list[Batch] = []
    while backlog:
        pieces += backlog.take(3)
    assert [(piece.start, piece.end, len(piece)) for piece in pieces] == [(70, 73, 3), (73, 76, 3), (76, 77, 1)]


async def test_timestamps_that_fall_do_not_hold_records_back() -> None:
    """Producers' clocks differ: a record is as old as the youngest before it."""
    backlog = Backlog(100, has_more=nothing_more, on_room=nobody)
    backlog.put(batch("signup", 50, 10, 60))
    assert taken(backlog.take(2)) == {"signup": [50, 10]}
    assert taken(backlog.take(2)) == {"signup": [60]}


async def test_batch_without_records_is_taken_with_its_range() -> None:
    """Its position counts: transactions that were aborted leave nothing else."""
    backlog = Backlog(100, has_more=more_of_all, on_room=nobody)
    backlog.put(Batch("signup", 0, 5, 9, [], Lease(1)))
    assert [(one.start, one.end) for one in backlog.take(10)] == [(5, 9)]


async def test_full_topic_says_so_and_when_it_has_room_again() -> None:
    """What waits is bounded, topic by topic: a full one may not keep out the one that all wait for."""
    told: list[int] = []
    backlog = Backlog(2, has_more=nothing_more, on_room=lambda: told.append(len(backlog)))
    backlog.put(batch("cancel", 1, 2))
    backlog.take(10)
    assert told == []  # nobody has asked
    backlog.put(batch("cancel", 3, 4, start=2))
    assert (backlog.has_room("cancel"), backlog.has_room("signup")) == (False, True)
    backlog.put(batch("cancel", 5, start=4))  # was on its way
    backlog.take(10)
    assert (told, backlog.has_room("cancel")) == ([0], True)
    backlog.put(batch("cancel", 6, 7, start=5))
    assert not backlog.has_room("cancel")
    backlog.clear()
    assert (told, backlog.has_room("cancel")) == ([0, 0], True)


async def test_topic_that_has_more_is_waited_for_and_no_longer_than_allowed() -> None:
    """Waiting puts events in order; it must never decide whether they are applied."""
    backlog = Backlog(10, has_more=one_signup, on_room=nobody)
    backlog.put(batch("cancel", 1))
    await backlog.wait_for_others({"signup": 0, "cancel": 0}, 0.0)
    waiting = asyncio.ensure_future(backlog.wait_for_others({"signup": 0}, 60.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    backlog.put(batch("signup", 1))
    await waiting
    with pytest.raises(TimeoutError):
        await Backlog(10, has_more=nothing_more, on_room=nobody).wait_for_one(0.0)


async def test_batches_whose_timestamps_fall_do_not_hold_each_other_back() -> None:
    """Producers may set timestamps, and forwarded records keep theirs: nothing would be taken, again and again."""
    backlog = Backlog(100, has_more=more_of_all, on_room=nobody)
    backlog.put(batch("signup", 100, 110))
    backlog.put(batch("signup", 50, 60, start=2))
    backlog.put(batch("cancel", 105, 200))
    pieces = [*backlog.take(100), *backlog.take(100)]
    assert [(piece.topic, piece.start, piece.end) for piece in pieces][:3] == [
        ("signup", 0, 2), ("signup", 2, 4), ("cancel", 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(200))
async def test_something_is_taken_whenever_something_waits(seed: int) -> None:
    """A partition whose writer takes nothing from what waits stands still, and its worker with it."""
    rng = Random(seed)
    backlog = Backlog(1000, has_more=rng.choice([nothing_more, more_of_all, more_signups]), on_room=nobody)
    ends = {"signup": 0, "cancel": 0}
    put: dict[str, int] = dict.fromkeys(ends, 0)
    for _ in range(20):
        topic = rng.choice(list(ends))
        times = [rng.randrange(100) for _ in range(rng.randrange(4))]
        backlog.put(batch(topic, *times, start=put[topic]))
        put[topic] += len(times)
        if rng.random() < 0.5:
            for piece in backlog.take(rng.randrange(1, 8)):
                assert piece.start == ends[piece.topic]
                ends[piece.topic] = piece.end
    while backlog:
        pieces = backlog.take(rng.randrange(1, 8))
        assert pieces
        for piece in pieces:
            assert piece.start == ends[piece.topic]
            ends[piece.topic] = piece.end
    assert ends == put


def heavy(topic: str, count: int, size: int, *, at_ms: int | None = None, start: int = 0) -> Batch:
    """Return a batch of records of a size (bytes), one a millisecond, or all in one."""
    records = [
        Record(topic, 0, start + n, n if at_ms is None else at_ms, b"c", b"x" * size, NO_HEADERS) for n in range(count)
    ]
    return Batch(topic, 0, start, start + count, records, Lease(1))


@pytest.mark.parametrize("at_ms", [None, 7], ids=["one a millisecond", "all in one"])
async def test_what_is_taken_together_is_bounded_by_its_bytes(at_ms: int | None) -> None:
    """A thousand records of a megabyte are fewer than a commit may have, and more than a worker can hold."""
    backlog = Backlog(100_000, has_more=nothing_more, on_room=nobody)
    for topic in ("signup", "cancel"):
        backlog.put(heavy(topic, 40, 1_000_000, at_ms=at_ms))
    found: dict[str, list[int]] = {"signup": [], "cancel": []}
    while backlog:
        batches = backlog.take(10_000)
        assert sum(len(record.value or b"") for one in batches for record in one.records) <= TAKEN_BYTES
        for one in batches:
            found[one.topic] += [record.offset for record in one.records]
        backlog.applied()
    assert found == {"signup": list(range(40)), "cancel": list(range(40))}


async def test_record_that_is_larger_than_what_may_be_taken_is_taken_alone() -> None:
    """It would hold up its partition for ever."""
    backlog = Backlog(100, has_more=nothing_more, on_room=nobody)
    backlog.put(heavy("signup", 2, TAKEN_BYTES + 1))
    assert [len(one) for one in backlog.take(10)] == [1]
    assert [len(one) for one in backlog.take(10)] == [1]


async def test_partitions_share_room_by_bytes_and_hear_of_it_when_one_makes_some() -> None:
    """Each alone would be within its limit, and all of them beyond what the worker has."""
    memory, heard = WaitingRoom(1_000_000), 0

    def hear() -> None:
        nonlocal heard
        heard += 1

    first, second = (Backlog(100, has_more=nothing_more, on_room=hear, memory=memory) for _ in range(2))
    first.put(heavy("signup", 2, 1_000_000))
    assert (first.has_room("signup"), second.has_room("signup")) == (False, False)
    first.take(100)
    assert not second.has_room("signup")  # what is being applied lies in memory still
    heard = 0
    first.applied()
    assert (heard, second.has_room("signup"), memory.held_bytes) == (1, True, 0)


async def test_topic_that_has_little_gets_room_where_others_have_much() -> None:
    """What is not here is waited for before anything is applied."""
    memory = WaitingRoom(1_000_000)
    backlog = Backlog(100, has_more=nothing_more, on_room=nobody, memory=memory)
    backlog.put(heavy("signup", 1, 1_200_000))
    assert (backlog.has_room("signup"), backlog.has_room("cancel")) == (False, True)
    backlog.put(heavy("cancel", 1, 900_000))
    assert not backlog.has_room("upgrade")
    backlog.clear()
    assert memory.held_bytes == 0
