"""What every log must know of what was counted before, run against the embedded log and a real Kafka."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

import pytest

from streams.batching import locating
from streams.errors import Lost, StateLost, TopicRecreated
from streams.kafka import fetcher
from streams.records import TP
from tests.contract.logs import PATIENCE_SECONDS, Ledger, LogUnderTest, Worker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.batching.locating import LocatingConsumer


async def _count(log: LogUnderTest, topic: str, prefix: str, ledger: Ledger, records: int = 10) -> None:
    """Let a worker count records of partition 0, and end."""
    await log.append(topic, [b"%d" % i for i in range(records)], partition=0)
    async with Worker(log, prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == records)


async def test_kafka_knows_where_counting_began_before_anything_is_counted(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """It is the only word of the tables that a lost Redis cannot take away; a crash may come right after the commit."""
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    await log.delete_before(topic, 0, 4)
    ledger = Ledger()
    worker = Worker(log, prefix, [topic], ledger)
    worker.full |= {TP(topic, 0), TP(topic, 1)}
    async with worker:
        await ledger.until(lambda: bool(worker.asked))
        consumer = worker.app.batch_consumer
        assert consumer._locating is not None
        await consumer._locating
        assert await log.committed(prefix, TP(topic, 0)) == (4, "tenure/1 first=4")
        assert await log.committed(prefix, TP(topic, 1)) == (0, "tenure/1 first=0")
    assert ledger.total() == 0


async def test_what_cannot_be_read_gets_no_witness_and_is_not_whole(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Made up from what the log has left, it would say at the next start that nothing is lost."""
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    await log.delete_before(topic, 0, 4)
    ledger = Ledger()
    worker = Worker(log, prefix, [topic], ledger)
    worker.unreadable.add(0)
    async with worker:
        consumer = worker.app.batch_consumer
        await ledger.until(lambda: bool(worker.asked))
        assert consumer._locating is not None
        await consumer._locating
        assert await log.committed(prefix, TP(topic, 0)) is None
        assert consumer.reading_position(TP(topic, 0)) is None
        assert not await consumer.has_beginning(0)
        assert await consumer.has_beginning(1)
        assert not await consumer.has_beginning(7), "of a partition that is not ours nobody knows"
    assert ledger.total() == 0


async def test_committed_offsets_carry_on_where_counting_began(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Offsets are written every few seconds, by whichever worker has the partition; the first one's word must stay."""
    await log.append(topic, [b"0", b"1", b"2"], partition=0)
    await log.delete_before(topic, 0, 1)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger):
        await ledger.until(lambda: ledger.total() == 2)
    await log.append(topic, [b"3"], partition=0)
    async with Worker(log, prefix, [topic], ledger) as second:
        await ledger.until(lambda: ledger.total() == 3)
        await second.app.consumer.commit()
        assert await log.committed(prefix, TP(topic, 0)) == (4, "tenure/1 first=1")


async def test_what_is_no_longer_stored_is_counted_again_from_the_same_offset(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """Kafka has everything that was ever counted: then nothing is lost but time."""
    ledger = Ledger()
    await _count(log, topic, prefix, ledger)
    anew = Ledger()
    async with Worker(log, prefix, [topic], anew) as worker:
        await anew.until(lambda: anew.total() == 10)
        assert worker.halts == []
    assert anew.values(topic, 0) == ledger.values(topic, 0)


async def test_an_owner_whose_tables_are_lost_knows_how_far_it_had_counted(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """The group's offsets are seconds behind: until then what is too small would be shown as whole."""
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    ledger, tp = Ledger(), TP(topic, 0)
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 10)
        worker.full |= {tp}
        ledger.positions.pop(tp, None)
        consumer = worker.app.batch_consumer
        consumer.find_anew({tp: 10})
        async with asyncio.timeout(PATIENCE_SECONDS):
            while consumer.reading_position(tp) is None:
                await asyncio.sleep(0.01)
        assert [consumer.is_counted_again(tp, position) for position in (0, 9, 10)] == [True, True, False]


async def test_what_is_counted_again_is_known_as_such_until_it_has_caught_up(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """Also after a restart half-way, when something is stored again and the group's offsets have gone back."""
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    lost, anew, tp = Ledger(), Ledger(), TP(topic, 0)
    async with Worker(log, prefix, [topic], lost) as first:
        await lost.until(lambda: lost.total() == 10)
        await first.app.consumer.commit()
    await log.append(topic, [b"more"], partition=0)
    worker = Worker(log, prefix, [topic], anew)
    worker.full |= {tp, TP(topic, 1)}
    async with worker:
        consumer = worker.app.batch_consumer
        assert consumer.is_counted_again(tp, None), "as long as nobody knows"
        await anew.until(lambda: bool(worker.asked))
        assert consumer._locating is not None
        await consumer._locating
        assert [consumer.is_counted_again(tp, position) for position in (None, 0, 9, 10)] == [True, True, True, False]
        assert not consumer.is_counted_again(TP(topic, 1), None), "nothing was counted of it"
        await consumer._commit_read({tp: 4})
        assert await log.committed(prefix, tp) == (4, "tenure/1 first=0 counted=10")
    anew.positions[tp] = 4
    worker = Worker(log, prefix, [topic], anew)
    async with worker:
        await anew.until(lambda: anew.total() == 7)
        consumer = worker.app.batch_consumer
        assert [consumer.is_counted_again(tp, position) for position in (4, 9, 10)] == [True, True, False]
        await consumer._commit_read({tp: 10})
        assert await log.committed(prefix, tp) == (10, "tenure/1 first=0")


async def test_what_is_no_longer_stored_halts_where_the_log_has_lost_its_beginning(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """A worker that began at what is left would show a tenth of all customers, and look well."""
    await _count(log, topic, prefix, Ledger())
    await log.delete_before(topic, 0, 9)
    anew = Ledger()
    async with Worker(log, prefix, [topic], anew) as worker:
        await anew.until(lambda: bool(worker.halts))
        (halt,) = worker.halts
        assert isinstance(halt, StateLost)
        assert (halt.partition, halt.position, halt.beginning, halt.goes_on_at, halt.cause) == (0, 0, 9, 9, "position")
    assert anew.total() == 0


async def test_a_topic_that_is_read_for_the_first_time_begins_at_what_there_is(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """A topic that is added to the settings later is no loss, whatever its retention has deleted before."""
    ledger = Ledger()
    await _count(log, topic, prefix, ledger)
    other = f"{prefix}later"
    await log.create_topic(other, 2)
    await log.append(other, [b"%d" % i for i in range(5)], partition=0)
    await log.delete_before(other, 0, 3)
    async with Worker(log, prefix, [topic, other], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 12)
        assert worker.halts == []
    assert ledger.values(other, 0) == [b"3", b"4"]


async def test_a_topic_that_was_made_anew_halts_even_when_it_has_grown_past_the_position(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """Its offsets mean other records: what lies below the old position would be skipped without a word."""
    ledger = Ledger()
    await _count(log, topic, prefix, ledger)
    await log.recreate_topic(topic)
    await log.append(topic, [b"new %d" % i for i in range(20)], partition=0)
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: bool(worker.halts))
        (halt,) = worker.halts
        assert isinstance(halt, TopicRecreated)
        assert (halt.partition, halt.position, halt.goes_on_at, halt.cause) == (0, 10, 0, "topicrecreated")
    assert ledger.total() == 10


@pytest.mark.parametrize("is_gone", [False, True])
async def test_a_topic_that_is_made_anew_while_a_worker_looks_for_its_place_halts(
    log: LogUnderTest, topic: str, prefix: str, monkeypatch: pytest.MonkeyPatch, *, is_gone: bool
) -> None:
    """The id that was asked for before, or that there was none between the two topics, says nothing of the new one."""
    ledger = Ledger()
    await _count(log, topic, prefix, ledger)
    worker = Worker(log, prefix, [topic], ledger)
    monkeypatch.setattr(fetcher, "METADATA_AGE_MS", 1_000)
    kind = worker.app.transport.Consumer
    asked, topic_ids = count(), kind._topic_ids

    async def make_anew() -> None:
        await log.recreate_topic(topic)
        await log.append(topic, [b"new %d" % i for i in range(20)], partition=0)

    async def made_anew_after_the_first_question(self: LocatingConsumer, topics: Iterable[str]) -> dict[str, str]:
        ids: dict[str, str] = await topic_ids(self, topics)
        if next(asked):
            return ids
        # Whoever looks may lose the partition meanwhile, as a topic that is gone has none.
        await asyncio.shield(asyncio.ensure_future(make_anew()))
        return {} if is_gone else ids

    monkeypatch.setattr(kind, "_topic_ids", made_anew_after_the_first_question)
    async with worker:
        await ledger.until(lambda: any(isinstance(halt, TopicRecreated) for halt in worker.halts))
    assert ledger.total() == 10


async def test_a_topic_that_is_made_anew_under_a_running_worker_halts(
    log: LogUnderTest, topic: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetches know a topic by its name alone, so that one that has grown is read on as if nothing had happened."""
    monkeypatch.setattr(locating, "TOPIC_LOOK_SECONDS", 0.2)
    monkeypatch.setattr(fetcher, "METADATA_AGE_MS", 1_000)
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: ledger.total() == 10)
        await log.recreate_topic(topic)
        await log.append(topic, [b"new %d" % i for i in range(20)], partition=0)
        await ledger.until(lambda: any(isinstance(halt, TopicRecreated) for halt in worker.halts))
        assert isinstance(worker.app.batch_consumer.halted[TP(topic, 0)], TopicRecreated)


async def test_accepted_losses_are_gone_past_and_the_witness_knows(log: LogUnderTest, topic: str, prefix: str) -> None:
    """The tables begin anew at what is left. Lost once more, with the consent, they lack it still: that is a loss."""
    await _count(log, topic, prefix, Ledger())
    await log.delete_before(topic, 0, 9)
    anew, tp = Ledger(), TP(topic, 0)
    async with Worker(log, prefix, [topic], anew) as worker:
        await anew.until(lambda: bool(worker.halts))
        consumer = worker.app.batch_consumer
        (move,) = await consumer.go_on(list(consumer.halted.values()))
        assert (move.end, move.moves, move.stale, len(move)) == (9, True, False, 0)
        assert await log.committed(prefix, tp) == (9, "tenure/1 first=0 resumed=9")
        await anew.until(lambda: anew.total() == 1)
        assert dict(consumer.halted) == {}
        assert await consumer.first_record_ms(tp) == 1_700_000_000_000
        await log.append(topic, [b"10"], partition=0)
        await anew.until(lambda: anew.total() == 2)
        assert await consumer.has_beginning(0), "of what is in the tables the log has all"
    again = Ledger()
    async with Worker(log, prefix, [topic], again) as worker:
        await again.until(lambda: bool(worker.halts))
        (halt,) = worker.halts
        assert isinstance(halt, StateLost)
        assert (halt.position, halt.goes_on_at) == (0, 9)
        await worker.app.batch_consumer.go_on([halt])
        await again.until(lambda: again.total() == 2)
        assert await log.committed(prefix, tp) == (9, "tenure/1 first=0 resumed=9")


async def test_what_a_topic_that_is_gone_held_can_never_be_counted_again(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """Once that loss is accepted, tables that are lost too must not be counted from the new topic alone."""
    ledger = Ledger()
    await _count(log, topic, prefix, ledger)
    await log.recreate_topic(topic)
    await log.append(topic, [b"new"], partition=0)
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: bool(worker.halts))
        consumer = worker.app.batch_consumer
        (move,) = await consumer.go_on(list(consumer.halted.values()))
        assert move.end == 0
    anew = Ledger()
    async with Worker(log, prefix, [topic], anew) as worker:
        await anew.until(lambda: bool(worker.halts))
        assert [type(halt) for halt in worker.halts] == [StateLost]


async def test_a_loss_that_is_over_is_not_given_up(log: LogUnderTest, topic: str, prefix: str) -> None:
    """Somebody restored Redis while another accepted the loss: the position that came back is the right one."""
    ledger, tp = Ledger(), TP(topic, 0)
    await log.append(topic, [b"%d" % i for i in range(10)], partition=0)
    await log.delete_before(topic, 0, 6)
    ledger.positions[tp] = 3
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: bool(worker.halts))
        consumer = worker.app.batch_consumer
        faults: list[Lost] = list(consumer.halted.values())
        ledger.positions[tp] = 8
        consumer.move_to(tp, 8)
        assert await consumer.go_on(faults) == []
        await ledger.until(lambda: ledger.total() == 2)
