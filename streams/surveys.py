"""Requests for surveys that are due: how far the schedule of each partition has got, and the requests it sends.

The schedule of a partition is a table of its own beside the partition's, with commits that are fenced by its head. One
commit decides: it remembers who is asked and holds the requests. They are sent only then, and sent again by whoever
finds them in the head, until the next commit, which follows Kafka's acknowledgement, takes them out. So a request comes
at least once, always under its id, and what was decided is not decided anew from facts that have changed since.

When a survey is due: `kpis.surveys.due`. Who was asked: `kpis.surveys.sent`. Why so: docs/decisions, surveys by
scanning.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from kpis.customer.pseudonyms import is_pseudonym
from kpis.customer.state import decode
from kpis.surveys.due import KEPT_MS, Policy, SurveyQuestion, request_of, surveys_due
from kpis.surveys.sent import SentRequests, slots_of
from schemas import instruments
from schemas.instants import DAY_MS
from schemas.survey_requests import SURVEY_RULES, encode
from streams.batching.sender import Outgoing
from streams.clock import Clock
from streams.errors import CommitTorn, Conflict, TenureError
from streams.partition.outbox import Delivery
from streams.partition.partition import Partition
from streams.partition.stream import Stream
from streams.records import NO_HEADERS, TP
from streams.settings.settings import Settings
from streams.survey_schedule import SCHEDULES, VERSION, Schedule, read_schedule, schedule_commit

log = structlog.get_logger(__name__)
SETTLING_MS: Final = 10 * 60_000
"""So long after the end of a bucket its surveys are decided: events reach the log a little late."""
_SHARE: Final = 50
"""Looking at customers takes one part in so many of a core's time, at most."""
_READING: Final = 1.5
"""What looking at customers costs with reading them, over what it costs without (ratio); measured: 1.4."""
_FIRST_PAUSE_SECONDS: Final = 2.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
_STEP: Final = 500
"""Customers that are looked at in one go (count)."""
_CHUNK: Final = 1000
"""Requests that one commit holds, at most, but for those of one step (count)."""


def policy_of(settings: Settings) -> Policy:
    """Return what settings ask for."""
    pairs = {rule: question.split("/") for rule, question in settings.survey_rules.items()}
    return Policy(
        questions=tuple(
            msgspec.convert((rule, *pairs[rule]), SurveyQuestion) for rule in SURVEY_RULES if rule in pairs
        ),
        regular_ms=settings.survey_regular_days * DAY_MS,
        quiet_ms=settings.survey_quiet_days * DAY_MS,
        bucket_ms=settings.bucket_minutes * 60_000,
        what=settings.what_counts,
    )


class _NotOurs(Exception):
    """The partition is not, or not safely, this worker's any more."""


class _Held:
    """One partition's schedule in memory, as long as the partition is owned in one go."""

    def __init__(self, partition: Partition, stored: bytes | None) -> None:
        self.partition = partition
        self.stored = stored
        self.schedule = None if stored is None else read_schedule(partition.number, stored)
        #: whether Kafka has what is pending, although Redis does not know yet
        self.sent = False


class SurveyScheduler:
    """Asks for what is due on the partitions that this worker owns."""

    def __init__(
        self, stream: Stream, policy: Policy, *, topic: str, clock: Clock, session_timeout_seconds: float
    ) -> None:
        """Ask for nothing yet.

        Args:
            stream: The worker's stream, with its consumer.
            policy: What the settings ask for.
            topic: Where requests go.
            clock: Which surveys are due depends on it.
            session_timeout_seconds: A worker that Kafka has not heard from for so long sends nothing.
        """
        self._stream = stream
        self._policy = policy
        self._topic = topic
        self._clock = clock
        self._session_timeout_seconds = session_timeout_seconds
        self._held: dict[int, _Held] = {}
        #: by partition: not before that time of the loop, and the pause after one more failure (s)
        self._failed: dict[int, tuple[float, float]] = {}

    async def look(self) -> None:
        """Ask for what has fallen due since the last look; never raises for what Kafka, Redis or a state does."""
        now = asyncio.get_running_loop().time()
        for number in sorted(self._stream.partitions):
            again_at, pause = self._failed.get(number, (0.0, _FIRST_PAUSE_SECONDS))
            if now < again_at:
                continue
            try:
                await self._look_at(number)
            except (_NotOurs, Conflict, CommitTorn) as fault:
                self._held.pop(number, None)
                log.info("survey_schedule_lost", partition=number, cause=type(fault).__name__)
            except Exception as error:
                if isinstance(error, TenureError):
                    log.warning("survey_requests_waiting", partition=number, reason=str(error), pause_seconds=pause)
                else:
                    self._held.pop(number, None)
                    log.exception("survey_requests_failed", partition=number, pause_seconds=pause)
                self._failed[number] = (now + pause, min(2 * pause, _LONGEST_PAUSE_SECONDS))
            else:
                self._failed.pop(number, None)
        self._meter()

    async def _look_at(self, number: int) -> None:
        partition = self._stream.partitions.get(number)
        if partition is None:
            return
        to_ms = self._settled_until(partition) // self._policy.bucket_ms * self._policy.bucket_ms
        if not to_ms or not self._is_ours(partition):
            return
        held = self._held.get(number)
        if held is None or held.partition is not partition:
            stored = await self._stored_schedule(number)
            held = self._held[number] = _Held(partition, stored)
        schedule = held.schedule
        if schedule is None:
            # Nothing that was due before surveys were switched on is asked for: nobody expects that flood.
            await self._store(held, Schedule(VERSION, to_ms, to_ms))
            return
        if schedule.pending:
            await self._settle(held)
        if schedule.until_ms < to_ms:
            await self._decide(held, schedule, to_ms)

    async def _stored_schedule(self, number: int) -> bytes | None:
        """Return the head of a partition's schedule; one with half of a commit in it is removed, and begins anew."""
        tables, holds = self._stream.context.tables, self._stream.context.holds
        try:
            stored = await tables.read_head(SCHEDULES + number)
        except CommitTorn:
            log.warning("survey_schedule_begun_anew", partition=number, reason="Redis has carried out half of a commit")
            await tables.clear(SCHEDULES + number)
            return None
        if holds is not None:
            await holds.look(SCHEDULES + number, stored)
        return stored

    # -- whether

    def _is_ours(self, partition: Partition) -> bool:
        """Return whether a partition is owned, complete and at work, and Kafka still knows us."""
        stream = self._stream
        if stream.partitions.get(partition.number) is not partition:
            return False
        if partition.recovering or partition.fault is not None or partition.number in stream.halted:
            return False
        return stream.consumer().last_heartbeat_age_seconds() <= self._session_timeout_seconds

    def _check(self, partition: Partition) -> None:
        """Raise _NotOurs where it is not."""
        if not self._is_ours(partition):
            raise _NotOurs

    def _settled_until(self, partition: Partition) -> int:
        """Return the instant before which all events are applied, as far as one can know (ms since 1970); 0: unknown.

        A topic with a backlog has got as far as Kafka's timestamp of the last record applied.
        """
        stream = self._stream
        consumer, until_ms = stream.consumer(), self._clock.now_ms()
        for topic in stream.context.topics:
            tp = TP(topic, partition.number)
            if consumer.end_offset(tp) is None or consumer.reading_position(tp) is None:
                return 0
            if partition.lag(topic, consumer):
                until_ms = min(until_ms, partition.last_record_ms.get(topic, 0))
        return max(0, until_ms - SETTLING_MS)

    # -- deciding and sending

    async def _decide(self, held: _Held, schedule: Schedule, to_ms: int) -> None:
        """Decide what is due up to an instant, send it, and move the schedule on."""
        number, policy, tables = held.partition.number, self._policy, self._stream.context.tables
        from_ms, since_ms = schedule.until_ms, schedule.since_ms
        if from_ms < to_ms - KEPT_MS:  # what is older has expired
            from_ms = since_ms = to_ms - KEPT_MS
        slots = slots_of(from_ms - policy.quiet_ms, to_ms)
        stored = await tables.read_states(SCHEDULES + number, slots)
        asked = SentRequests(dict(zip(slots, stored, strict=True)), from_ms=from_ms - policy.quiet_ms)
        waiting: list[tuple[str, str, bytes]] = []
        async for _, customers in tables.scan_states([number]):
            for step in _steps(customers):
                began = time.perf_counter()
                for customer_id, state in step:
                    if is_pseudonym(customer_id):
                        continue
                    for due in surveys_due(decode(state), policy, since_ms=since_ms, from_ms=from_ms, to_ms=to_ms):
                        if not asked.is_quiet(customer_id, due.due_ms, policy.quiet_ms):
                            asked.add(customer_id, due.due_ms)
                            request = request_of(customer_id, due, policy.bucket_ms)
                            waiting.append((request.rule, customer_id, encode(request)))
                spent_seconds = _READING * (time.perf_counter() - began)
                if len(waiting) >= _CHUNK:
                    await self._ask(held, waiting, asked.take_changes())
                    waiting = []
                await asyncio.sleep((_SHARE - 1) * spent_seconds)
                self._check(held.partition)
        if waiting:
            await self._ask(held, waiting, asked.take_changes())
        await self._store(held, Schedule(VERSION, since_ms, to_ms))

    async def _ask(self, held: _Held, requests: list[tuple[str, str, bytes]], asked: Mapping[str, bytes]) -> None:
        """Store what was decided, and send it."""
        assert held.schedule is not None
        await self._store(held, msgspec.structs.replace(held.schedule, pending=requests), asked)
        await self._settle(held)

    async def _settle(self, held: _Held) -> None:
        """Send what is decided, and strike it off; only a kill in between, and no outage of Redis, sends it twice."""
        if not held.sent:
            await self._send(held)
        assert held.schedule is not None
        await self._store(held, msgspec.structs.replace(held.schedule, pending=[]))

    async def _send(self, held: _Held) -> None:
        """Send what is decided; returns once Kafka has all of it."""
        self._check(held.partition)
        assert held.schedule is not None
        pending = held.schedule.pending
        records = [
            Outgoing(self._topic, None, customer_id.encode(), request, None, NO_HEADERS)
            for _, customer_id, request in pending
        ]
        await self._stream.context.outbox.send(Delivery(records))
        held.sent = True
        sent = self._stream.meters[instruments.SURVEY_REQUESTS]
        for rule, count in Counter(rule for rule, _, _ in pending).items():
            sent.labels(rule).inc(count)

    async def _store(self, held: _Held, schedule: Schedule, asked: Mapping[str, bytes] | None = None) -> None:
        """Commit a schedule, with who is asked.

        Raises:
            Conflict: Another worker has moved it on.
        """
        commits = 0 if held.schedule is None else held.schedule.commits
        schedule = msgspec.structs.replace(schedule, commits=commits + 1, writer=uuid.uuid4().bytes)
        commit = schedule_commit(held.stored, schedule, asked or {})
        await self._stream.context.tables.commit(SCHEDULES + held.partition.number, commit)
        held.stored, held.schedule, held.sent = commit.head, schedule, False

    def _meter(self) -> None:
        """Say how far schedules have got."""
        got = self._stream.meters[instruments.SURVEY_SCHEDULE]
        got.clear()
        for number, held in self._held.items():
            if held.schedule is not None and self._stream.partitions.get(number) is held.partition:
                got.labels(str(number)).set(held.schedule.until_ms / 1000)


def _steps(customers: Sequence[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, bytes]]]:
    for at in range(0, len(customers), _STEP):
        yield customers[at : at + _STEP]
