"""Asking for surveys that are due: when the schedule moves, and that whatever fails asks nobody twice.

Everything is real but time, the log and the tables' place: customers come out of the fold, tables are those in memory.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any, Final

import pytest

from kpis.counting.cells import EMPTY
from kpis.customer.pseudonyms import ForgetKey, pseudonym_of
from kpis.customer.state import decode
from kpis.fold.fold import Fold
from kpis.instants import instant_of
from kpis.names import Names
from kpis.surveys.due import request_of, surveys_due
from schemas import instruments
from schemas.decoding.decoder import Decoder
from schemas.instants import DAY_MS, milliseconds
from schemas.survey_requests import SurveyRequest
from schemas.survey_requests import decode as decode_request
from streams.batching.sender import Outgoing
from streams.clock import ManualClock
from streams.embedded.tables import MemoryTables
from streams.errors import LogUnavailable, TablesUnavailable
from streams.metrics.meters import Meters
from streams.partition.outbox import Delivery
from streams.settings.settings import Settings
from streams.survey_schedule import SCHEDULES, Schedule, encode_schedule
from streams.surveys import SETTLING_MS, SurveyScheduler, policy_of
from streams.tables import Commit, Erasure, Written
from tests.property.folding import LATEST_MS, Line
from tests.unit.streams.partitions import on_virtual_time

HOUR_MS: Final = 3_600_000
START_MS: Final = milliseconds(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
NUMBER: Final = 3


class Killed(BaseException):
    """The worker is gone, as after SIGKILL: nothing of it runs on."""


class World:
    """One partition's tables, the log that requests go to, and a clock; everything may fail where it is touched."""

    def __init__(self, seed: int = 0, *, failures: float = 0.0, **settings: Any) -> None:
        """Begin on the first of January, 2026, without customers."""
        self.random = Random(seed)
        self.failures = failures
        self.errors: tuple[BaseException, ...] = (
            TablesUnavailable("Redis", "planted"), LogUnavailable("Kafka", "planted"), Killed(),
        )  # fmt: skip
        self.failed = 0
        self.settings = Settings(survey_requests=True, **settings)
        self.clock = ManualClock(START_MS + SETTLING_MS)
        self.tables = _Tables(self)
        self.sent: list[Outgoing] = []
        self.heartbeat_age_seconds = 0.0
        self.ends_known = True
        self.waiting = 0
        self.applied_ms = 0
        self.lose_redis_after_sending = self.redis_lost = False
        self._fold = Fold(Names())
        self._states: dict[str, bytes] = {}
        self._decoder = Decoder(latest_ms=LATEST_MS)

    async def step(self) -> None:
        """Be touched: wait, and perhaps fail."""
        await asyncio.sleep(self.random.random())
        if self.random.random() < self.failures:
            self.failed += 1
            raise self.random.choice(self.errors)

    def worker(self) -> SurveyScheduler:
        """Return a worker's schedule; the worker believes that it owns the partition."""
        partition = SimpleNamespace(
            number=NUMBER,
            recovering=False,
            fault=None,
            lag=lambda _topic, _consumer: self.waiting,
            last_record_ms={self.settings.input_topics[0]: self.applied_ms},
        )
        consumer = SimpleNamespace(
            last_heartbeat_age_seconds=lambda: self.heartbeat_age_seconds,
            end_offset=lambda _tp: 0 if self.ends_known else None,
            reading_position=lambda _tp: 0,
        )
        stream: Any = SimpleNamespace(
            partitions={NUMBER: partition},
            halted={},
            meters=Meters(),
            context=SimpleNamespace(tables=self.tables, outbox=self, topics=self.settings.input_topics[:1], holds=None),
            consumer=lambda: consumer,
        )
        self.stream = stream
        topic, policy = self.settings.survey_request_topic, policy_of(self.settings)
        return SurveyScheduler(stream, policy, topic=topic, clock=self.clock, session_timeout_seconds=10)

    async def send(self, delivery: Delivery) -> None:
        """Take records one by one, as far as it goes."""
        for parcel in delivery.waiting:
            await self.step()
            record = parcel.form(0)
            assert record is not None
            self.sent.append(record)
        await self.step()
        self.redis_lost = self.lose_redis_after_sending

    async def tell(self, *events: dict[str, object]) -> None:
        """Fold events, and store the states."""
        decoded = self._decoder.decode([Line(json.dumps(event).encode()) for event in events])
        assert not decoded.refused, decoded.refused
        new, _ = self._fold.fold(decoded.events, decoded.times, self._states)
        head = (await MemoryTables.load(self.tables, NUMBER)).head
        commit = Commit(head, self.random.randbytes(8), new, EMPTY, {})
        await MemoryTables.commit(self.tables, NUMBER, commit)

    def requests(self) -> list[SurveyRequest]:
        """Return what a receiver keeps that drops what it knows, by customer and instant."""
        kept = {request.id: request for request in (decode_request(record.value or b"") for record in self.sent)}
        return sorted(kept.values(), key=lambda request: (request.customer_id, request.due_at))

    def due(self, until_ms: int) -> list[SurveyRequest]:
        """Return what the facts of now say should have been asked for since the beginning."""
        policy = policy_of(self.settings)
        return [
            request_of(customer_id, due, policy.bucket_ms)
            for customer_id in sorted(self._states)
            for due in surveys_due(
                decode(self._states[customer_id]), policy, since_ms=START_MS, from_ms=START_MS, to_ms=until_ms
            )
        ]


class _Tables(MemoryTables):
    """Tables that fail as the world does, before a call takes effect or after."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def read_head(self, partition: int) -> bytes | None:
        await self._world.step()
        return await super().read_head(partition)

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        await self._world.step()
        return await super().read_states(partition, customers)

    async def commit(self, partition: int, commit: Commit) -> None:
        if self._world.redis_lost:
            raise TablesUnavailable("Redis", "planted")
        await self._world.step()
        await super().commit(partition, commit)
        await self._world.step()


def event(of_type: str, customer: str, at_ms: int, number: int = 0, **members: object) -> dict[str, object]:
    """Return an event; `number` makes its id."""
    own = {"type": of_type, "id": f"{of_type}{number}", "customer_id": customer, "time": instant_of(at_ms).isoformat()}
    plan = {"plan": "pro", "mrr_minor": 5} if of_type == "signup" else {}
    return own | plan | members


def test_first_look_marks_the_beginning_and_later_ones_ask_once_a_bucket_is_settled() -> None:
    """Who switches surveys on does not expect the surveys of all the years before."""

    async def test() -> None:
        world = World()
        await world.tell(*(event("signup", f"c{n}", START_MS - 7 * DAY_MS + n * HOUR_MS // 2) for n in range(-3, 4)))
        asking = world.worker()
        await asking.look()
        assert world.sent == []
        world.clock.advance_ms(HOUR_MS - 1)
        await asking.look()
        assert world.sent == []
        world.clock.advance_ms(1)
        await asking.look()
        assert [request.customer_id for request in world.requests()] == ["c0", "c1"]
        world.clock.advance_ms(HOUR_MS)
        await asking.look()
        await asking.look()
        assert [request.customer_id for request in world.requests()] == ["c0", "c1", "c2", "c3"]
        assert len(world.sent) == 4
        assert {(record.topic, record.key) for record in world.sent} == {
            ("tenure.survey-requests", f"c{n}".encode()) for n in range(4)
        }
        sent = world.stream.meters[instruments.SURVEY_REQUESTS].labels("first_week")
        assert sent._value.get() == 4
        until = world.stream.meters[instruments.SURVEY_SCHEDULE].labels(str(NUMBER))
        assert until._value.get() == (START_MS + 2 * HOUR_MS) / 1000

    on_virtual_time(test)


def test_nobody_asks_the_forgotten() -> None:
    """A pseudonym has an age and an active subscription; a request would go to nobody, under a name that is none."""

    async def test() -> None:
        world = World()
        pseudonym = pseudonym_of(ForgetKey("a key of thirty-two characters..").hash_of("c0"))
        signups = [event("signup", f"c{n}", START_MS - 7 * DAY_MS + n) for n in range(2)]
        await world.tell(*signups)
        head = (await MemoryTables.load(world.tables, NUMBER)).head
        states = world.tables.states(NUMBER)
        written = Written({**states, pseudonym: states["c0"]}, kept=1)
        commit = Commit(head, b"new", {}, EMPTY, {}, erasure=Erasure(["c0"]), written=written)
        await MemoryTables.commit(world.tables, NUMBER, commit)
        asking = world.worker()
        await asking.look()
        world.clock.advance_ms(HOUR_MS)
        await asking.look()
        assert [request.customer_id for request in world.requests()] == ["c1"]

    on_virtual_time(test)


@pytest.mark.parametrize("doubt", ["zombie", "recovering", "halted", "fault", "ends", "backlog"])
def test_nothing_is_asked_while_it_is_in_doubt_what_happened(doubt: str) -> None:
    """A worker that does not know the latest events could ask a customer who has left, or for another worker."""

    async def test() -> None:
        world = World()
        await world.tell(event("signup", "c", START_MS - 7 * DAY_MS))
        asking = world.worker()
        await asking.look()
        world.clock.advance_ms(HOUR_MS)
        stream = world.stream
        partition = stream.partitions[NUMBER]
        if doubt == "zombie":
            world.heartbeat_age_seconds = 11
        elif doubt == "recovering":
            partition.recovering = True
        elif doubt == "halted":
            stream.halted[NUMBER] = ValueError()
        elif doubt == "fault":
            partition.fault = ValueError()
        elif doubt == "ends":
            world.ends_known = False
        else:
            world.waiting = 1
            partition.last_record_ms[world.settings.input_topics[0]] = START_MS + SETTLING_MS + HOUR_MS - 1
        await asking.look()
        assert world.sent == []
        world.heartbeat_age_seconds, world.ends_known, world.waiting = 0, True, 0
        partition.recovering, partition.fault = False, None
        stream.halted.clear()
        await asking.look()
        assert len(world.sent) == 1

    on_virtual_time(test)


def test_partition_that_leaves_in_the_middle_is_left_alone() -> None:
    """Its new owner decides on it; whoever is late finds another head."""

    async def test() -> None:
        world = World()
        await world.tell(*(event("signup", f"c{n}", START_MS - 7 * DAY_MS) for n in range(3)))
        asking = world.worker()
        await asking.look()
        world.clock.advance_ms(HOUR_MS)
        looking = asyncio.ensure_future(asking.look())
        await asyncio.sleep(0.01)
        world.stream.partitions.clear()
        await looking
        assert world.sent == []
        await world.worker().look()
        assert len(world.sent) == 3

    on_virtual_time(test)


def test_outage_that_lasts_longer_than_requests_are_kept_asks_for_the_rest_alone() -> None:
    """Two weeks later nobody remembers the first week."""

    async def test() -> None:
        world = World()
        await world.worker().look()
        await world.tell(*(event("signup", f"c{n:02}", START_MS + (n - 6) * DAY_MS) for n in range(20)))
        world.clock.advance_ms(20 * DAY_MS)
        await world.worker().look()
        found = {request.customer_id for request in world.requests()}
        assert found == {f"c{n:02}" for n in range(12, 19)}
        assert min(request.expires_at for request in world.requests()) >= instant_of(START_MS + 20 * DAY_MS)

    on_virtual_time(test)


def test_worker_that_fails_waits_longer_each_time_and_begins_again() -> None:
    """Each new try may look at all customers; an outage must not turn into load, nor into a flood of log lines."""

    async def test() -> None:
        world = World()
        await world.tell(event("signup", "c", START_MS - 7 * DAY_MS))
        asking = world.worker()
        await asking.look()
        world.clock.advance_ms(HOUR_MS)
        world.failures, world.errors = 1.0, (TablesUnavailable("Redis", "planted"), ValueError("planted"))
        for _ in range(200):
            await asking.look()
            await asyncio.sleep(2)
        assert 7 <= world.failed <= 12
        world.failures = 0.0
        await asyncio.sleep(60)
        await asking.look()
        assert len(world.requests()) == 1

    on_virtual_time(test)


def test_what_was_sent_is_not_sent_again_because_redis_went_away() -> None:
    """An outage of ten minutes would become a flood; only a worker that is killed in between sends twice."""

    async def test() -> None:
        world = World()
        await world.worker().look()
        await world.tell(*(event("signup", f"c{n}", START_MS - 7 * DAY_MS) for n in range(3)))
        world.clock.advance_ms(HOUR_MS)
        asking = world.worker()
        world.lose_redis_after_sending = True
        for _ in range(300):
            await asking.look()
            await asyncio.sleep(2)
        assert len(world.sent) == 3
        world.lose_redis_after_sending = False
        world.redis_lost = False
        await asyncio.sleep(60)
        await asking.look()
        assert (len(world.sent), len(world.requests())) == (3, 3)

    on_virtual_time(test)


def test_schedule_of_a_later_version_is_left_as_it_is() -> None:
    """A worker that was rolled back must not guess."""

    async def test() -> None:
        world = World()
        head = encode_schedule(Schedule(2, 0, 0))
        await MemoryTables.commit(world.tables, SCHEDULES + NUMBER, Commit(None, head, {}, EMPTY, {}))
        await world.worker().look()
        assert await MemoryTables.read_head(world.tables, SCHEDULES + NUMBER) == head

    on_virtual_time(test)


def test_more_requests_than_fit_into_a_commit_are_sent_in_several() -> None:
    """An import of a whole customer base falls due within one bucket."""

    async def test() -> None:
        world = World()
        await world.worker().look()
        await world.tell(*(event("signup", f"c{n}", START_MS - 7 * DAY_MS) for n in range(2_600)))
        world.clock.advance_ms(HOUR_MS)
        await world.worker().look()
        assert (len(world.sent), len(world.requests())) == (2_600, 2_600)

    on_virtual_time(test)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("late", [False, True], ids=["in-time", "late"])
def test_each_request_comes_once_whoever_is_killed_and_nobody_is_asked_too_soon(seed: int, *, late: bool) -> None:
    """Two workers that both believe to own the partition, each killed now and then, on a Redis and a Kafka that fail.

    In time: every survey that was due is asked for, under the id that the facts say. Late: facts may say later that
    something else was due; then it may be left out, but the interval holds.
    """

    async def test() -> None:
        world = World(seed, failures=0.1, survey_regular_days=6, survey_quiet_days=3)
        random = Random(f"{seed}/events")
        await _look_well(world)
        workers = [world.worker(), world.worker()]
        numbers = iter(range(10**6))
        for _ in range(100):
            now_ms = world.clock.now_ms() - SETTLING_MS
            back_ms = random.randrange(20 * DAY_MS) if late and random.random() < 0.3 else 0
            for _ in range(random.randrange(3)):
                kind = random.choice(("signup", "signup", "signup", "cancel", "survey"))
                members = {"kind": "nps", "score": 3} if kind == "survey" else {}
                at_ms = now_ms - back_ms + random.randrange(HOUR_MS)
                await world.tell(event(kind, f"c{random.randrange(8)}", at_ms, next(numbers), **members))
            world.clock.advance_ms(random.randrange(1, 20) * HOUR_MS)
            await asyncio.sleep(60)  # a worker that failed waits
            answers = await asyncio.gather(*(worker.look() for worker in workers), return_exceptions=True)
            workers = [
                world.worker() if isinstance(answer, BaseException) else worker
                for worker, answer in zip(workers, answers, strict=True)
            ]
        await _look_well(world)
        found = world.requests()
        assert len(found) > 20
        if not late:
            assert found == world.due((world.clock.now_ms() - SETTLING_MS) // HOUR_MS * HOUR_MS)
        for before, after in pairwise(found):
            if before.customer_id == after.customer_id:
                assert after.due_at - before.due_at >= dt.timedelta(days=3)

    on_virtual_time(test)


async def _look_well(world: World) -> None:
    """Have a new worker look while nothing fails."""
    failures, world.failures = world.failures, 0.0
    await world.worker().look()
    world.failures = failures
