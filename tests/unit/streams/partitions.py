"""A partition on tables in memory, with everything around it recorded, on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final

from kpis.counting.cells import Cells
from streams.batching.batches import Batch, Lease
from streams.batching.partitioner import partition_of
from streams.batching.sender import Outgoing, Parcel
from streams.embedded.tables import MemoryTables
from streams.errors import TenureError
from streams.forgetting.forgotten import Forgotten
from streams.partition.context import PartitionContext, context_of
from streams.partition.outbox import Delivery
from streams.partition.partition import Partition
from streams.partition.result import BatchResult
from streams.records import NO_HEADERS, TP, Headers, Record
from streams.settings.settings import Settings
from streams.tables import Commit, Head, Restated, Stored, Tables, Under, decode_head
from tests.property.folding import LATEST_MS
from tests.simulation.loop import SimulatedLoop

SIGNUPS: Final = "customer.signup"
PARTITIONS: Final = 2
STREAM_ID: Final = "5eed"
_HOMES: Final = {f"c{n}": partition_of(f"c{n}".encode(), PARTITIONS) for n in range(99)}
MINE, ALSO_MINE = [customer for customer, home in _HOMES.items() if home == 0][:2]
STRANGER: Final = next(customer for customer, home in _HOMES.items() if home == 1)


class Surroundings:
    """Tables, outbox, listener, consumer and meters of one partition; `heard` tells in order what it did to them."""

    def __init__(self, *, forgotten: Forgotten | None = None, **settings: Any) -> None:
        """Start empty; settings differ from the defaults as given, and `forgotten` is who is."""
        self.heard: list[str] = []
        self.tables = _Tables(self.heard)
        self.sent: list[Outgoing] = []
        self.moves: list[tuple[TP, int]] = []
        #: of the topics that are read, as the log has them
        self.topic_ids: dict[str, str] = {}
        self.counted_to: dict[TP, int] = {}
        #: the result of each batch, and how long each commit between batches took (seconds)
        self.commits: list[BatchResult | float] = []
        self.log_whole = True
        self.fail_sending: list[TenureError] = []
        self.is_too_large: Callable[[Parcel], bool] = lambda _: False
        asked: Any = self
        self.context: PartitionContext = context_of(
            Settings(**settings),
            tables=self.tables,
            outbox=self,
            consumer=lambda: asked,
            partitions=PARTITIONS,
            stream_id=STREAM_ID,
            latest_ms=LATEST_MS,
            forgotten=forgotten,
        )

    @property
    def results(self) -> list[BatchResult]:
        """The results of batches."""
        return [each for each in self.commits if isinstance(each, BatchResult)]

    async def partition(self, number: int = 0) -> Partition:
        """Return a partition at work on what is stored."""
        partition = Partition(number, self.context, self, await whole(self.tables, number), meters=self, cache=100)
        partition.start()
        return partition

    # -- as an outbox

    async def send(self, delivery: Delivery) -> None:
        """Take records in their first form, or fail, or find some too large, as asked."""
        if self.fail_sending:
            raise self.fail_sending.pop(0)
        for parcel in delivery.waiting:
            if self.is_too_large(parcel):
                delivery.too_large.append(parcel)
            else:
                whole = parcel.form(0)
                assert whole is not None
                self.sent.append(whole)
        self.heard.append("sent")

    # -- as a listener

    def move_to(self, tp: TP, offset: int) -> None:
        """See `Listener`."""
        self.moves.append((tp, offset))

    def find_anew(self, counted: Mapping[TP, int]) -> None:
        """See `Listener`; noted as a move to nowhere."""
        self.moves += [(tp, -1) for tp in counted]

    def on_committed(self, partition: Partition, result: BatchResult, cells: Cells) -> None:
        """See `Listener`."""
        del partition, cells
        self.commits.append(result)

    def on_committed_between(self, partition: Partition, seconds: float, cells: Cells) -> None:
        """See `Listener`."""
        del partition, cells
        self.commits.append(seconds)

    def on_erased(self, partition: Partition) -> None:
        """See `Listener`."""
        self.heard.append(f"erased from {partition.number}")

    def on_recovered(self, partition: Partition) -> None:
        """See `Listener`."""
        self.heard.append(f"recovered {partition.number}")

    def on_conflict(self, partition: Partition) -> None:
        """See `Listener`."""
        self.heard.append(f"conflict {partition.number}")

    def on_halted(self, partition: Partition) -> None:
        """See `Listener`."""
        self.heard.append(f"halted by {type(partition.fault).__name__}")

    # -- as a consumer

    def topic_id(self, tp: TP) -> str | None:
        """Return what a test says."""
        return self.topic_ids.get(tp.topic)

    def end_offset(self, tp: TP) -> int | None:
        """Return nothing: nobody knows."""
        del tp
        return None

    def reading_position(self, tp: TP) -> int | None:
        """Return nothing: nobody knows; but where a test says what was counted before."""
        del tp
        return 0 if self.counted_to else None

    def is_counted_again(self, tp: TP, position: int | None) -> bool:
        """Return what a test says."""
        return (position or 0) < self.counted_to.get(tp, 0)

    async def has_beginning(self, partition: int) -> bool:
        """Return what a test says."""
        del partition
        return self.log_whole

    def look_again(self) -> None:
        """Hear that there is room again."""
        self.heard.append("room")

    # -- as meters

    def on_recount(self) -> None:
        """Note it."""
        self.heard.append("recount")

    def on_forgotten(self) -> None:
        """Note it."""
        self.heard.append("forgotten")

    def on_waiting(self, error: TenureError) -> None:
        """Note what for."""
        self.heard.append(f"waits for {type(error).__name__}")

    def on_answer(self) -> None:
        """Note nothing."""


async def whole(tables: Tables, number: int) -> Stored:
    """Return what is stored of a partition, with its redo log."""
    return (await tables.load(number))._replace(redo=(await tables.read_redo(number)).entries)


class _Tables(MemoryTables):
    """Tables that fail as asked, before or after a commit took effect."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self._heard = heard
        self.fail_before: list[TenureError] = []
        self.fail_after: list[TenureError] = []
        #: how often was read, by what
        self.reads: Counter[str] = Counter()

    async def read_written(
        self, partition: int, customers: Sequence[str], *, under: Under | None = None
    ) -> list[bytes | None]:
        self.reads["states"] += len(customers)
        return await super().read_written(partition, customers, under=under)

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        async for partition, states in super().scan_states(partitions):
            self.reads["states"] += len(states)
            yield partition, states

    async def restated(
        self, partition: int, periods: Sequence[str] = (), *, under: Under | None = None
    ) -> dict[str, Restated]:
        self.reads["restated"] += 1
        return await super().restated(partition, periods, under=under)

    async def commit(self, partition: int, commit: Commit) -> None:
        if self.fail_before:
            raise self.fail_before.pop(0)
        await super().commit(partition, commit)
        self._heard.append("committed")
        if self.fail_after:
            raise self.fail_after.pop(0)


async def stored_head(around: Surroundings) -> Head:
    """Return the head that is stored of partition 0."""
    head = (await around.tables.load(0)).head
    assert head is not None
    return decode_head(head)


def signup(customer: str, number: int = 0, **members: object) -> bytes:
    """Return a signup; `number` makes its id and its instant."""
    at = f"2025-01-01T00:00:{number:02}Z"
    own = {"type": "signup", "id": f"s{number}", "customer_id": customer, "time": at, "plan": "pro", "mrr_minor": 5}
    return json.dumps(own | members).encode()


def batch(
    *values: bytes,
    start: int = 0,
    topic: str = SIGNUPS,
    stale: bool = False,
    headers: Headers = NO_HEADERS,
    partition: int = 0,
    timestamp_ms: int = 0,
) -> Batch:
    """Return a batch of a partition that begins at an offset, with records of one timestamp."""
    records = [
        Record(topic, partition, start + n, timestamp_ms, None, value, headers) for n, value in enumerate(values)
    ]
    lease = Lease(1)
    lease.valid = not stale
    return Batch(topic, partition, start, start + len(records), records, lease)


def on_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end; what it waits for costs no time."""
    loop = SimulatedLoop(max_steps=100_000)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(test())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
