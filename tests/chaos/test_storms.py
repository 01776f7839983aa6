"""A hundred thousand events flow to three workers while things break; in the end every number is exactly right."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest

from services.installation import TENURE, Installation, WorkerProcess, until
from tests.chaos.crowd import AT, crowd
from tests.recount.report import Json, recount

if TYPE_CHECKING:
    from services.process import Process, StartProcess

pytestmark = pytest.mark.alone

SEED = 20_261_122
CUSTOMERS = 20_000
RECORDS_A_SECOND = 9_000
#: a worker that is not heard of for so long loses its partitions
SESSION_SECONDS = 2
QUICK = {"TENURE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS), "TENURE_BATCH_MAX_RECORDS": "1000"}


@cache
def records() -> list[bytes]:
    """Return the events of all tests here."""
    return crowd(Random(SEED), customers=CUSTOMERS)


@cache
def expected() -> list[Json]:
    """Return what the recount makes of them; it takes a while, once."""
    return recount(records(), at=AT[-1:])


class Storm:
    """Three workers, and a publisher that sends all events at a steady rate."""

    def __init__(self, installation: Installation, start_process: StartProcess) -> None:
        self.installation = installation
        self.random = Random(SEED)
        installation.environment |= QUICK
        installation.create_topics()
        self.workers = [installation.worker() for _ in range(3)]
        until(lambda: self.owned() == [0, 1, 2, 3], "an owner for each partition")
        file = installation.file_of(records())
        command = [TENURE, "publish", str(file), "--rate", str(RECORDS_A_SECOND)]
        self.publisher: Process = start_process(command, installation.environment)
        until(lambda: bool(installation.heads()), "the first commit")

    def owned(self) -> list[int]:
        """Return which partitions workers say they own, once for each that says so."""
        return sorted(itertools.chain.from_iterable(worker.owned() for worker in self.workers))

    def commits(self) -> int:
        """Return how many commits there were so far, over all partitions."""
        return sum(head.commits for head in self.installation.heads().values())

    def until_it_goes_on(self) -> None:
        """Wait for a commit, or for the end of the events."""
        before = self.commits()
        until(lambda: self.commits() > before or self.installation.is_applied(), "another commit")

    def rage(self, break_something: Callable[[], None], *, times: int) -> None:
        """Break something again and again while events flow: so many times, or twice on a machine that is too slow."""
        broken = 0
        while broken < times and self.publisher.running:
            break_something()
            broken += 1
        assert broken >= min(times, 2), "all was sent before things broke"
        assert self.publisher.wait(seconds=120) == 0, self.publisher.output

    def check(self) -> None:
        """Hold the numbers against the recount's, once everything is applied; then stop the workers in good order."""
        self.installation.until_applied(seconds=90)
        assert self.installation.kpi("--at", AT[-1].isoformat()) == expected()
        for worker in self.workers:
            assert worker.process.stop(seconds=15) == 0, worker.process.output[-2000:]


def test_counts_are_exact_when_workers_are_killed_and_started_again(
    installation: Installation, start_process: StartProcess
) -> None:
    """The everyday fault: a machine dies, and another worker takes over in the middle of a batch."""
    storm = Storm(installation, start_process)

    def kill_one() -> None:
        victim = storm.random.choice(storm.workers)
        victim.process.kill()
        storm.until_it_goes_on()
        victim.process.start()
        until(victim.has_begun, "the worker that was started again")

    storm.rage(kill_one, times=4)
    storm.check()


def test_counts_are_exact_when_workers_stand_still_and_come_back_as_zombies(
    installation: Installation, start_process: StartProcess
) -> None:
    """A worker that was stopped for longer than its session goes on as if nothing were; others have its partitions."""
    storm = Storm(installation, start_process)

    def others_own_everything(zombie: WorkerProcess) -> bool:
        others = (worker.owned() for worker in storm.workers if worker is not zombie)
        return sorted(itertools.chain.from_iterable(others)) == [0, 1, 2, 3]

    def stop_one() -> None:
        zombie = storm.random.choice(storm.workers)
        zombie.process.pause()
        until(lambda: others_own_everything(zombie), "others take over")
        storm.until_it_goes_on()
        zombie.process.resume()

    storm.rage(stop_one, times=3)
    storm.check()


def test_counts_are_exact_when_redis_is_killed_paused_and_loses_its_last_moments(
    installation: Installation, start_process: StartProcess
) -> None:
    """With appendfsync everysec a power cut takes up to a second of commits; they come again from Kafka."""
    storm = Storm(installation, start_process)
    server = installation.redis

    def lose_moments() -> None:
        moment = server.remember()
        storm.until_it_goes_on()
        storm.until_it_goes_on()
        server.restart_from(moment)
        storm.until_it_goes_on()

    def kill() -> None:
        server.restart()
        storm.until_it_goes_on()

    def stand_still() -> None:
        server.pause()
        before = [worker.get("/healthz")[0] for worker in storm.workers]
        server.resume()
        assert before == [200, 200, 200]
        storm.until_it_goes_on()

    ways = itertools.cycle((lose_moments, kill, stand_still))
    storm.rage(lambda: next(ways)(), times=6)  # noqa: PLW0108 - another way each time
    storm.check()


def test_counts_are_exact_when_kafka_is_killed_and_started_again(
    installation: Installation, start_process: StartProcess
) -> None:
    """Publisher and workers wait for it, and nothing is lost or counted twice."""
    storm = Storm(installation, start_process)

    def kill() -> None:
        installation.kafka.kill()
        installation.kafka.start()
        storm.until_it_goes_on()

    storm.rage(kill, times=2)
    storm.check()


def test_a_redis_that_forgot_while_nothing_happened_is_noticed_without_a_new_event(
    installation: Installation,
) -> None:
    """The last events of a day may be lost with it, and the next one comes on Monday."""
    installation.environment |= QUICK
    installation.create_topics()
    worker = installation.worker()
    few = records()[:3_000]
    installation.publish(installation.file_of(few[:1_000]))
    installation.until_applied()
    moment = installation.redis.remember()
    installation.publish(installation.file_of(few[1_000:]))
    installation.until_applied()
    installation.redis.restart_from(moment)
    assert not installation.is_applied()
    installation.until_applied(seconds=20)
    assert installation.kpi("--at", AT[0].isoformat()) == recount(few, at=AT[:1])
    assert worker.total("tenure_commit_conflicts_total") > 0


def test_numbers_come_back_when_redis_lost_everything(installation: Installation) -> None:
    """Kafka has all of it: the tables are rebuilt from the first record on."""
    installation.environment |= QUICK
    installation.create_topics()
    installation.worker()
    few = records()[:2_000]
    installation.publish(installation.file_of(few))
    installation.until_applied()
    with installation.redis.client() as client:
        mark = client.get("under-test:mark")
        client.flushall()
        client.set("under-test:mark", mark or b"")
    installation.until_applied()
    assert installation.kpi("--at", AT[0].isoformat()) == recount(few, at=AT[:1])
