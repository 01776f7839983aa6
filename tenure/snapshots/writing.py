"""Writing a snapshot of a running stream: partition by partition, each as of one instant.

A partition is held still (`streams.holding`) for as long as it takes to be read, one after the other: positions are
stored with the numbers, so that partitions need not be of the same instant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, NamedTuple

from kpis.counting.cells import groups_of
from kpis.customer.facts import STATE_VERSION
from kpis.surveys.sent import SLOTS
from schemas.version import installed_version
from streams.clock import WallClock
from streams.copying import cells_of_groups, in_chunks
from streams.holding import Hold
from streams.partition.state import read_head
from streams.settings.meaning import names_of
from streams.settings.settings import Settings
from streams.survey_schedule import SCHEDULES
from streams.tables import StreamMark, Tables
from tenure.snapshots.file import SnapshotWriter
from tenure.snapshots.parts import (
    LOGS,
    NOTES,
    CellsPart,
    CountsPart,
    Part,
    PartitionPart,
    RequestsPart,
    RestatedPart,
    SharedPart,
    SnapshotHeader,
    StatesPart,
    customers_among,
    encode_part,
)
from tenure.stored.opening import running_tables

_CELLS_A_PART: Final = 100_000


class WrittenSnapshot(NamedTuple):
    """A snapshot that was written."""

    header: SnapshotHeader
    customers: int
    cells: int
    sha256: str
    bytes: int


async def write_snapshot(settings: Settings, path: Path, tell: Callable[[str], None]) -> WrittenSnapshot:
    """Write a snapshot of a stream.

    Args:
        settings: Of the stream.
        path: The file, which must not be there yet.
        tell: Told in a line how far it is, now and then.

    Raises:
        InputError, OutputFailed: The file cannot be written, or is there.
        CheckFailed: Another command is at work on the stream, or a partition went on while it was read.
        TenureError: As `running_tables`.
    """
    async with running_tables(settings) as (tables, mark):
        with SnapshotWriter(path) as file:
            # The mark is given with all partitions; customers are spread over those of the stored one.
            stored = await tables.read_mark()
            assert stored is not None
            reading = _Reading(settings, tables, stored, in_use=mark.partitions, tell=tell)
            async for part in reading.parts():
                file.put(encode_part(part))
            found, size = file.finish()
    return WrittenSnapshot(reading.header, reading.customers, reading.counts.cells, found, size)


class _Reading:
    """Reads all parts."""

    def __init__(
        self, settings: Settings, tables: Tables, mark: StreamMark, *, in_use: int, tell: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._tables = tables
        self._in_use = in_use
        self._tell = tell
        self._states = self._cells = self.customers = 0
        self.header = SnapshotHeader(
            group=mark.group,
            partitions=mark.partitions,
            in_use=in_use,
            meaning=mark.meaning,
            stream_id=mark.id,
            state_version=STATE_VERSION,
            program=installed_version() or "from its source folder",
            taken_at_ms=WallClock().now_ms(),
        )

    @property
    def counts(self) -> CountsPart:
        return CountsPart(self._states, self._cells)

    async def parts(self) -> AsyncIterator[Part]:
        hold = Hold(self._tables, "tenure snapshot")
        async with hold.beating():
            yield self.header
            for number in range(self._in_use):
                head = await hold.take(number)
                async for part in self._partition(number, head):
                    yield part
                await hold.check()
                await hold.give_back(number)
                head = await hold.take(SCHEDULES + number, if_there=True)
                if head is not None:
                    yield PartitionPart(SCHEDULES + number, head, {})
                    slots = [str(slot) for slot in range(SLOTS)]
                    values = await self._tables.read_states(SCHEDULES + number, slots)
                    yield StatesPart([(slot, value) for slot, value in zip(slots, values, strict=True) if value])
                    await hold.check()
                    await hold.give_back(SCHEDULES + number)
                self._tell(f"partition {number} of {self._in_use} is written, {self.customers:,} customers")
            yield await self._shared()
            yield self.counts

    async def _partition(self, number: int, head: bytes | None) -> AsyncIterator[Part]:
        tables = self._tables
        stored = await tables.load(number)
        read_head(number, stored)  # of this version, or StateUnreadable
        yield PartitionPart(number, head, stored.names)
        async for _, states in tables.scan_states([number]):
            self._states += len(states)
            self.customers += customers_among(states)
            yield StatesPart(states)
        names = names_of(self._settings)
        names.restore(stored.names)
        cells = await cells_of_groups(tables, number, groups_of(names))
        self._cells += len(cells.keys)
        for keys, amounts in in_chunks(cells, _CELLS_A_PART):
            yield CellsPart(keys.tolist(), amounts.tolist())
        for period in await tables.restated(number):
            known = (await tables.restated(number, [period]))[period]
            yield RestatedPart(period, known.revision, known.changes, known.entries)
        requests = await tables.forget_requests(number)
        if requests:
            yield RequestsPart(requests)

    async def _shared(self) -> SharedPart:
        losses = [f"loss:{number}" for number in range(self._in_use)]
        notes = {name: await self._tables.note(name, None) for name in (*NOTES, *losses)}
        logs = {name: await self._tables.entries(name) for name in LOGS}
        return SharedPart({name: value for name, value in notes.items() if value}, logs)
