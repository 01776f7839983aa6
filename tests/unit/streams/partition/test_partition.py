"""The one writer of a partition: what it applies, in which order it writes, and when it starts over.

Design: docs/decisions, positions with the data.
"""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, Final

import pytest

from kpis.counting.cells import groups_of
from schemas.refusals import HEADER_FORWARDED, HEADER_OFFSET, HEADER_REASON
from streams.errors import LogUnavailable, TablesUnavailable
from streams.records import TP
from streams.tables import Head, decode_head
from tenure.stored.reading import events_of
from tests.simulation.store import Store
from tests.unit.streams.partitions import (
    ALSO_MINE,
    MINE,
    SIGNUPS,
    STRANGER,
    Surroundings,
    batch,
    on_virtual_time,
    signup,
)

SIGNUPS_0: Final = TP(SIGNUPS, 0)
AWAY: Final = TablesUnavailable("Redis", "planted")


async def _stored(around: Surroundings) -> Head:
    head = (await around.tables.load(0)).head
    assert head is not None
    return decode_head(head)


def test_position_is_stored_with_what_was_applied() -> None:
    """Two writes could be torn apart by a crash; then events count twice, or never."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0), signup(MINE, 0), signup(MINE, 1, test=True), b"{"))
        await asyncio.sleep(1)
        head = await _stored(around)
        assert head.positions == {SIGNUPS: 4}
        assert (head.applied, head.duplicates, head.tests, head.dead_letters) == (1, 1, 1, {"malformed_json": 1})
        assert list(around.tables.states(0)) == [MINE]
        assert [result.records for result in around.results] == [4]
        await partition.close()

    on_virtual_time(test)


def test_half_of_a_commit_in_the_tables_is_removed_and_everything_is_read_again() -> None:
    """States that are ahead of the position make events look like repeats of themselves: nobody would count them."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        around.counted_to = {SIGNUPS_0: 1}
        around.tables.tear(0)
        await asyncio.sleep(5)  # it looks after what is stored although nothing happens
        assert (around.heard[-1], partition.recovering) == ("recount", True)
        assert (await around.tables.load(0)).head is None
        assert around.moves == [(SIGNUPS_0, -1)]
        partition.put(batch(signup(MINE, 0), signup(ALSO_MINE, 1)))
        await asyncio.sleep(1)
        assert (around.heard[-1], partition.recovering) == ("recovered 0", False)
        assert (await _stored(around)).applied == 2
        await partition.close()

    on_virtual_time(test)


def test_a_partition_whose_tables_were_lost_shows_nothing_until_it_has_caught_up() -> None:
    """A hundred customers of a thousand are a number like any other; who reads it is not told that it grows."""

    async def test() -> None:
        around = Surroundings()
        around.counted_to = {SIGNUPS_0: 3}
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0), signup(ALSO_MINE, 1)))
        await asyncio.sleep(1)
        assert (await _stored(around)).positions == {SIGNUPS: 2}
        assert (partition.recovering, around.heard.count("recount"), "recovered 0" in around.heard) == (True, 1, False)
        partition.put(batch(signup(MINE, 0), start=2))
        await asyncio.sleep(1)
        assert (partition.recovering, around.heard.count("recount"), around.heard[-1]) == (False, 1, "recovered 0")
        await partition.close()

    on_virtual_time(test)


def test_a_partition_that_another_worker_clears_too_is_counted_anew_all_the_same() -> None:
    """Two may notice at once; the one who comes second finds nothing wrong any more, and that is no fault of ours."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        clear = around.tables.clear

        async def come_second(number: int) -> None:
            await clear(number)
            await clear(number)

        around.tables.clear = come_second  # type: ignore[method-assign, assignment]
        around.tables.tear(0)
        await asyncio.sleep(5)
        assert (partition.fault, around.heard[-1]) == (None, "recovered 0")
        partition.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        assert (await _stored(around)).applied == 1
        await partition.close()

    on_virtual_time(test)


def test_half_of_a_commit_halts_a_partition_whose_log_has_lost_its_beginning() -> None:
    """Counted anew from what is left, it would be wrong for good."""

    async def test() -> None:
        around = Surroundings()
        around.log_whole = False
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        around.tables.tear(0)
        await asyncio.sleep(5)
        assert around.heard[-1] == "halted by CommitTorn"
        assert list(around.tables.states(0)) == [MINE]  # nothing is removed: it may be all that there is
        await partition.close()

    on_virtual_time(test)


@pytest.mark.parametrize(
    ("start", "values", "stale", "position", "moves"),
    [
        (2, 2, False, 4, []),  # follows
        (0, 2, False, 2, []),  # known
        (1, 3, False, 4, []),  # known in part
        (3, 2, False, 2, [(SIGNUPS_0, 2)]),  # ahead: something would be left out
        (2, 2, True, 2, []),  # read under a lease that is over
        (2, 0, False, 2, []),  # nothing, nowhere
    ],
)
def test_batch_is_judged_by_the_stored_position(
    start: int, values: int, stale: bool, position: int, moves: list[tuple[TP, int]]
) -> None:
    """Consumers seek, rebalance and repeat themselves; what is stored alone says what comes next."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0), signup(MINE, 1)))
        await asyncio.sleep(1)
        offsets = range(start, start + values)
        partition.put(batch(*(signup(MINE, offset) for offset in offsets), start=start, stale=stale))
        await asyncio.sleep(1)
        head = await _stored(around)
        assert head.positions == {SIGNUPS: position}
        assert (head.applied, head.duplicates) == (position, 0)
        assert around.moves == moves
        await partition.close()

    on_virtual_time(test)


def test_dead_letters_are_acknowledged_before_the_commit() -> None:
    """The other way round, a crash in between loses them for good."""

    async def test() -> None:
        around = Surroundings()
        around.fail_sending = [LogUnavailable("Kafka", "planted")] * 3
        partition = await around.partition()
        partition.put(batch(b"{", signup(MINE)))
        await asyncio.sleep(5)
        assert around.heard[:-1] == ["recovered 0", *["waits for LogUnavailable"] * 3, "sent", "committed"]
        assert around.heard[-1] == "committed"  # what the redo log held
        (letter,) = around.sent
        headers = dict(letter.headers)
        assert (letter.topic, letter.value) == (around.context.dead_letter_topic, b"{")
        assert (headers[HEADER_REASON], headers[HEADER_OFFSET]) == (b"malformed_json", b"0")
        await partition.close()

    on_virtual_time(test)


@pytest.mark.parametrize("took_effect", [False, True])
def test_commit_without_an_answer_is_repeated_until_its_fate_is_known(took_effect: bool) -> None:
    """Nobody knows whether it was stored; the fence tells, and either way the batch counts once."""

    async def test() -> None:
        around = Surroundings()
        failures = around.tables.fail_after if took_effect else around.tables.fail_before
        failures.append(AWAY)
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        partition.put(batch(signup(MINE, 0), signup(MINE, 1)))
        await asyncio.sleep(5)
        head = await _stored(around)
        assert (head.applied, head.positions) == (2, {SIGNUPS: 2})
        assert "waits for TablesUnavailable" in around.heard
        assert partition.fault is None
        await partition.close()

    on_virtual_time(test)


def test_another_writer_makes_it_start_over_from_what_is_stored() -> None:
    """A zombie that goes on would undo what its successor has stored."""

    async def test() -> None:
        around = Surroundings()
        zombie, successor = await around.partition(), await around.partition()
        successor.put(batch(signup(MINE, 0), signup(MINE, 1), signup(MINE, 2)))
        await asyncio.sleep(0.5)
        zombie.put(batch(signup(MINE, 0)))
        await asyncio.sleep(0.5)
        assert around.heard.count("conflict 0") == 1
        assert around.moves == [(SIGNUPS_0, 3)]
        assert zombie.positions == {SIGNUPS_0: 3}
        assert (await _stored(around)).applied == 3
        await zombie.close()
        await successor.close()

    on_virtual_time(test)


def test_states_that_another_writer_has_stored_since_are_a_conflict_and_no_fault() -> None:
    """They name plans and profiles that are not known here; halting would stop a partition that is well."""

    async def test() -> None:
        around = Surroundings()
        zombie, successor = await around.partition(), await around.partition()
        successor.put(batch(signup(MINE, 0, country="DE")))
        await asyncio.sleep(0.5)
        zombie.put(batch(signup(MINE, 1)))
        await asyncio.sleep(0.5)
        assert "conflict 0" in around.heard
        assert zombie.fault is None
        await zombie.close()
        await successor.close()

    on_virtual_time(test)


def test_commit_of_a_zombie_conflicts_with_the_equal_one_of_its_successor() -> None:
    """It would take the successor's for its own, whose answer was lost, and go on beside it."""

    async def test() -> None:
        around = Surroundings()
        zombie, successor = await around.partition(), await around.partition()
        for writer in (successor, zombie):
            writer.put(batch(b"{"))
            await asyncio.sleep(0.5)
        assert around.heard.count("committed") == 1
        assert around.heard.count("conflict 0") == 1
        assert zombie.head == successor.head
        await zombie.close()
        await successor.close()

    on_virtual_time(test)


def test_topic_that_was_never_committed_is_looked_for_anew() -> None:
    """What waited of it when another writer was found is dropped; nothing stored says where it lay."""

    async def test() -> None:
        around = Surroundings()
        zombie, successor = await around.partition(), await around.partition()
        successor.put(batch(signup(MINE, 0), signup(MINE, 1), signup(MINE, 2)))
        await asyncio.sleep(0.5)
        zombie.put(batch(signup(MINE, 3), start=7, topic="customer.events"))
        zombie.put(batch(signup(MINE, 0)))
        await asyncio.sleep(0.5)
        assert around.heard.count("conflict 0") == 1
        assert sorted(around.moves) == [(TP("customer.events", 0), -1), (SIGNUPS_0, 3)]
        await zombie.close()
        await successor.close()

    on_virtual_time(test)


@pytest.mark.parametrize(("first", "end", "lag"), [(2, 5, 3), (5, 5, 0), (None, 5, 0), (2, None, 0)])
def test_lag_before_the_first_commit_counts_from_where_reading_began(
    first: int | None, end: int | None, lag: int
) -> None:
    """A worker that cannot commit its first batch would say that nothing waits, and no alert would come."""

    async def test() -> None:
        partition = await Surroundings().partition()
        consumer: Any = SimpleNamespace(first_position=lambda _: first, end_offset=lambda _: end)
        assert partition.lag(SIGNUPS, consumer) == lag
        partition.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        assert partition.lag(SIGNUPS, consumer) == (0 if end is None else end - 1)  # from what is stored
        await partition.close()

    on_virtual_time(test)


def test_quiet_partition_notices_that_what_it_stored_is_gone() -> None:
    """A Redis that lost its last second must not stay behind until somebody signs up."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        around.tables._partitions.clear()
        await asyncio.sleep(10)
        assert around.heard.count("conflict 0") == 1
        assert around.moves == [(SIGNUPS_0, -1)]
        await partition.close()

    on_virtual_time(test)


def test_partition_whose_tables_are_lost_is_read_again_from_the_beginning() -> None:
    """Read on from where this worker began, all that came before it would be gone from the numbers, and nobody told."""

    async def test() -> None:
        around = Surroundings()
        earlier = await around.partition()
        earlier.put(batch(signup(MINE, 0), signup(MINE, 1)))
        await asyncio.sleep(1)
        await earlier.close()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 2), start=2))
        await asyncio.sleep(1)
        around.tables._partitions.clear()
        partition.put(batch(signup(MINE, 3), start=3))
        await asyncio.sleep(10)
        assert around.moves == [(SIGNUPS_0, -1)]  # the consumer asks the witness from where on
        await partition.close()

    on_virtual_time(test)


def test_events_of_a_batch_are_folded_in_the_order_of_their_times() -> None:
    """In order they take short cuts; a batch that mixes topics would take the long way, at many times the cost."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0), signup(MINE, 9, type="cancel"), signup(MINE, 5, type="upgrade")))
        await asyncio.sleep(1)
        folding = partition._held.fold.context
        assert (folding.applied, folding.general) == (3, 0)
        await partition.close()

    on_virtual_time(test)


def test_record_of_another_partition_is_sent_there_before_the_commit() -> None:
    """Producers forget keys and use other partitioners; a customer whose events lie apart would be counted twice."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(STRANGER), signup(MINE)))
        await asyncio.sleep(1)
        (sent,) = around.sent
        assert (sent.topic, sent.partition, sent.key) == (around.context.mixed_topic, 1, STRANGER.encode())
        ((name, origin),) = sent.headers
        assert (sent.value, name) == (signup(STRANGER), HEADER_FORWARDED)
        assert origin.startswith(f"{SIGNUPS}/0/0/".encode())
        assert around.heard[-2:] == ["sent", "committed"]
        head = await _stored(around)
        assert (head.applied, head.forwarded, head.positions) == (1, 1, {SIGNUPS: 2})
        assert list(around.tables.states(0)) == [MINE]
        await partition.close()

    on_virtual_time(test)


@pytest.mark.parametrize(("copies", "again"), [(0, 0), (1, 0), (3, 2)])
def test_copies_of_one_record_count_as_one_record(copies: int, again: int) -> None:
    """What is sent again after a crash would be a duplicate that no producer sent, or one more activity."""

    async def test() -> None:
        around = Surroundings()
        sender, home = await around.partition(), await around.partition(1)
        activity = json.dumps(json.loads(signup(STRANGER, 1)) | {"type": "activity"}).encode()
        values = (signup(STRANGER), activity)
        sender.put(batch(*values))
        await asyncio.sleep(1)
        assert len(around.sent) == len(values)
        for offset in range(2 * copies):
            value, headers = values[offset % 2], around.sent[offset % 2].headers
            home.put(batch(value, start=offset, topic="customer.events", headers=headers, partition=1))
            await asyncio.sleep(1)
        heads = [sender.head, home.head]
        assert (heads[0].away_facts, heads[1].away_facts, heads[1].away_instants) == (1, -copies, -copies)
        events = events_of(heads, ())
        assert (events.applied, events.duplicate) == (2 if copies else 0, 0)
        assert (home.head.applied, home.head.duplicates) == ((2 if copies else 0) + again, again)
        for partition in (sender, home):
            await partition.close()

    on_virtual_time(test)


def test_facts_beyond_the_limit_are_dead_letters() -> None:
    """One customer may not grow without bound, and what is left out must be said."""

    async def test() -> None:
        around = Surroundings(max_facts_per_customer=16)
        partition = await around.partition()
        partition.put(batch(*(signup(MINE, number) for number in range(20))))
        await asyncio.sleep(1)
        head = await _stored(around)
        assert (head.applied, head.dead_letters) == (16, {"too_many_facts": 4})
        assert [dict(letter.headers)[HEADER_OFFSET] for letter in around.sent] == [b"16", b"17", b"18", b"19"]
        await partition.close()

    on_virtual_time(test)


def test_waiting_batches_of_several_topics_go_into_one_commit() -> None:
    """A commit a topic would cost as many round trips as there are topics."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        await asyncio.sleep(1)
        for topic in (SIGNUPS, "customer.events"):
            partition.put(batch(signup(MINE, 1), topic=topic))
        await asyncio.sleep(1)
        head = await _stored(around)
        assert (head.commits, head.positions) == (1, {SIGNUPS: 1, "customer.events": 1})
        await partition.close()

    on_virtual_time(test)


def test_counts_are_not_shown_where_redis_lost_its_data_while_they_were_loaded() -> None:
    """The head of before and counters of after would be numbers that never were, until somebody looks at the head."""

    async def test() -> None:
        around = Surroundings()
        first = await around.partition()
        first.put(batch(signup(MINE, 0)))
        await asyncio.sleep(5)  # all is written to its place
        await first.close()
        second = await around.partition()
        await around.tables.discard(0)
        around.heard.clear()
        await asyncio.sleep(1)
        assert around.heard[0].startswith("conflict"), around.heard
        await second.close()

    on_virtual_time(test)


def test_zombie_learns_nothing_of_what_redis_loses_before_it_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had the successor's state, and Redis fell back to the zombie's own head: the event counted as a repetition."""

    async def test() -> None:
        around = Surroundings()
        zombie = await around.partition()
        zombie.put(batch(signup(MINE, 0)))
        await asyncio.sleep(0.5)
        earlier = Store()
        earlier.restore(around.tables._shared)
        successor = await around.partition()
        successor.put(batch(signup(ALSO_MINE, 1), start=1))
        await asyncio.sleep(0.5)
        await successor._write_all()
        await successor.close()
        read = around.tables.read_written

        async def read_and_fall_back(*arguments: Any, **options: Any) -> list[bytes | None]:
            monkeypatch.setattr(around.tables, "read_written", read)
            try:
                return await read(*arguments, **options)
            finally:
                around.tables._shared = earlier.saved()

        monkeypatch.setattr(around.tables, "read_written", read_and_fall_back)
        for _ in range(2):  # whoever reloads is handed it again
            zombie.put(batch(signup(ALSO_MINE, 1), start=1))
            await asyncio.sleep(1)
        head = await _stored(around)
        assert (head.applied, head.duplicates) == (2, 0)
        await zombie.close()

    on_virtual_time(test)


def test_cells_of_an_earlier_owner_are_added_to_and_not_replaced() -> None:
    """While counters are still being loaded, the amounts that a commit changes are read one by one."""

    async def test() -> None:
        around = Surroundings()
        first = await around.partition()
        first.put(batch(signup(MINE, 0)))
        await asyncio.sleep(1)
        await first.close()
        second = await around.partition()
        second.put(batch(signup(ALSO_MINE, 1), start=1))
        await asyncio.sleep(1)
        _, stored = await around.tables.snapshot(0, groups_of(second.names))
        amounts = sorted(stored.amounts.tolist())
        assert not second.recovering
        held = sorted(amount for part in second.cells() for amount in part.amounts.tolist())
        assert amounts == held == [2, 2, 2, 10, 10, 10]
        await second.close()

    on_virtual_time(test)
