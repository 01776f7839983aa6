"""Feeds: the same sources by name on all workers, whatever came first, and counters that add up."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from schemas.feeds import OTHER, FeedKey
from streams.partition.feeds import FEEDS_WAITING, HELD_SECONDS, SOURCES_KEPT, SOURCES_SHOWN, Feeds
from streams.partition.result import BatchResult, FeedCounts
from tests.unit.streams.partitions import Surroundings

_LATER = 1_000.0


def batch(applied: dict[FeedKey, int], dead: dict[FeedKey, int] | None = None) -> BatchResult:
    """Return a batch that had so much of each feed."""
    return BatchResult(feeds=FeedCounts(Counter(applied), Counter(dead or {})))


def counted(feeds: Feeds) -> Counter[FeedKey]:
    """Return what a worker has counted as applied once names are old enough."""
    return feeds.taken(0.0).applied + feeds.taken(_LATER).applied


def test_two_workers_count_the_same_sources_by_name_in_any_order() -> None:
    """A sum over workers that fold different sources into `other` would mean nothing."""
    batches = [(number, FeedKey("cancel", f"source-{n}"), n) for number in (0, 1) for n in range(1, SOURCES_SHOWN + 6)]
    expected = Counter(
        {FeedKey("cancel", f"source-{n}"): 2 * n for n in range(6, SOURCES_SHOWN + 6)} | {FeedKey("cancel", OTHER): 30}
    )
    for seed in range(3):
        random.Random(seed).shuffle(batches)

        async def test(shuffled: list[tuple[int, FeedKey, int]]) -> Counter[FeedKey]:
            around, workers = Surroundings(), {0: Feeds(), 1: Feeds()}
            for number, feed, count in shuffled:
                workers[number].on_committed(number, batch({feed: count}))
            for number in (1, 0, 1):
                await workers[number].agree(around.tables, [number], partitions=2)
            return counted(workers[0]) + counted(workers[1])

        assert asyncio.run(test(list(batches))) == expected


def test_worker_that_takes_a_partition_over_knows_its_sources() -> None:
    """After a restart the first source to send would otherwise push out the largest ones."""

    async def test() -> None:
        around, before, after = Surroundings(), Feeds(), Feeds()
        for n in range(SOURCES_SHOWN):
            before.on_committed(0, batch({FeedKey("signup", f"old-{n}"): 100}))
        await before.agree(around.tables, [0], partitions=1)
        after.on_committed(0, batch({FeedKey("signup", "new"): 1, FeedKey("signup", "old-7"): 1}))
        await after.agree(around.tables, [0], partitions=1)
        assert counted(after) == {FeedKey("signup", "old-7"): 1, FeedKey("signup", OTHER): 1}
        await before.agree(around.tables, [], partitions=1)
        assert before.shown == after.shown

    asyncio.run(test())


def test_feed_is_shown_at_0_before_it_is_counted() -> None:
    """Prometheus takes no rise from nothing: a feed whose records are all refused would never be seen."""

    async def test() -> None:
        around, feeds, feed = Surroundings(), Feeds(), FeedKey("renewal", "billing")
        feeds.on_committed(0, batch({}, {feed: 3}))
        await feeds.agree(around.tables, [0], partitions=1)
        assert feeds.shown == [feed]
        assert not feeds.taken(0.0).dead_letters
        assert not feeds.taken(HELD_SECONDS - 1).dead_letters
        assert feeds.taken(HELD_SECONDS).dead_letters == {feed: 3}
        assert not feeds.taken(HELD_SECONDS).dead_letters

    asyncio.run(test())


def test_any_number_of_sources_takes_bounded_room_and_keeps_the_large_ones() -> None:
    """A source that is a customer's id by mistake must not fill the memory, or hide the real ones."""
    feeds = Feeds()
    for n in range(5 * SOURCES_KEPT):
        feeds.on_committed(0, batch({FeedKey("activity", f"customer-{n}"): 1, FeedKey("activity", "app"): 2}))

    async def test() -> None:
        around = Surroundings()
        await feeds.agree(around.tables, [0], partitions=1)
        found = counted(feeds)
        assert found[FeedKey("activity", "app")] == 10 * SOURCES_KEPT
        assert len(found) <= SOURCES_SHOWN + 1
        assert found.total() == 15 * SOURCES_KEPT

    asyncio.run(test())


def test_any_number_of_sources_in_between_two_agreements_takes_bounded_room() -> None:
    """A rebuild agrees on no names at all, and a worker only every few seconds: a source may be a customer's id."""
    feeds = Feeds()
    for n in range(2 * FEEDS_WAITING):
        feeds.on_committed(0, batch({FeedKey("activity", f"customer-{n}"): 1, FeedKey("activity", "app"): 1}))
    feeds.on_committed(0, batch({FeedKey("activity", OTHER): 1}))
    assert len(feeds.waiting.applied) <= FEEDS_WAITING

    async def test() -> None:
        await feeds.agree(Surroundings().tables, [0], partitions=1)
        found = counted(feeds)
        assert found[FeedKey("activity", "app")] == 2 * FEEDS_WAITING
        assert found.total() == 4 * FEEDS_WAITING + 1

    asyncio.run(test())


def test_what_comes_while_sizes_are_noted_is_noted_next_time() -> None:
    """The owner of partition 0 would not hear of a source whose last batch came just then."""

    async def test() -> None:
        around, feeds, late = Surroundings(), Feeds(), FeedKey("signup", "late")
        note = around.tables.note

        async def slow_note(name: str, value: bytes | None) -> bytes | None:
            if value is not None and name == "feeds:1" and b"late" not in value:
                feeds.on_committed(1, batch({late: 1}))
            return await note(name, value)

        around.tables.note = slow_note  # type: ignore[method-assign]
        feeds.on_committed(1, batch({FeedKey("signup", "early"): 1}))
        await feeds.agree(around.tables, [1], partitions=2)
        await feeds.agree(around.tables, [1], partitions=2)
        assert b"late" in (await note("feeds:1", None) or b"")

    asyncio.run(test())
