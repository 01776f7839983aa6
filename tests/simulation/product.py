"""The product's own workers in a simulated run: they are fed, faults happen, and numbers must be right in the end.

Everything is real but the log, the tables and time. What is sent and what happens: `tests.simulation.plan`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, MutableMapping
from random import Random
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import structlog

from kpis.counting.periods import counts_in
from schemas.decoding import rules
from schemas.documents.document import plain
from schemas.instants import milliseconds
from schemas.refusals import HEADER_OFFSET, HEADER_PARTITION, HEADER_REASON, HEADER_TOPIC
from streams.backoff import Backoff
from streams.errors import CommitTorn, Superseded, TablesUnavailable
from streams.records import TP, Record
from streams.tables import StreamMark, decode_head
from tenure.stored.mark import claim_tables
from tenure.stored.reading import report_of
from tenure.worker.composition import Worker, ask_surveys, build_worker
from tenure.worker.mark_watch import MarkWatch
from tests.property.cases import differences
from tests.property.rolling import counts_as_of
from tests.recount.decoding import decode
from tests.recount.records import record_of
from tests.recount.refusals import RefusedError
from tests.recount.report import recount
from tests.simulation.faults import FAULTS, MOST_WORKERS
from tests.simulation.plan import PARTITIONS, Fault, Plan, Sending
from tests.simulation.store import Connection, Store
from tests.simulation.workers import BROKER, SimulatedWorker, Simulation

if TYPE_CHECKING:
    from streams.embedded.transport import Cluster
    from streams.forgetting.forgotten import Forgotten

PATIENCE_SECONDS: Final = 600.0
_NATIVE: Final = (
    "kpis.fold.fold", "kpis.fold.reading", "kpis.counting.cell_store", "kpis.counting.rolling", "kpis.counting.windows",
    "streams.packed",
)  # fmt: skip


class RunClock:
    """The clocks of a run's workers, all wrong by the same: implements `streams.clock.Clock`."""

    def __init__(self, run: Run) -> None:
        """Take the run, whose time it is."""
        self._run = run

    def now_ms(self) -> int:
        """See `Clock`."""
        return self._run.now_ms() + self._run.clock_error_ms


class ProductWorker:
    """One worker of the product, as `tenure worker` builds it; it begins again where other tables take their place."""

    def __init__(self, run: Run, tables: Connection, forgotten: Forgotten | None = None) -> None:
        """Build nothing yet; `forgotten` is who is, where anybody can be."""
        self._run = run
        self._connection = tables
        self._forgotten = forgotten
        self.worker: Worker
        self.app: Any = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Claim the tables, and start the application."""
        run, tables = self._run, self._connection.anew()
        mark = await self._claim(tables)
        self.worker = build_worker(
            run.settings,
            broker=BROKER,
            tables=tables,
            partitions=PARTITIONS,
            stream_id=mark.id,
            latest_ms=rules.LATEST_MS,
            forgotten=self._forgotten,
            redo_limits=run.plan.circumstances.redo_limits,
        )
        ask_surveys(self.worker, run.settings, RunClock(run))
        self.app = self.worker.app
        await self.app.start()
        if run.rebuilds:
            watch = MarkWatch(tables, self._on_other_tables)
            self._watching = asyncio.get_running_loop().create_task(watch.run())

    async def _claim(self, tables: Connection) -> StreamMark:
        backoff = Backoff()
        while True:
            try:
                return await claim_tables(self._run.settings, tables, partitions=PARTITIONS)
            except TablesUnavailable:
                await backoff.pause()

    async def _on_other_tables(self, error: BaseException) -> None:
        assert isinstance(error, Superseded)
        self._watching = None
        await self._end()
        await self.start()

    async def _end(self) -> None:
        await self.app.stop()
        await self.worker.stream.close()

    async def stop(self) -> None:
        """Stop in good order."""
        if self._watching is not None:
            self._watching.cancel()
        await self._end()


class Run:
    """One run of a plan: some workers, a log that is fed meanwhile, and a few faults.

    Attributes:
        problems: What was not as it must be; empty is well.
    """

    #: whether tables may be built anew
    rebuilds = False

    def __init__(self, plan: Plan) -> None:
        """Run it to its end."""
        self.plan = plan
        self.simulation = Simulation(plan.seed)
        self.chance = plan.draws("chance")
        self.store = Store()
        self.log = plan.log
        self.settings = plan.settings
        self.produced: list[Record] = []
        self.workers: list[SimulatedWorker] = []
        #: commands that ran beside them
        self.commands: list[SimulatedWorker] = []
        self.problems: list[str] = []
        self.clock_error_ms = 0
        with _logs_into(self.simulation), _circumstances(plan):
            self.simulation.run(self._scenario)

    @property
    def virtual_seconds(self) -> float:
        """Return how much time has passed in the run."""
        return self.simulation.loop.time()

    def now_ms(self) -> int:
        """Return the time by the calendar, which the log's events follow, from its beginning to its end (ms)."""
        first, last = milliseconds(min(self.log.at)), milliseconds(max(self.log.at))
        return int(first + (last - first) * self.virtual_seconds / (self.plan.sending_seconds + 40))

    # -- what happens

    async def _scenario(self) -> None:
        loop = self.simulation.loop
        feeding = loop.create_task(self._feed())
        for _ in range(self.plan.circumstances.workers):
            await self.join()
        faults = [loop.create_task(self._suffer(fault)) for fault in self.plan.planned_faults()]
        await asyncio.gather(feeding, *faults)
        await self._end()
        for worker in self.running():
            await worker.stop()

    async def _end(self) -> None:
        """Come to rest, and compare."""
        await self._come_to_rest()
        await self._look_at_live_counts()
        await self._look_at_tables()
        self._look_at_dead_letters()
        self._look_at_halts()

    async def _suffer(self, fault: Fault) -> None:
        await asyncio.sleep(max(0.0, fault.at_seconds - self.simulation.loop.time()))
        self.simulation.note("fault", *fault)
        await FAULTS[fault.kind](self, self.plan.draws(f"fault/{fault.number}"))

    async def _feed(self) -> None:
        for sending in self.plan.sendings():
            if sending.at_seconds > self.simulation.loop.time():
                await asyncio.sleep(sending.at_seconds - self.simulation.loop.time())
            self._produce(sending)

    def _produce(self, sending: Sending) -> None:
        """Append a record, as some producer."""
        log = self.simulation.cluster.log
        at_ms = self._timestamp_ms(self.plan.draws(f"timestamp/{len(self.produced)}"))
        self.produced.append(
            log.append(
                sending.topic, sending.key, sending.value, timestamp_ms=at_ms, partition=sending.partition
            )
        )  # fmt: skip

    async def join(self) -> None:
        """Start a worker, unless there are enough."""
        if len(self.running()) >= (2 if self.plan.is_long else MOST_WORKERS):
            return
        name = f"w{len(self.workers) + 1}"
        tables = self._connection(name)

        def build(cluster: Cluster, _name: str) -> ProductWorker:
            return ProductWorker(self, tables, self._forgotten(cluster))

        self.workers.append(SimulatedWorker(self.simulation, name, build))
        await self.workers[-1].start()

    def _connection(self, name: str) -> Connection:
        done_with = self.plan.circumstances
        return Connection(
            self.store, self.simulation, name, latency_seconds=done_with.latency_seconds, failures=done_with.failures
        )

    def _forgotten(self, cluster: Cluster) -> Forgotten | None:
        """Return who is forgotten, for one worker: nobody can be."""
        del cluster
        return None

    def _timestamp_ms(self, draws: Random) -> int:
        """Return the timestamp of the next record (ms since 1970): none."""
        del draws
        return 0

    def running(self) -> list[SimulatedWorker]:
        """Return the workers that run, those that are about to start among them."""
        return [worker for worker in self.workers if worker.running]

    def at_work(self) -> list[SimulatedWorker]:
        """Return the workers that have started."""
        return [worker for worker in self.workers if worker.is_at_work]

    async def forget(self, draws: Random) -> None:
        """Ask for a customer to be forgotten: only runs of that kind do."""
        raise NotImplementedError

    async def rebuild(self, draws: Random) -> None:
        """Build tables anew: only runs of that kind do."""
        raise NotImplementedError

    # -- what must be true

    async def _come_to_rest(self) -> None:
        """Let a last record come on every partition, and wait until all is applied and recovered."""
        if not self.running():
            await self.join()
        for number in range(PARTITIONS):
            value = b'{"type":"activity","id":"x","customer_id":"x","time":"2025-01-01T00:00:00Z","test":true}'
            topic = self.settings.topics["events"]
            log = self.simulation.cluster.log
            self.produced.append(log.append(topic, b"x", value, timestamp_ms=0, partition=number))
        until_seconds = self.simulation.loop.time() + PATIENCE_SECONDS
        for _ in range(2):
            while not await self._is_at_rest():
                if self.simulation.loop.time() > until_seconds:
                    self.problems.append("the workers never came to rest")
                    return
                await asyncio.sleep(1)
            await asyncio.sleep(3)

    async def _is_at_rest(self) -> bool:
        partitions = [
            partition
            for worker in self.at_work()
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
        for worker in self.at_work():
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
        await self._compare([record.value or b"" for record in self.produced])

    async def _compare(self, values: list[bytes], *, events: bool = True) -> None:
        """Compare the report with a recomputation of values; one run in four by each dimension too.

        Not what became of events, where the stream has lost its id: what it forwarded before is a record like any then.
        """
        closely = self.plan.seed % 4 == 0
        at, by = self.log.at[: 2 if closely else 1], ("plan", *self.settings.dimensions) if closely else ()
        expected = recount(values, at, self.log.options, by)
        at_ms = [milliseconds(moment) for moment in at]
        found = await report_of(self.settings, self.store, partitions=PARTITIONS, at_ms=at_ms, by=by)
        for ours, right in zip(plain(found), expected, strict=True):
            if not events or len(self.store.stream_ids) > 1:
                del ours["events"], right["events"]
            self.problems += differences(ours, right, str(right["as_of"])) if ours != right else []

    def _look_at_halts(self) -> None:
        """Find that nothing was halted: nothing is lost for good."""
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


def _reason(run: Run, record: Record) -> str | None:
    try:
        decode(record_of(record.value or b""), run.log.options)
    except RefusedError as refused:
        return str(refused.reason)
    return None


@contextlib.contextmanager
def _circumstances(plan: Plan) -> Iterator[None]:
    """Run with the compiled fold or without it, and with as many states in memory as the plan says."""
    done_with = plan.circumstances
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch("streams.partition.stream._LEAST_CACHE", done_with.states_in_memory))
        for module in () if done_with.native else _NATIVE:
            stack.enter_context(mock.patch(f"{module}.IS_THERE", False))
        yield


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
