"""The one writer of a partition forgets customers: what it stores, in which order, and who goes on after a crash."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
import pytest

from kpis.customer.customer import life_of
from kpis.customer.pseudonyms import ForgetKey, ForgottenCustomer, is_pseudonym
from kpis.customer.state import decode
from kpis.surveys.sent import SentRequests
from schemas.instants import DAY_MS
from schemas.tombstones import ForgetRequest, Tombstone, decode_request, encode_request
from streams.batching.batches import Batch
from streams.errors import LogUnavailable
from streams.forgetting.forgotten import Forgotten, TombstoneRecord
from streams.partition.partition import Partition
from streams.survey_schedule import SCHEDULES, VERSION, Schedule, read_schedule, schedule_commit
from tests.unit.streams.forgetting_partitions import ASKED_MS, HASH, KEY, PSEUDONYM, Forgetting
from tests.unit.streams.partitions import (
    ALSO_MINE,
    MINE,
    STREAM_ID,
    batch,
    on_virtual_time,
    signup,
    stored_head,
    whole,
)

AWAY: Final = LogUnavailable("Kafka", "planted")


def at(timestamp_ms: int, *values: bytes, start: int = 0) -> Batch:
    """Return a batch of records of one timestamp."""
    return batch(*values, start=start, timestamp_ms=timestamp_ms)


async def another(around: Forgetting, forgotten: Forgotten) -> Partition:
    """Return a partition of another worker, which has read the topic by itself."""
    context = dataclasses.replace(around.context, forgotten=forgotten)
    partition = Partition(0, context, around, await whole(around.tables, 0), meters=around, cache=100)
    partition.start()
    return partition


def runs(test: Callable[[Forgetting], Coroutine[Any, Any, None]], key: ForgetKey | None = KEY) -> None:
    """Run a test on virtual time."""

    async def run() -> None:
        await test(Forgetting(key))

    on_virtual_time(run)


def test_a_customer_is_forgotten_by_a_quiet_partition_and_its_counts_stay() -> None:
    """Nobody may wait for the next event of somebody else; and the board has seen the numbers."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        values = signup(MINE, 0, subscription_id="secret-b"), signup(MINE, 1, subscription_id="secret-a")
        partition.put(at(1_000, *values, signup(ALSO_MINE, 2)))
        await asyncio.sleep(1)
        before = await around.amounts(partition)
        around.tables.reads.clear()
        await around.ask()
        await asyncio.sleep(5)
        assert around.tables.reads["states"] == 1  # the pseudonym's; theirs is in memory
        states = around.tables.states(0)
        assert sorted(states) == sorted([ALSO_MINE, PSEUDONYM])
        assert [fact.subscription for fact in life_of(decode(states[PSEUDONYM]))] == ["s000001", "s000000"]
        assert {fact.reference for fact in life_of(decode(states[PSEUDONYM]))} == {0}
        assert b"secret" not in states[PSEUDONYM]
        assert await around.amounts(partition) == before
        assert await around.tables.forget_requests(0) == {}
        (tombstone,) = around.tombstones()
        assert (tombstone.at_ms, tombstone.stream, tombstone.partition) == (ASKED_MS, STREAM_ID, 0)
        assert around.heard.count("forgotten") == 1
        await partition.close()

    runs(test)


def test_only_records_that_are_not_later_than_the_tombstone_count() -> None:
    """The timestamp decides, whenever a record is read: counting the log anew must find the same."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0)))
        await around.ask()
        await asyncio.sleep(5)
        partition.put(at(ASKED_MS + 1, signup(MINE, 1, plan="later"), start=1))
        partition.put(at(ASKED_MS, signup(MINE, 2, plan="straggler", subscription_id="new"), start=2))
        partition.put(at(ASKED_MS, signup(MINE, 3, test=True), start=3))
        await asyncio.sleep(5)
        head = await stored_head(around)
        assert (head.applied, head.forgotten, head.tests, head.positions) == (2, 1, 1, {"customer.signup": 4})
        assert list(around.tables.states(0)) == [PSEUDONYM]
        assert partition.names.plan_names == ["none", "pro", "straggler"]
        subscriptions = [fact.subscription for fact in life_of(decode(around.tables.states(0)[PSEUDONYM]))]
        assert subscriptions == ["", "t" + KEY.subscription_hash(MINE, "new")]
        await partition.close()

    runs(test)


def test_a_tombstone_is_not_earlier_than_any_record_that_was_applied() -> None:
    """What a producer whose clock is ahead has sent was counted: it must be when all is counted anew."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        partition.put(at(9_000, signup(ALSO_MINE, 0), signup(MINE, 1)))
        await asyncio.sleep(1)
        await partition.close()
        await around.ask()
        successor = await around.partition()
        await asyncio.sleep(5)
        assert [tombstone.at_ms for tombstone in around.tombstones()] == [9_000]
        await successor.close()

    runs(test)


def test_whoever_takes_over_goes_on_with_what_was_decided() -> None:
    """Two decisions on one customer would count different events; and nothing may come between decision and deed."""

    async def test(around: Forgetting) -> None:
        around.fail_sending += [AWAY] * 1_000
        first = await around.partition()
        first.put(at(1_000, signup(MINE, 0)))
        await asyncio.sleep(1)
        await around.ask()
        await asyncio.sleep(5)
        request = decode_request((await around.tables.forget_requests(0))[MINE])
        assert request.tombstone is not None
        assert MINE in around.tables.states(0)
        await first.close()
        around.fail_sending.clear()
        second = await around.partition()
        second.put(at(20_000, signup(MINE, 1, plan="later"), start=1))
        await asyncio.sleep(5)
        assert around.tombstones() == [request.tombstone]
        assert list(around.tables.states(0)) == [PSEUDONYM]
        assert (await stored_head(around)).forgotten == 1
        await second.close()

    runs(test)


def test_a_zombie_that_was_overtaken_learns_who_was_forgotten_before_it_applies_anything() -> None:
    """It believes that the customer is unknown, or still here; either way their events would be stored again."""

    async def test(around: Forgetting) -> None:
        first = await around.partition()
        first.put(at(1_000, signup(MINE, 0)))
        await asyncio.sleep(1)
        zombie = await another(around, Forgotten(around.topic, KEY))
        await asyncio.sleep(0.5)
        await around.ask()
        await asyncio.sleep(2.5)
        zombie.put(at(20_000, signup(MINE, 1, plan="later"), start=1))
        await asyncio.sleep(5)
        zombie.put(at(20_000, signup(MINE, 1, plan="later"), start=1))
        await asyncio.sleep(5)
        assert list(around.tables.states(0)) == [PSEUDONYM]
        assert (await stored_head(around)).forgotten == 1
        await zombie.close()
        await first.close()

    runs(test)


def test_a_state_that_a_backup_brought_back_is_forgotten_again() -> None:
    """A backup knows neither the request nor the pseudonym; the tombstone lies in the topic all the same."""

    async def test(around: Forgetting) -> None:
        tombstone = Tombstone(3_000, [], KEY.check, STREAM_ID, 0)
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0), signup(ALSO_MINE, 1)))
        await asyncio.sleep(1)
        before = await around.amounts(partition)
        around.topic.others.append(TombstoneRecord(0, HASH.encode(), msgspec.json.encode(tombstone)))
        await partition.close()
        await around.context.forgotten.refresh()
        around.tables.reads.clear()
        successor = await around.partition()
        await asyncio.sleep(5)
        assert sorted(around.tables.states(0)) == sorted([ALSO_MINE, PSEUDONYM])
        assert around.tables.reads["states"] == 1  # the pseudonym's: theirs lies in the redo log
        assert await around.amounts(successor) == before
        assert around.tombstones() == []
        assert (await stored_head(around)).tombstones == 0  # with the next commit
        successor.put(at(3_001, signup(MINE, 1), start=2))
        await asyncio.sleep(1)
        assert ((await stored_head(around)).forgotten, (await stored_head(around)).tombstones) == (1, 1)
        await successor.close()

    runs(test)


def test_another_stream_over_the_same_topics_forgets_too() -> None:
    """New workers beside the old ones, with a group and a prefix of their own, are how tables are counted anew."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0), signup(ALSO_MINE, 1)))
        await asyncio.sleep(1)
        before = await around.amounts(partition)
        elsewhere = Tombstone(3_000, [], KEY.check, "another stream", 7)
        around.topic.others.append(TombstoneRecord(0, HASH.encode(), msgspec.json.encode(elsewhere)))
        await around.context.forgotten.refresh()
        await asyncio.sleep(5)
        assert sorted(around.tables.states(0)) == sorted([ALSO_MINE, PSEUDONYM])
        assert await around.amounts(partition) == before
        await partition.close()

    runs(test)


def test_tombstones_of_other_partitions_have_nobody_looked_for() -> None:
    """A scan of all customers for each that is forgotten anywhere would be a scan too many."""

    async def test(around: Forgetting) -> None:
        elsewhere = Tombstone(3_000, [], KEY.check, STREAM_ID, 1)
        around.topic.others.append(TombstoneRecord(0, HASH.encode(), msgspec.json.encode(elsewhere)))
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0)))
        await asyncio.sleep(1)
        await around.context.forgotten.refresh()
        await asyncio.sleep(5)
        assert list(around.tables.states(0)) == [MINE]
        await partition.close()

    runs(test)


def test_what_a_program_without_tombstones_counted_since_is_taken_back() -> None:
    """After a step back to an older version the customer is there twice, and the second time should not be."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0), signup(ALSO_MINE, 0)))
        await around.ask()
        await asyncio.sleep(5)
        before = await around.amounts(partition)
        await partition.close()
        old = await another(around, Forgotten())
        old.put(at(20_000, signup(MINE, 1), start=2))
        await asyncio.sleep(1)
        assert MINE in around.tables.states(0)
        await old.close()
        await around.ask()
        newer = await around.partition()
        await asyncio.sleep(5)
        assert sorted(around.tables.states(0)) == sorted([ALSO_MINE, PSEUDONYM])
        assert await around.amounts(newer) == before
        assert len(around.tombstones()) == 1
        await newer.close()

    runs(test)


def test_batches_are_applied_while_many_are_forgotten() -> None:
    """Whoever erases all trials of last year must not hold up the numbers of today."""

    async def test(around: Forgetting) -> None:
        for number in range(45):
            await around.ask(f"nobody-{number:02}")
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0)))
        await asyncio.sleep(9)
        commits_each = 2
        assert [isinstance(commit, float) for commit in around.commits].index(False) == 20 * commits_each
        assert (len(around.tombstones()), await around.tables.forget_requests(0)) == (45, {})
        assert partition.forget_requests == 0
        await partition.close()

    runs(test)


def test_commits_that_forget_are_timed_and_are_no_batches() -> None:
    """Batches of no records in no time would make all others look larger and slower than they are."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0)))
        await around.ask()
        await asyncio.sleep(5)
        assert [result.records for result in around.results] == [1]
        between = [commit for commit in around.commits if isinstance(commit, float)]
        assert len(between) == 3  # the first writes what the redo log holds: nothing happens any more
        assert min(between) > 0
        await partition.close()

    runs(test)


def test_a_request_waits_for_a_worker_with_its_key() -> None:
    """Under another key the tombstone would name nobody who can be found again."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        partition.put(at(1_000, signup(MINE, 0)))
        await around.ask()
        await asyncio.sleep(9)
        assert (list(around.tables.states(0)), around.tombstones(), partition.fault) == ([MINE], [], None)
        assert MINE in await around.tables.forget_requests(0)
        assert partition.forget_requests == 1
        await partition.close()

    runs(test, key=None)
    runs(test, key=ForgetKey("another key of thirty-two characters"))


def test_requests_with_another_key_do_not_hold_up_those_with_ours() -> None:
    """They wait for somebody else, for as long as it takes; whoever came first by name must not be in the way."""

    async def test(around: Forgetting) -> None:
        others = [f"!{number:02}" for number in range(45)]
        for customer in others:
            await around.tables.ask_to_forget(0, customer, encode_request(ForgetRequest(1, "another")))
        await around.ask()
        partition = await around.partition()
        await asyncio.sleep(9)
        assert (list(await around.tables.forget_requests(0)), partition.fault) == (others, None)
        assert len(around.tombstones()) == 1
        await partition.close()

    runs(test)


def test_half_carried_out_without_the_key_halts_the_partition() -> None:
    """The tombstone may have been sent; going on would count what should be left out."""

    async def test(around: Forgetting) -> None:
        decided = ForgetRequest(1, KEY.check, Tombstone(1, [], KEY.check, STREAM_ID, 0))
        await around.tables.ask_to_forget(0, MINE, encode_request(decided))
        partition = await around.partition()
        await asyncio.sleep(1)
        assert around.heard[-1] == "halted by Halt"
        assert "TENURE_FORGET_KEY is not set" in str(partition.fault)
        await partition.close()

    runs(test, key=None)


def test_a_customer_of_whom_nothing_is_stored_gets_a_tombstone_all_the_same() -> None:
    """Their partition may just be counted anew: what comes of them counts for the pseudonym, and nothing later."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        await around.ask()
        await asyncio.sleep(5)
        partition.put(at(1_000, signup(MINE, 0)))
        await asyncio.sleep(1)
        assert list(around.tables.states(0)) == [PSEUDONYM]
        assert len(around.tombstones()) == 1
        await partition.close()

    runs(test)


def test_the_schedule_of_surveys_forgets_the_customer_too() -> None:
    """A hash without a key is found by trying ids, and a request that waits names the customer."""

    async def test(around: Forgetting) -> None:
        asked = SentRequests({}, from_ms=0)
        asked.add(MINE, DAY_MS)
        asked.add(ALSO_MINE, DAY_MS)
        pending = [("regular", MINE, b"{}"), ("regular", ALSO_MINE, b"{}")]
        schedule = Schedule(VERSION, 0, 0, pending)
        await around.tables.commit(SCHEDULES, schedule_commit(None, schedule, asked.take_changes()))
        partition = await around.partition()
        await around.ask()
        await asyncio.sleep(5)
        stored = (await around.tables.load(SCHEDULES)).head
        assert stored is not None
        assert read_schedule(0, stored).pending == [("regular", ALSO_MINE, b"{}")]
        left = SentRequests({"1": around.tables.states(SCHEDULES)["1"]}, from_ms=0)
        assert [left.is_quiet(customer, DAY_MS, 1) for customer in (MINE, ALSO_MINE)] == [False, True]
        await partition.close()

    runs(test)


def test_restatements_of_periods_do_not_name_events_of_the_forgotten() -> None:
    """Ids of events often begin with whose they are."""

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        march_ms = 1_740_787_200_000
        partition.put(at(march_ms, signup(MINE, 0, id="of-mine"), signup(ALSO_MINE, 1, id="of-another")))
        await asyncio.sleep(1)
        used = {"type": "activity", "customer_id": MINE, "time": "2025-01-02T00:00:00Z", "id": "used-by-mine"}
        done = used | {"type": "onboarding", "id": "done-by-mine"}
        others = used | {"customer_id": ALSO_MINE, "time": "2025-01-03T00:00:00Z", "id": "used-by-another"}
        partition.put(at(march_ms, *(json.dumps(each).encode() for each in (used, done, others)), start=2))
        await asyncio.sleep(1)
        request = encode_request(ForgetRequest(march_ms, KEY.check))
        await around.tables.ask_to_forget(0, MINE, request)
        await asyncio.sleep(5)
        partition.put(at(march_ms, signup(MINE, 2, id="late-of-mine"), start=5))
        await asyncio.sleep(1)
        known = await around.tables.restated(0, list(await around.tables.restated(0)))
        entries = [entry for each in known.values() for entry in each.entries]
        assert [each.revision for each in known.values()] == [len(each.entries) for each in known.values()]
        named = b"".join(entries)
        assert [name in named for name in (b"of-another", b"used-by-another")] == [True, True]
        assert b"mine" not in named
        await partition.close()

    runs(test)


def test_the_list_of_periods_is_read_once_for_all_who_are_forgotten() -> None:
    """It grows with every period and count: read for each customer again, it would hold up the partition."""

    async def test(around: Forgetting) -> None:
        march_ms = 1_740_787_200_000
        first = await around.partition()
        first.put(at(march_ms, signup(MINE, 0, id="of-mine"), signup(ALSO_MINE, 1, id="of-another")))
        await asyncio.sleep(1)
        await first.close()
        for customer in (MINE, ALSO_MINE):
            await around.tables.ask_to_forget(0, customer, encode_request(ForgetRequest(march_ms, KEY.check)))
        around.tables.reads.clear()
        partition = await around.partition()
        await asyncio.sleep(5)
        assert around.tables.reads["restated"] == 1
        left = [await around.tables.restatements(0, period) for period in await around.tables.restated(0)]
        assert [len(entries) for entries in left] == [2, 2]
        assert b"of-" not in b"".join(entry for entries in left for entry in entries)
        await partition.close()

    runs(test)


@pytest.mark.parametrize("longest", [128, 129])
def test_no_event_can_name_a_pseudonym(longest: int) -> None:
    """Whoever sends events could otherwise add to the forgotten, or ask for them."""
    assert is_pseudonym("x" * longest) is (longest > 128)
    assert is_pseudonym(PSEUDONYM)
    assert ForgottenCustomer(KEY, MINE, Tombstone(1, [], KEY.check, "", 0)).pseudonym == PSEUDONYM

    async def test(around: Forgetting) -> None:
        partition = await around.partition()
        partition.put(batch(json.dumps({**json.loads(signup(MINE)), "customer_id": PSEUDONYM}).encode()))
        await asyncio.sleep(1)
        assert (await stored_head(around)).dead_letters == {"invalid_member": 1}
        await partition.close()

    runs(test)
