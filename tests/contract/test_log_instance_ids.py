"""What every log must do where two workers have one instance id: one of them works, and the other says so."""

from __future__ import annotations

from tests.contract.logs import Ledger, LogUnderTest, Worker, heartbeats, until


def taken(*workers: Worker) -> list[bool]:
    """Return which workers say that another one uses their instance id."""
    return [worker.app.batch_consumer.instance_id_is_taken for worker in workers]


async def test_a_worker_whose_instance_id_another_one_takes_gives_way_until_the_other_is_gone(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """A copied setting: the two would take the partitions from each other for ever, and both would count them."""
    ledger = Ledger()
    older, newer = (Worker(log, prefix, [topic], ledger, instance_id="same") for _ in range(2))
    async with older:
        await ledger.until(lambda: len(older.owned) == 2)
        async with newer:
            await ledger.until(lambda: len(newer.owned) == 2)
            await until(lambda: older.app.batch_consumer.instance_id_is_taken)
            await heartbeats(newer, 6)
            for partition in (0, 1):
                await log.append(topic, [b"x"], partition=partition)
            await ledger.until(lambda: ledger.total() == 2)
            assert (older.owned, len(newer.owned)) == (frozenset(), 2)
            assert taken(older, newer) == [True, False]
        await ledger.until(lambda: len(older.owned) == 2)
        assert taken(older, newer)[0] is False
    assert (len(older.assignments), len(newer.assignments)) == (2, 1)


async def test_a_worker_that_comes_back_after_its_successor_took_over_gives_way(
    log: LogUnderTest, topic: str, prefix: str
) -> None:
    """A machine that was frozen, and replaced under the same instance id: the one that works goes on undisturbed."""
    ledger = Ledger()
    zombie, successor = (Worker(log, prefix, [topic], ledger, instance_id="same") for _ in range(2))
    async with zombie:
        await ledger.until(lambda: len(zombie.owned) == 2)
        wake = log.freeze(zombie.app)
        async with successor:
            await ledger.until(lambda: len(successor.owned) == 2)
            wake()
            await until(lambda: zombie.app.batch_consumer.instance_id_is_taken)
            await log.append(topic, [b"x"], partition=0)
            await ledger.until(lambda: ledger.total() == 1)
            assert (zombie.owned, len(successor.owned)) == (frozenset(), 2)
        await ledger.until(lambda: len(zombie.owned) == 2)
    assert len(successor.assignments) == 1
