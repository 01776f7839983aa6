"""The verifier of a worker: recounts its partitions from their customers' facts, and compares with the stored counters.

It goes on as long as the worker does, one partition at a time, within a share of a core: each step waits for as long as
the CPU time of the last one asks for. It writes nothing, and a difference is reported once two recounts in a row have
found the same. What is compared, and why commits meanwhile do no harm: `kpis.population.verification`.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final, NamedTuple

import structlog

from kpis.arrays import Ints
from kpis.counting.cell_names import column_names
from kpis.counting.cells import EMPTY, Cells, groups_of, newest, unpack
from kpis.instants import instant_text
from kpis.names import Names
from kpis.population.verification import Verification, in_both
from schemas import instruments
from streams.errors import StateUnreadable, TenureError
from streams.giving_way import giving_way
from streams.metrics.cpu_time import Metered
from streams.partition.partition import Partition
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from tenure.stored.customers import read_states_of, scan_all
from tenure.worker.composition import Worker

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 10.0
"""Between two rounds: a small stream is recounted in no time."""
CELLS_AT_ONCE: Final = 1_000_000
"""Cells that one recount sums up (count): some 40 MB. Of more, a part at a time; all states are read for each."""
_STEP: Final = 10
"""Customers that are summed up together (count): some 2 ms."""
_CELLS_READ: Final = 100_000
"""Stored cells that are read together, about (count)."""
_ROWS_WAITING: Final = 200_000
"""Rows of commits that wait to be noted, at most (count): some 11 MB. More come where there is no time for this."""
_TOUCHED: Final = 1_000_000
"""Cells that commits have touched, at most (count): some 40 MB."""
_LONG: Final = 100_000
"""Cells that take long: more are taken off in several steps, and sorted beside the event loop (count)."""
_COMMIT_SECONDS: Final = 10.0
"""So long it is waited for a commit whose outcome is stored already, but not known."""
_LOOK_SECONDS: Final = 0.05
_RANDOM: Final = random.SystemRandom()
_NAMED: Final = 3
"""Customers and cells that a log line names, at most (count)."""


class _Abandoned(Exception):
    """A recount says nothing: its partition went away or was reloaded, or too much was written."""


class _Outcome(NamedTuple):
    """The outcome of a recount."""

    #: whose state is not what its facts make it, also where it is read again
    customers: frozenset[str] = frozenset()
    #: that differ: recounted less stored amounts
    cells: Cells = EMPTY

    @property
    def any(self) -> bool:
        """Return whether anything differs."""
        return bool(self.customers) or bool(len(self.cells.keys))


class Verifier:
    """Implements `streams.partition.stream.CommitWatch`.

    Args:
        worker: Whose partitions are recounted.
        settings: What numbers mean, and the share of a core.
        pause_seconds: Between two rounds.
        cells_at_once: See `CELLS_AT_ONCE`.
    """

    def __init__(
        self, worker: Worker, settings: Settings, *, pause_seconds: float = PAUSE_SECONDS,
        cells_at_once: int = CELLS_AT_ONCE,
    ) -> None:  # fmt: skip
        self._worker = worker
        self._settings = settings
        self._share = settings.verify_cpu_share
        self._pause_seconds = pause_seconds
        self._cells_at_once = cells_at_once
        self._windows = windows_of(settings, native=False)
        #: the work on the partition that is recounted, and its CPU time up to the last rest (seconds)
        self._metered: Metered[None] | None = None
        self._rested_at_seconds = 0.0
        #: the partition that is recounted, and what commits have changed of it that is not noted yet
        self._number: int | None = None
        self._rows: list[Ints] = []
        self._rows_waiting = 0
        self._flooded = False
        self._broken = False
        #: what differs, by partition: customers and cells (counts)
        self._differences: dict[int, tuple[int, int]] = {}

    # -- what commits do

    def on_rows(self, number: int, rows: Ints) -> None:
        """See `CommitWatch`."""
        if number != self._number or self._flooded:
            return
        self._rows.append(rows)
        self._rows_waiting += len(rows)
        if self._rows_waiting > _ROWS_WAITING:
            self._rows.clear()
            self._flooded = True

    def on_break(self, number: int) -> None:
        """See `CommitWatch`."""
        if number == self._number:
            self._broken = True

    # -- rounds

    async def run(self) -> None:
        """Recount all partitions, round by round, until cancelled."""
        self._tell()
        while True:
            await self.look()
            await asyncio.sleep(self._pause_seconds)

    async def look(self) -> None:
        """Recount each partition of the worker once; never raises for what Redis or a state does."""
        stream, meters, began = self._worker.stream, self._worker.meters, time.monotonic()
        stream.watch = self
        numbers = list(stream.partitions)
        _RANDOM.shuffle(numbers)  # or workers that are often restarted would never come to the last
        done = [await self._try(number) for number in numbers]
        if done and all(done):
            meters[instruments.VERIFICATION_SECONDS].set(time.monotonic() - began)
            meters[instruments.VERIFICATION_COMPLETED].set(time.time())

    async def _try(self, number: int) -> bool:
        """Recount a partition; return whether it could be done."""
        self._metered, self._rested_at_seconds = Metered(self._verify(number)), 0.0
        try:
            await self._metered
        except _Abandoned as reason:
            log.debug("verification_abandoned", partition=number, reason=str(reason))
        except TenureError as error:
            log.warning("verification_abandoned", partition=number, reason=str(error))
        except Exception:
            log.exception("verification_failed", partition=number)
        else:
            return True
        finally:
            self._number = None
            self._rows.clear()
            self._tell()
        self._worker.meters[instruments.VERIFICATIONS_ABANDONED].inc()
        return False

    async def _verify(self, number: int) -> None:
        """Recount a partition, all parts of its cells.

        Raises:
            _Abandoned: Nothing can be said.
            TenureError: Redis does not answer, or its tables cannot be read.
        """
        partition = self._worker.stream.partitions.get(number)
        if partition is None:
            raise _Abandoned("it was given up")
        parts = 1 + partition.cell_count // self._cells_at_once
        customers: set[str] = set()
        cells = 0
        for part in _RANDOM.sample(range(parts), parts):
            found = await self._confirmed(partition, part, parts)
            customers |= found.customers
            cells += len(found.cells.keys)
            if found.any:  # at once: other parts may take hours
                known = self._differences.get(number, (0, 0))
                self._differences[number] = max(known[0], len(customers)), max(known[1], cells)
                self._tell()
        self._differences[number] = len(customers), cells

    async def _confirmed(self, partition: Partition, part: int, parts: int) -> _Outcome:
        """Recount a part; again where something differs, and return what two recounts found alike."""
        found = await self._recount(partition, part, parts)
        if not found.any:
            return found
        again = await self._recount(partition, part, parts)
        confirmed = _Outcome(found.customers & again.customers, in_both(found.cells, again.cells))
        if confirmed.any:
            log.error(
                "verification_differs",
                partition=partition.number,
                customers=len(confirmed.customers),
                customer_ids=sorted(confirmed.customers)[:_NAMED],
                cells=len(confirmed.cells.keys),
                examples=self._named(partition.names, confirmed.cells),
                advice="stored counters are not what stored facts come to: docs/runbooks/TenureCountersDiffer.md",
            )
        return confirmed

    # -- one recount

    async def _recount(self, partition: Partition, part: int, parts: int) -> _Outcome:
        number = partition.number
        if self._worker.stream.partitions.get(number) is not partition or partition.recovering:
            raise _Abandoned("its counters are not whole")
        self._number, self._broken, self._flooded, self._rows_waiting = number, False, False, 0
        self._rows.clear()
        recount = Verification(self._windows, self._settings.what_counts, part=part, parts=parts)
        suspects: list[str] = []
        async for found in scan_all(self._settings, self._worker.context.tables, [number]):
            for at in range(0, len(found.states), _STEP):
                suspects += await giving_way(recount.take(found.names, found.states[at : at + _STEP]))
                await self._rest(partition, recount)
        self._worker.meters[instruments.VERIFIED_CUSTOMERS].inc(recount.customers)
        customers = await self._still_wrong(number, suspects)
        await self._subtract(partition, recount)
        await self._until_known(partition)
        await self._rest(partition, recount)
        cells = recount.differences() if recount.cells < _LONG else await asyncio.to_thread(recount.differences)
        self._worker.meters[instruments.VERIFIED_CELLS].inc(recount.cells)
        return _Outcome(customers, cells)

    async def _rest(self, partition: Partition, recount: Verification) -> None:
        """Wait for as long as the CPU time since the last rest asks for.

        Before and after that, what commits have changed is noted.

        Raises:
            _Abandoned: The recount says nothing any more.
        """
        rows, self._rows = self._rows, []
        self._rows_waiting = 0
        for some in rows:
            recount.note(partition.names, some)
        await asyncio.sleep(0)  # what was done is measured by then
        assert self._metered is not None, "rests are between steps of a recount"
        spent_seconds = self._metered.cpu_seconds - self._rested_at_seconds
        self._rested_at_seconds += spent_seconds
        await asyncio.sleep(spent_seconds * (1 / self._share - 1))
        if self._broken:
            raise _Abandoned("it was reloaded, given up or erased from")
        if self._flooded or recount.touched > _TOUCHED:
            raise _Abandoned("too much is written")

    async def _still_wrong(self, number: int, customers: list[str]) -> frozenset[str]:
        """Return those of some customers whose state is wrong also where it is read again."""
        tables = self._worker.context.tables
        found = await read_states_of(self._settings, tables, number, customers) if customers else None
        if found is None:
            return frozenset()
        again = Verification(self._windows, self._settings.what_counts)
        return frozenset(await giving_way(again.take(found.names, found.states)))

    async def _subtract(self, partition: Partition, recount: Verification) -> None:
        """Take off all stored cells; some groups of them at a time, each as of an instant of its own."""
        groups = groups_of(partition.names)
        together = max(1, _CELLS_READ * len(groups) // max(1, partition.cell_count))
        for at in range(0, len(groups), together):
            some = groups[at : at + together]
            stored = await self._stored(partition.number, some)
            for start in range(0, len(stored.keys), _LONG):
                part = slice(start, start + _LONG)
                recount.subtract(Cells(stored.keys[part], stored.amounts[part]))
                await self._rest(partition, recount)

    async def _stored(self, number: int, groups: list[int]) -> Cells:
        """Return the stored cells of groups; of one that cannot be read none, so that all of its cells differ."""
        try:
            _, cells = await self._worker.context.tables.snapshot(number, groups)
        except StateUnreadable:  # a span is damaged, or something else lies in its place
            if len(groups) == 1:
                return EMPTY
            return newest([await self._stored(number, [group]) for group in groups])
        return cells

    async def _until_known(self, partition: Partition) -> None:
        """Wait until all commits that may have been seen in the tables are noted: until their head is ours.

        Raises:
            _Abandoned: Somebody else has written, or Redis has gone back to what it was.
        """
        for _ in range(round(_COMMIT_SECONDS / _LOOK_SECONDS)):
            if await self._worker.context.tables.read_head(partition.number) == partition.stored_head:
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise _Abandoned("its tables have another head")

    # -- what is told

    def _tell(self) -> None:
        owned = self._worker.stream.partitions
        self._differences = {number: found for number, found in self._differences.items() if number in owned}
        customers, cells = (sum(found[n] for found in self._differences.values()) for n in (0, 1))
        family = self._worker.meters[instruments.VERIFICATION_DIFFERENCES]
        family.labels("customers").set(customers)
        family.labels("cells").set(cells)

    def _named(self, names: Names, cells: Cells) -> list[str]:
        """Return what some cells count, and by how much they are off."""
        known, found = column_names(self._windows), unpack(cells.keys[:_NAMED])
        out: list[str] = []
        for place, amount in enumerate(cells.amounts[:_NAMED].tolist()):
            dimension = names.dimensions[found.dimension[place]]
            value, column = names.values(dimension)[found.value[place]], known[found.column[place]]
            at = instant_text(int(found.bucket[place]) * self._windows.bucket_ms)
            out.append(f"{column.measure} ({column.unit}) of {dimension} {value}, {at}: {-amount:+,d}")
        return out
