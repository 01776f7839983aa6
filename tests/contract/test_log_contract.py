"""What every log must do, run against the embedded log and a real Kafka."""

from __future__ import annotations

from itertools import pairwise

from streams.batching.consumer import Fetched
from streams.errors import PositionOutOfRange, TablesUnavailable
from streams.records import TP
from tests.contract.logs import Ledger, LogUnderTest, Worker

# Computed by org.apache.kafka.common.utils.Utils.murmur2 of Kafka 4.1: of customer-0 to customer-39, these.
KAFKA_CHOOSES_0 = [2, 3, 5, 8, 11, 12, 14, 17, 18, 19, 20, 22, 23, 25, 28, 29, 34, 35, 36, 37]


async def test_records_of_a_partition_come_once_and_in_their_order(log: LogUnderTest, topic: str, prefix: str) -> None:
    """The position is compared with the batch's start: an order or a gap of its own would look like another writer."""
    expected = [b"%d" % i for i in range(2_500)]
    await log.append(topic, expected, partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger, batch_max_records=1_000):
        await ledger.until(lambda: ledger.total() == 2_500)
        await log.append(topic, [b"later"], partition=0)
        await ledger.until(lambda: ledger.total() == 2_501)
    assert ledger.values(topic, 0) == [*expected, b"later"]
    assert [r.offset for r in ledger.records[TP(topic, 0)]] == list(range(2_501))
    assert ledger.refused == []


async def test_batches_join_without_gaps_and_keep_to_the_limit(log: LogUnderTest, topic: str, prefix: str) -> None:
    """A batch is the unit of commit: its size bounds memory, its edges are compared with the stored position."""
    await log.append(topic, [b"x"] * 950, partition=1)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger, batch_max_records=100):
        await ledger.until(lambda: ledger.total() == 950)
    edges = [(batch.start, batch.end) for batch in ledger.batches]
    assert edges[0][0] == 0
    assert edges[-1][1] == 950
    assert all(end == start for (_, end), (start, _) in pairwise(edges))
    assert max(len(batch) for batch in ledger.batches) <= 100


async def test_records_keep_timestamp_headers_and_absent_key(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Decoding reads CloudEvents from headers and judges times by the record's; forwarding looks at the key."""
    headers = (("ce_type", b"signup"), ("ce_type", b"twice"))
    await log.append(topic, [b"value"], partition=0, key=b"c-1", timestamp_ms=1_700_000_000_123, headers=headers)
    await log.append(topic, [b"keyless"], partition=0)
    await log.append(topic, [None], partition=0, key=b"c-2")
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 3)
    first, second, third = ledger.records[TP(topic, 0)]
    assert (first.topic, first.partition, first.offset) == (topic, 0, 0)
    assert (first.timestamp, first.key, first.value) == (1_700_000_000_123, b"c-1", b"value")
    assert tuple(first.headers) == headers
    assert (second.key, second.value, tuple(second.headers)) == (None, b"keyless", ())
    assert (third.key, third.value) == (b"c-2", None)


async def test_keys_choose_the_partition_that_kafka_would_choose(log: LogUnderTest, topic: str, prefix: str) -> None:
    """A customer's partition is computed in three places; they must agree."""
    for i in range(40):
        await log.append(topic, [b"%d" % i], key=b"customer-%d" % i)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 40)
    assert sorted(int(value or b"") for value in ledger.values(topic, 0)) == KAFKA_CHOOSES_0


async def test_stored_positions_decide_where_reading_begins(log: LogUnderTest, topic: str, prefix: str) -> None:
    """The position lies with the data; the group's committed offset may be ahead of it or lost."""
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    await log.append(topic, [b"%d" % i for i in range(10)], partition=1)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 20)
    restored = Ledger()
    restored.positions[TP(topic, 0)] = 7
    async with Worker(log, prefix, [topic], restored) as worker:
        await restored.until(lambda: restored.total() == 13)
        assert worker.asked == [frozenset({0, 1})]
    assert restored.values(topic, 0) == [b"7", b"8", b"9"]
    assert restored.values(topic, 1) == [b"%d" % i for i in range(10)]


async def test_positions_are_asked_for_until_the_tables_answer(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Redis may be away when partitions are assigned; the worker waits and goes on by itself."""
    await log.append(topic, [b"x"], partition=0)
    ledger = Ledger()
    worker = Worker(log, prefix, [topic], ledger)
    worker.failures = [TablesUnavailable("Redis", "away"), TablesUnavailable("Redis", "away")]
    async with worker:
        await ledger.until(lambda: ledger.total() == 1)
    assert len(worker.asked) == 3


async def test_a_rebalance_does_not_wait_for_the_tables(log: LogUnderTest, topic: str, prefix: str) -> None:
    """One worker without its Redis must not stop the group: the others' partitions go on."""
    ledger = Ledger()
    waiting, working = Worker(log, prefix, [topic], ledger), Worker(log, prefix, [topic], ledger)
    waiting.failures = [TablesUnavailable("Redis", "away") for _ in range(1_000)]
    async with waiting, working:
        await ledger.until(lambda: len(working.owned) == 1 and len(waiting.owned) == 1)
        (number,) = working.owned
        await log.append(topic, [b"x"], partition=number)
        await ledger.until(lambda: ledger.total() == 1)
    assert ledger.batches[0].partition == number


async def test_a_static_member_that_comes_back_finds_its_partitions_and_disturbs_nobody(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """A deployment restarts workers one by one; each restart would otherwise stop the whole group twice."""
    ledger = Ledger()
    settings = {"session_timeout_seconds": 10.0}
    other = Worker(log, prefix, [topic], ledger, instance_id="b", **settings)
    async with other:
        async with Worker(log, prefix, [topic], ledger, instance_id="a", **settings) as first:
            await ledger.until(lambda: len(first.owned) == 1 and len(other.owned) == 1)
            owned, seen = first.owned, len(other.assignments)
        async with Worker(log, prefix, [topic], ledger, instance_id="a", **settings) as again:
            await ledger.until(lambda: bool(again.owned))
            assert again.owned == owned
            for number in (0, 1):
                await log.append(topic, [b"x"], partition=number)
            await ledger.until(lambda: ledger.total() == 2)
            assert len(other.assignments) == seen


async def test_moving_back_reads_again_and_makes_the_buffered_stale(log: LogUnderTest, topic: str, prefix: str) -> None:
    """After a conflict the stored position is the truth; batches that wait in a queue come from before it."""
    await log.append(topic, [b"%d" % i for i in range(100)], partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 100)
        buffered = ledger.batches[-1]
        stale_before = buffered.stale
        ledger.positions[TP(topic, 0)] = 40
        worker.app.batch_consumer.move_to(TP(topic, 0), 40)
        assert (stale_before, buffered.stale) == (False, True)
        await ledger.until(lambda: ledger.total() == 160)
        await log.append(topic, [b"end"], partition=0)
        await ledger.until(lambda: ledger.total() == 161)
    assert ledger.values(topic, 0)[100:] == [*(b"%d" % i for i in range(40, 100)), b"end"]


async def test_a_move_that_crosses_a_read_loses_nothing(log: LogUnderTest, topic: str, prefix: str) -> None:
    """A reload finds most topics where they were read to; a read that was asked for before it may come after it."""
    ledger, tp = Ledger(), TP(topic, 0)
    async with Worker(log, prefix, [topic], ledger) as worker:
        consumer = worker.app.batch_consumer
        read = consumer._read

        async def crossed(active: frozenset[TP], timeout_seconds: float) -> list[Fetched]:
            if tp in active:
                consumer.move_to(tp, ledger.positions.get(tp, 0))
                await read(frozenset(), 0.0)  # takes the wake-up that comes with a move
            return await read(active, timeout_seconds)

        consumer._read = crossed  # type: ignore[method-assign]
        for total in range(100, 600, 100):
            await log.append(topic, [b"%d" % i for i in range(total - 100, total)], partition=0)
            await ledger.until(lambda total=total: ledger.total() == total)  # type: ignore[misc]
    assert ledger.values(topic, 0) == [b"%d" % i for i in range(500)]


async def test_moving_wakes_a_fetch_that_waits(log: LogUnderTest, topic: str, prefix: str) -> None:
    """The stream is idle, a fetch waits at the end; a conflict must not wait for the next record."""
    await log.append(topic, [b"a", b"b"], partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 2)
        for expected in (4, 6, 8):
            del ledger.positions[TP(topic, 0)]
            asked_seconds = worker.app.loop.time()
            worker.app.batch_consumer.move_to(TP(topic, 0), 0)
            await ledger.until(lambda expected=expected: ledger.total() == expected)  # type: ignore[misc]
            assert worker.app.loop.time() - asked_seconds < 0.9
    assert ledger.refused == []


async def test_holes_of_offsets_are_no_gaps(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Aborted transactions and their markers take offsets; nothing was lost, and nothing may look lost."""
    await log.append(topic, [b"before"], partition=0)
    await log.abort_transaction(topic, 0, 3)
    await log.append(topic, [b"after"], partition=0)
    await log.abort_transaction(topic, 0, 2)
    end = await log.end(TP(topic, 0))
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger):
        await ledger.until(lambda: ledger.positions.get(TP(topic, 0)) == end)
    assert ledger.values(topic, 0) == [b"before", b"after"]
    assert [record.offset for record in ledger.records[TP(topic, 0)]] == [0, 5]
    assert end == 9
    assert ledger.refused == []


async def test_a_hole_at_the_end_moves_the_position(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Otherwise the lag never reaches zero, and retention would one day overtake a position that lost nothing."""
    await log.append(topic, [b"only"], partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 1)
        await log.abort_transaction(topic, 0, 1)
        end = await log.end(TP(topic, 0))
        await ledger.until(lambda: ledger.positions[TP(topic, 0)] == end)
    assert end == 3


async def test_what_there_is_no_room_for_is_not_read_and_holds_up_nothing_else(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """One partition whose tables do not answer is no reason for the others to stand still."""
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        worker.full.add(TP(topic, 0))
        for partition in (0, 1):
            await log.append(topic, [b"x"] * 5, partition=partition)
        await ledger.until(lambda: len(ledger.values(topic, 1)) == 5)
        assert ledger.values(topic, 0) == []
        worker.full.clear()
        worker.app.batch_consumer.look_again()
        await ledger.until(lambda: len(ledger.values(topic, 0)) == 5)


async def test_a_position_behind_the_earliest_record_halts_its_partition(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """Records that retention deleted were never counted; going on would be wrong by an unknown number."""
    for partition in (0, 1):
        await log.append(topic, [b"%d" % i for i in range(10)], partition=partition)
    await log.delete_before(topic, 0, 6)
    ledger = Ledger()
    ledger.positions[TP(topic, 0)] = 3
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: bool(worker.halts) and ledger.total() == 10)
        assert [str(halt) for halt in worker.halts] == [str(PositionOutOfRange(topic, 0, 3, 6, 10))]
        assert list(worker.app.batch_consumer.halted) == [TP(topic, 0)]
    assert ledger.values(topic, 0) == []


async def test_a_position_beyond_the_end_halts_its_partition(log: LogUnderTest, topic: str, prefix: str) -> None:
    """The topic was created anew or lost its tail: the offsets to come are not those that were counted."""
    await log.append(topic, [b"0", b"1"], partition=0)
    ledger = Ledger()
    ledger.positions[TP(topic, 0)] = 5
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: bool(worker.halts))
        assert [str(halt) for halt in worker.halts] == [str(PositionOutOfRange(topic, 0, 5, 0, 2))]
        await log.append(topic, [b"%d" % i for i in range(2, 8)], partition=0)
        await log.append(topic, [b"other"], partition=1)
        await ledger.until(lambda: ledger.total() == 1)
    assert ledger.values(topic, 0) == []


async def test_records_deleted_while_reading_halt_the_partition(log: LogUnderTest, topic: str, prefix: str) -> None:
    """A worker that is far behind may be overtaken by retention; that must not look like a short cut."""
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 10)
        await log.delete_before(topic, 0, 8)
        worker.app.batch_consumer.move_to(TP(topic, 0), 4)
        await ledger.until(lambda: bool(worker.halts))
        assert [str(halt) for halt in worker.halts] == [str(PositionOutOfRange(topic, 0, 4, 8, 10))]
    assert ledger.total() == 10


async def test_a_partition_number_lies_on_one_worker_in_all_topics(log: LogUnderTest, prefix: str) -> None:
    """A customer's events lie on one partition number in nine topics, and only one worker holds the customer."""
    topics = [f"{prefix}{i}" for i in range(9)]
    for name in topics:
        await log.create_topic(name, 6)
    ledger = Ledger()
    workers = [Worker(log, prefix, topics, ledger) for _ in range(3)]
    async with workers[0], workers[1], workers[2]:
        await ledger.until(lambda: sorted(len(w.owned) for w in workers) == [2, 2, 2])
        for worker in workers:
            expected = {TP(name, number) for name in topics for number in worker.owned}
            assert set(worker.app.consumer.assignment()) == expected
        assert sorted(n for w in workers for n in w.owned) == list(range(6))


async def test_a_worker_that_joins_takes_no_more_than_its_share(log: LogUnderTest, prefix: str) -> None:
    """Partitions that stay keep their cached states; those that move are loaded again."""
    topic = f"{prefix}events"
    await log.create_topic(topic, 6)
    ledger = Ledger()
    first, second, third = (Worker(log, prefix, [topic], ledger) for _ in range(3))
    async with first, second:
        await ledger.until(lambda: len(first.owned) == 3 and len(second.owned) == 3)
        before = (first.owned, second.owned)
        async with third:
            await ledger.until(lambda: [len(w.owned) for w in (first, second, third)] == [2, 2, 2])
            assert first.owned < before[0]
            assert second.owned < before[1]


async def test_a_silent_workers_partitions_move_and_nothing_is_lost(log: LogUnderTest, topic: str, prefix: str) -> None:
    """A killed worker says no good-bye; the others go on from the stored positions after its session."""
    ledger = Ledger()
    first, second = Worker(log, prefix, [topic], ledger), Worker(log, prefix, [topic], ledger)
    async with first, second:
        await ledger.until(lambda: len(first.owned) == 1 and len(second.owned) == 1)
        for partition in (0, 1):
            await log.append(topic, [b"%d" % i for i in range(50)], partition=partition)
        await ledger.until(lambda: ledger.total() == 100)
        await log.silence(first.app)
        await log.append(topic, [b"%d" % i for i in range(50, 60)], partition=0)
        await log.append(topic, [b"%d" % i for i in range(50, 60)], partition=1)
        await ledger.until(lambda: second.owned == frozenset({0, 1}) and ledger.total() == 120)
        assert second.app.batch_consumer.last_heartbeat_age_seconds() < 2.0
        assert first.app.batch_consumer.last_heartbeat_age_seconds() > 1.0
    for partition in (0, 1):
        assert ledger.values(topic, partition) == [b"%d" % i for i in range(60)]


async def test_batches_carry_the_generation_of_their_assignment(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Logs and fences name the generation, so that a late batch can be told from a present one."""
    ledger = Ledger()
    first, second = Worker(log, prefix, [topic], ledger), Worker(log, prefix, [topic], ledger)
    async with first:
        await log.append(topic, [b"x"], partition=0)
        await ledger.until(lambda: ledger.total() == 1)
        early = ledger.batches[0]
        async with second:
            await ledger.until(lambda: len(first.owned) == 1 and len(second.owned) == 1)
            await log.append(topic, [b"y"], partition=0)
            await ledger.until(lambda: ledger.total() == 2)
        late = ledger.batches[-1]
    assert early.lease.generation == first.assignments[0][1]
    assert late.lease.generation == second.assignments[0][1] > early.lease.generation
    assert early.stale


async def test_every_assignment_asks_for_positions_and_is_taken_back_before_the_next(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """The owner of the tables opens and closes partitions by these calls; an unpaired one leaks or doubles."""
    ledger = Ledger()
    first, second = Worker(log, prefix, [topic], ledger), Worker(log, prefix, [topic], ledger)
    async with first:
        await ledger.until(lambda: len(first.owned) == 2)
        async with second:
            await ledger.until(lambda: len(first.owned) == 1 and len(second.owned) == 1)
        await ledger.until(lambda: len(first.owned) == 2)
    given = [partitions for partitions, _ in first.assignments]
    assert given == first.revoked
    assert first.asked == [partitions for partitions in given if partitions]
    generations = [generation for _, generation in first.assignments]
    assert generations == sorted(set(generations))


async def test_the_end_of_a_partition_is_known_after_a_read(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Lag is the end less the stored position; it is exported for every partition."""
    await log.append(topic, [b"x"] * 5, partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 5)
        assert worker.app.batch_consumer.end_offset(TP(topic, 0)) == 5
        assert worker.app.batch_consumer.reading_position(TP(topic, 0)) == 5


async def test_what_the_application_sends_lies_in_the_log(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Dead letters and forwarded records go this way; forwarding keeps the timestamp to the millisecond."""
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        sent = await worker.app.sender.deliver(
            topic, key=b"c", value=b"v", partition=1, timestamp_ms=1_700_000_000_123, headers=[("h", b"1")]
        )
        metadata = await sent
        await ledger.until(lambda: ledger.total() == 1)
    assert (metadata.topic, metadata.partition, metadata.offset) == (topic, 1, 0)
    record = ledger.records[TP(topic, 1)][0]
    assert (record.key, record.value, record.timestamp) == (b"c", b"v", 1_700_000_000_123)
    assert tuple(record.headers) == (("h", b"1"),)
