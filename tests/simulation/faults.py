"""What may happen to the workers, the Redis and the log of a simulated run: one function a kind of fault.

Each draws from a source of its own, and begins whatever the others are at: several may be under way at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Final

from streams.records import TP
from streams.tables import decode_head
from tests.simulation.store import EVERYBODY
from tests.simulation.workers import Trap

if TYPE_CHECKING:
    from tests.simulation.product import Run
    from tests.simulation.workers import SimulatedWorker

STEPS: Final = (
    "commit:asked", "commit:asked", "commit:answered", "commit:answered", "checkpoint:asked", "checkpoint:answered",
    "load:answered", "read_redo:answered", "read_group:answered", "read_spans:answered", "read_written:answered",
    "mark:answered", "clear:answered", "note:answered", "log:send", "log:send", "log:commit", "log:committed",
    "log:join", "log:fetch",
)  # fmt: skip
"""Steps of a commit, a checkpoint of the redo log and a recovery, within which something may happen."""
MOST_WORKERS: Final = 4


async def _pause(draws: Random, least_seconds: float, most_seconds: float) -> None:
    await asyncio.sleep(draws.uniform(least_seconds, most_seconds))


def _somebody(run: Run, draws: Random) -> SimulatedWorker | None:
    at_work = run.at_work()
    return draws.choice(at_work) if at_work else None


async def crash(run: Run, draws: Random) -> None:
    """Kill a worker; another comes at once, later, or when nobody else is left."""
    worker = _somebody(run, draws)
    if worker is not None:
        worker.crash()
        await _replace(run, draws)


async def _replace(run: Run, draws: Random) -> None:
    await _pause(draws, 0, 15)
    if not run.running() or draws.random() < 0.5:
        await run.join()


async def freeze(run: Run, draws: Random) -> None:
    """Have a worker heard of no more, though it works on; it comes to itself after its session is over."""
    worker = _somebody(run, draws)
    if worker is not None:
        worker.freeze()
        await _let_it_come_to_itself(run, worker, draws)


async def _let_it_come_to_itself(run: Run, worker: SimulatedWorker, draws: Random) -> None:
    await _pause(draws, 0, 4)
    if len(run.running()) == 1:
        await run.join()
    await _pause(draws, 8, 25)
    if worker.is_at_work:
        worker.freeze(False)


async def restart(run: Run, draws: Random) -> None:
    """Stop a worker in good order, and start another."""
    worker = _somebody(run, draws)
    if worker is not None:
        await worker.stop()
        await run.join()


async def grow(run: Run, draws: Random) -> None:
    """Add a worker."""
    await _pause(draws, 0, 1)
    await run.join()


async def swizzle(run: Run, draws: Random) -> None:
    """Stop things one by one, and let go of them in another order: workers, and ways to Redis."""
    workers = run.at_work()
    chosen = draws.sample(workers, draws.randint(0, len(workers)))
    now = run.simulation.loop.time()
    for worker in chosen:
        if draws.random() < 0.5 and worker.is_at_work:
            worker.freeze()
        else:
            run.store.away_until_seconds[worker.name] = now + 60
        await _pause(draws, 0, 3)
    draws.shuffle(chosen)
    for worker in chosen:
        await _pause(draws, 0, 6)
        run.store.away_until_seconds.pop(worker.name, None)
        if worker.is_at_work:
            worker.freeze(False)


async def outage(run: Run, draws: Random) -> None:
    """Have Redis answer nobody for a while."""
    run.store.away_until_seconds[EVERYBODY] = run.simulation.loop.time() + draws.uniform(0.5, 12)


async def cut_off(run: Run, draws: Random) -> None:
    """Have Redis answer one worker no more for a while."""
    worker = _somebody(run, draws)
    if worker is not None:
        run.store.away_until_seconds[worker.name] = run.simulation.loop.time() + draws.uniform(0.5, 30)


async def lose_commits(run: Run, draws: Random) -> None:
    """Have Redis come back without its last seconds."""
    backup = run.store.saved()
    await _pause(draws, 0.1, 4)
    run.store.restore(backup)


async def restore_a_backup(run: Run, draws: Random) -> None:
    """Put what Redis held a while ago in its place."""
    backup = run.store.saved()
    await _pause(draws, 5, 40)
    run.store.restore(backup)


async def start_empty(run: Run, draws: Random) -> None:
    """Have Redis lose everything."""
    await _pause(draws, 0, 20)
    run.store.lose_everything()


async def fail_over(run: Run, draws: Random) -> None:
    """Have a replica that lags take over, while some workers do not hear of it and go on with the old primary."""
    replica = run.store.saved()
    await _pause(draws, 0.05, 3)
    names = [worker.name for worker in run.running()]
    run.store.fail_over(replica, draws.sample(names, draws.randint(0, len(names))))
    await _pause(draws, 0.2, 10)
    run.store.end_of_the_old_one()


async def tear_a_commit(run: Run, draws: Random) -> None:
    """Have Redis lose its last seconds and, at its next start, carry out half of a commit."""
    backup = run.store.saved()
    await _pause(draws, 2, 10)
    run.store.fall_back_within_a_commit(backup)
    for _ in range(600):  # at the first commit that closes the transaction, before all is applied again
        await asyncio.sleep(0.02)
        if run.store.load_again():
            break


async def slow_log(run: Run, draws: Random) -> None:
    """Have the log take its time."""
    run.simulation.slowness = (draws.choice((10, 40)), run.simulation.loop.time() + draws.uniform(2, 15))


async def jump_the_clock(run: Run, draws: Random) -> None:
    """Set the clocks of workers forward or back by minutes, hours or days; later perhaps right again."""
    run.clock_error_ms = draws.choice((-1, 1, 1)) * draws.choice((60_000, 3_600_000, 26 * 3_600_000))
    await _pause(draws, 1, 20)
    if draws.random() < 0.5:
        run.clock_error_ms = 0


async def _within(run: Run, draws: Random, spring: Callable[[str], None]) -> None:
    """Lay a trap for whoever comes to some step next; take it away where nobody does."""
    trap = Trap(draws.choice(STEPS), draws.randint(1, 6), spring)
    run.simulation.traps.append(trap)
    await asyncio.sleep(30)
    if trap in run.simulation.traps:
        run.simulation.traps.remove(trap)


def _named(run: Run, name: str) -> SimulatedWorker:
    return next(worker for worker in (*run.workers, *run.commands) if worker.name == name)


async def kill_within(run: Run, draws: Random) -> None:
    """Kill a worker between two steps."""
    await _within(run, draws, lambda name: _named(run, name).crash())
    await _replace(run, draws)


async def freeze_within(run: Run, draws: Random) -> None:
    """Make a zombie of a worker between two steps, and give its partitions to another."""
    frozen: list[SimulatedWorker] = []

    def spring(name: str) -> None:
        if _named(run, name).is_at_work:
            frozen.append(_named(run, name))
            frozen[0].freeze()
            run.store.away_until_seconds[name] = run.simulation.loop.time() + draws.uniform(0, 25)

    await _within(run, draws, spring)
    for worker in frozen:
        await _let_it_come_to_itself(run, worker, draws)


async def lose_within(run: Run, draws: Random) -> None:
    """Have Redis lose what came in the last seconds, or all, just when a worker is between two steps."""
    backup, everything = run.store.saved(), draws.random() < 0.2
    await _within(run, draws, lambda _: run.store.lose_everything() if everything else run.store.restore(backup))


async def delete_the_beginning(run: Run, draws: Random) -> None:
    """Have the log delete its oldest records of a topic's partition: some that were counted, or all there are."""
    log = run.simulation.cluster.log
    for number in draws.sample(range(4), draws.randint(1, 3)):
        head = (await run.store.load(number)).head
        counted = decode_head(head).positions if head else {}
        topics = [topic for topic, at in sorted(counted.items()) if at]
        if topics:
            part = log.partition(TP(draws.choice(topics), number))
            part.delete_before(draws.randint(1, part.end))
    if draws.random() < 0.7:  # what was counted of it may be counted no more
        await draws.choice((lose_commits, start_empty, fail_over, restore_a_backup))(run, draws)


async def make_a_topic_anew(run: Run, draws: Random) -> None:
    """Delete a topic, and create it anew, empty."""
    log = run.simulation.cluster.log
    there = sorted(topic for topic in run.settings.input_topics if topic in log.topics)
    if there:
        log.recreate_topic(draws.choice(there))


async def forget(run: Run, draws: Random) -> None:
    """Ask for a customer to be forgotten."""
    await run.forget(draws)


async def forget_and_restore(run: Run, draws: Random) -> None:
    """Have tables come back as they were before somebody was forgotten, and without the request."""
    backup = run.store.saved()
    await run.forget(draws)
    await _pause(draws, 3, 9)
    run.store.restore(backup)


async def rebuild(run: Run, draws: Random) -> None:
    """Build the tables anew, out of the facts or out of the log; be killed over it, now and then."""
    await run.rebuild(draws)


FAULTS: Final[dict[str, Callable[[Run, Random], Awaitable[None]]]] = {
    fault.__name__: fault
    for fault in (
        crash, freeze, restart, grow, swizzle, outage, cut_off, lose_commits, restore_a_backup, start_empty, fail_over,
        tear_a_commit, slow_log, jump_the_clock, kill_within, freeze_within, lose_within, delete_the_beginning,
        make_a_topic_anew, forget, forget_and_restore, rebuild,
    )
}  # fmt: skip
