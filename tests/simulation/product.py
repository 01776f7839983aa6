"""The product's own workers in a simulated run: what may happen to them, and what must be true at the end.

    python -m tests.simulation.product 17

repeats the run of a seed and prints what happened. Everything is real but the log, the tables and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, MutableMapping
from random import Random
from typing import TYPE_CHECKING, Any, Final

import structlog

from kpis.counting.periods import counts_in
from schemas.decoding import rules
from schemas.documents.document import plain
from schemas.instants import milliseconds
from schemas.refusals import HEADER_OFFSET, HEADER_PARTITION, HEADER_REASON, HEADER_TOPIC
from streams.errors import CommitTorn
from streams.partition.unwritten import RedoLimits
from streams.records import TP, Record
from streams.settings.settings import Settings
from streams.tables import Tables, decode_head
from tenure.stored.reading import report_of
from tenure.worker.composition import Worker, build_worker
from tests.logs.logs import generate
from tests.logs.shapes import Shape
from tests.property.cases import differences
from tests.property.rolling import counts_as_of
from tests.recount.decoding import decode
from tests.recount.records import record_of
from tests.recount.refusals import RefusedError
from tests.recount.report import recount
from tests.simulation.store import Connection, Store
from tests.simulation.workers import BROKER, SimulatedWorker, Simulation

if TYPE_CHECKING:
    from streams.embedded.transport import Cluster
    from streams.forgetting.forgotten import Forgotten

PARTITIONS: Final = 4
PATIENCE_SECONDS: Final = 900.0
SHAPE: Final = Shape(events=80, customers=12)


class ProductWorker:
    """One worker of the product, as `tenure worker` builds it."""

    def __init__(
        self, settings: Settings, tables: Tables, forgotten: Forgotten | None = None, *, redo_limits: RedoLimits
    ) -> None:
        """Build it; `forgotten` is who is, where anybody can be."""
        self.worker: Worker = build_worker(
            settings,
            broker=BROKER,
            tables=tables,
            partitions=PARTITIONS,
            stream_id="simulated",
            latest_ms=rules.LATEST_MS,
            forgotten=forgotten,
            redo_limits=redo_limits,
        )
        self.app = self.worker.app

    async def start(self) -> None:
        """Start the application."""
        await self.app.start()

    async def stop(self) -> None:
        """Stop in good order."""
        await self.app.stop()
        await self.worker.stream.close()


class Run:
    """One run of a seed: two or three workers, a log that is fed meanwhile, and a few incidents.

    Attributes:
        problems: What was not as it must be; empty is well.
    """

    def __init__(self, seed: int) -> None:
        """Run it to its end."""
        self.simulation = Simulation(seed)
        self.plan = self.simulation.draws("plan")
        self.store = Store()
        self.log = generate(self.simulation.draws("log"), SHAPE)
        self.produced: list[Record] = []
        self.workers: list[SimulatedWorker] = []
        self.problems: list[str] = []
        options = self.log.options
        self.settings = Settings(
            group="simulated",
            currency_rates=dict(options.currency_rates),
            dimensions=options.dimensions,
            business_time_zone=options.business_time_zone,
            bucket_minutes=options.bucket_minutes,
            free_plans=options.free_plans,
            paused_customers=options.paused_customers,
            trial_days=options.trial_days,
            batch_max_records=self.plan.choice((1, 5, 20, 500)),
        )
        self.latency_seconds = self.plan.choice((0.005, 0.03, 0.2))
        self.failures = self.plan.choice((0.0, 0.02, 0.1))
        #: mostly so short that much is written to its place while all goes on
        self.redo_limits = RedoLimits(self.plan.choice((300, 3_000, 1_000_000)), self.plan.choice((2, 5, 1_000)))
        with _logs_into(self.simulation):
            self.simulation.run(self._scenario)

    # -- what happens

    async def _scenario(self) -> None:
        feeding = self.simulation.loop.create_task(self._feed())
        for _ in range(self.plan.randint(1, 3)):
            await self._join()
        incidents = self.plan.choices(tuple(_INCIDENTS), weights=tuple(_INCIDENTS.values()), k=self.plan.randint(2, 5))
        for incident in incidents:
            await self._pause(0.2, 9)
            self.simulation.note("incident", incident)
            await getattr(self, f"_{incident}")()
        await feeding
        await self._come_to_rest()
        await self._look_at_live_counts()
        for worker in self.workers:
            await worker.stop()
        await self._look_at_tables()
        self._look_at_dead_letters()

    async def _feed(self) -> None:
        draws = self.simulation.draws("feed")
        for value in self.log.records:
            self._produce(draws, value)
            if draws.random() < 0.1:
                self._produce(draws, value)
            if draws.random() < 0.15:
                self._produce(draws, b"{")
            if draws.random() < 0.3:
                await asyncio.sleep(draws.expovariate(1 / 1.2))

    def _produce(self, draws: Random, value: bytes) -> None:
        """Append a record as some producer would: by type or mixed, by key, under another key, or with none."""
        members = _members(value)
        topics = self.settings.topics
        usual = topics.get(str(members.get("type")), topics["events"])
        topic = draws.choices((usual, topics["events"], draws.choice(tuple(topics.values()))), (7, 2, 1))[0]
        customer = str(members.get("customer_id", "")).encode() or None
        key = draws.choices((customer, None, b"another"), (8, 1, 1))[0]
        partition = draws.randrange(PARTITIONS) if draws.random() < 0.05 else None
        log, at_ms = self.simulation.cluster.log, self._timestamp_ms(draws)
        self.produced.append(log.append(topic, key, value, timestamp_ms=at_ms, partition=partition))

    async def _join(self) -> None:
        name = f"w{len(self.workers) + 1}"
        tables = Connection(
            self.store, self.simulation, name, latency_seconds=self.latency_seconds, failures=self.failures
        )

        def build(cluster: Cluster, _name: str) -> ProductWorker:
            return ProductWorker(self.settings, tables, self._forgotten(cluster), redo_limits=self.redo_limits)

        self.workers.append(SimulatedWorker(self.simulation, name, build))
        await self.workers[-1].start()
        await self._pause(0, 4)

    def _forgotten(self, cluster: Cluster) -> Forgotten | None:
        """Return who is forgotten, for one worker: nobody can be."""
        del cluster
        return None

    def _timestamp_ms(self, draws: Random) -> int:
        """Return the timestamp of the next record (ms since 1970): none."""
        del draws
        return 0

    def _running(self) -> list[SimulatedWorker]:
        return [worker for worker in self.workers if worker.running]

    async def _pause(self, least_seconds: float, most_seconds: float) -> None:
        await asyncio.sleep(self.plan.uniform(least_seconds, most_seconds))

    async def _crash(self) -> None:
        self.plan.choice(self._running()).crash()
        await self._pause(0, 15)
        if not self._running() or self.plan.random() < 0.5:
            await self._join()

    async def _freeze(self) -> None:
        zombie = self.plan.choice(self._running())
        zombie.freeze()
        await self._pause(0, 4)
        if len(self._running()) == 1:
            await self._join()
        await self._pause(11, 25)
        if zombie.running:
            zombie.freeze(False)

    async def _restart(self) -> None:
        await self.plan.choice(self._running()).stop()
        await self._join()

    async def _grow(self) -> None:
        if len(self._running()) < 3:
            await self._join()

    async def _outage(self) -> None:
        self.store.away_until_seconds = self.simulation.loop.time() + self.plan.uniform(0.5, 8)

    async def _lose_commits(self) -> None:
        self.store.remember()
        await self._pause(0.1, 3)
        self.store.fall_back()

    async def _tear_a_commit(self) -> None:
        self.store.remember()
        await self._pause(2, 10)
        self.store.fall_back_within_a_commit()
        for _ in range(300):  # at the first commit that closes the transaction, before all is applied again
            await asyncio.sleep(0.01)
            if self.store.load_again():
                break

    # -- what must be true

    async def _come_to_rest(self) -> None:
        """Let a last record come on every partition, and wait until all is applied and recovered."""
        if not self._running():
            await self._join()
        for number in range(PARTITIONS):
            value = b'{"type":"activity","id":"x","customer_id":"x","time":"2025-01-01T00:00:00Z","test":true}'
            topic = self.settings.topics["events"]
            log = self.simulation.cluster.log
            self.produced.append(log.append(topic, b"x", value, timestamp_ms=0, partition=number))
        for _ in range(2):
            while not await self._is_at_rest():
                if self.simulation.loop.time() > PATIENCE_SECONDS:
                    self.problems.append("the workers never came to rest")
                    return
                await asyncio.sleep(1)
            await asyncio.sleep(3)

    async def _is_at_rest(self) -> bool:
        partitions = [
            partition
            for worker in self._running()
            if isinstance(worker.subject, ProductWorker)
            for partition in worker.subject.worker.stream.partitions.values()
        ]
        if sorted(partition.number for partition in partitions) != list(range(PARTITIONS)):
            return False
        if any(partition.recovering for partition in partitions):
            return False
        log, topics = self.simulation.cluster.log, self.settings.input_topics
        for number in range(PARTITIONS):
            try:
                head = (await self.store.load(number)).head
            except CommitTorn:  # not noticed yet
                return False
            positions = decode_head(head).positions if head else {}
            if any(positions.get(topic, 0) != log.partition(TP(topic, number)).end for topic in topics):
                return False
        return True

    async def _look_at_live_counts(self) -> None:
        """Compare what the workers export, added up, with the report of the tables."""
        at_ms = milliseconds(self.log.at[0])
        boundary = at_ms // (self.settings.bucket_minutes * 60_000)
        exported: dict[str, Counter[str]] = {}
        for worker in self._running():
            assert isinstance(worker.subject, ProductWorker)
            snapshot = await counts_as_of(worker.subject.worker.live, boundary)
            self.problems += [f"{worker.name}: violated: {text}" for text in snapshot.violations]
            block = snapshot.blocks["all"]
            for window, counts in block.windows.items():
                numbers = {name: int(amounts[0]) for name, amounts in (block.stock | counts).items()}
                exported.setdefault(window, Counter()).update(numbers)
        (report,) = await report_of(self.settings, self.store, partitions=PARTITIONS, at_ms=[at_ms])
        for window in report.windows:
            expected = counts_in(report, window)
            ours = {name: exported.get(window, Counter())[name] for name in expected}
            self.problems += differences(ours, expected, f"exported/{window}")

    async def _look_at_tables(self) -> None:
        """Compare the report with a recomputation of everything that was produced."""
        values = [record.value or b"" for record in self.produced]
        at, by = self.log.at[:2], ("plan", *self.settings.dimensions)
        expected = recount(values, at, self.log.options, by)
        at_ms = [milliseconds(moment) for moment in at]
        found = await report_of(self.settings, self.store, partitions=PARTITIONS, at_ms=at_ms, by=by)
        for ours, right in zip(plain(found), expected, strict=True):
            self.problems += differences(ours, right, str(right["as_of"]))
        self.problems += [f"halted: {fact}" for fact in self.simulation.trace if "partition_halted" in fact]

    def _look_at_dead_letters(self) -> None:
        """Compare the dead letters with the records that the recount refuses: none missing, none too many."""
        due = {(record.topic, record.partition, record.offset): _reason(self, record) for record in self.produced}
        due = {place: reason for place, reason in due.items() if reason}
        there: dict[tuple[str, int, int], str | None] = {}
        for part in self.simulation.cluster.log.topics.get(self.settings.dead_letter_topic, ()):
            for letter in part.read(0, part.end)[0]:
                headers = {name: value.decode() for name, value in letter.headers}
                place = (headers[HEADER_TOPIC], int(headers[HEADER_PARTITION]), int(headers[HEADER_OFFSET]))
                there[place] = headers[HEADER_REASON]
        missing, surplus = due.items() - there.items(), there.items() - due.items()
        self.problems += [f"dead letter missing: {letter}" for letter in sorted(missing, key=repr)]
        self.problems += [f"dead letter too many: {letter}" for letter in sorted(surplus, key=repr)]


_INCIDENTS: Final = {
    "crash": 3,
    "freeze": 4,
    "restart": 2,
    "grow": 1,
    "outage": 2,
    "lose_commits": 3,
    "tear_a_commit": 2,
}


def _reason(run: Run, record: Record) -> str | None:
    try:
        decode(record_of(record.value or b""), run.log.options)
    except RefusedError as refused:
        return str(refused.reason)
    return None


def _members(value: bytes) -> dict[str, Any]:
    """Return what a producer knows of an event: nothing where it is none."""
    try:
        members = json.loads(value)
    except ValueError:
        members = None
    return members if isinstance(members, dict) else {}


@contextlib.contextmanager
def _logs_into(simulation: Simulation) -> Iterator[None]:
    """Write the product's log lines into the trace: what workers say is part of what happens."""

    def keep(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
        simulation.note("log", line.pop("event"), *sorted((name, repr(value)) for name, value in line.items()))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def main(seeds: list[str]) -> None:
    """Run seeds, and write what happened in them."""
    for seed in seeds:
        run = Run(int(seed))
        for fact in run.simulation.trace:
            sys.stdout.write(f"{fact[0]:9.3f}  {' '.join(map(str, fact[1:]))}\n"[:300])
        verdict = "\n".join(run.problems[:20]) or "well"
        sys.stdout.write(f"seed {seed}: {len(run.produced)} records, digest {run.simulation.digest()}\n{verdict}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
