"""Restoring a snapshot into an empty place: another Redis, another cluster, or another prefix.

The whole file is checked before anything is written. The mark of the stream comes last, once everything was read back
and is what the file says: until then there is no stream, and whoever is killed leaves something that the next try
removes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import xxhash

from kpis.counting.cells import EMPTY, FIELD_BITS, Cells
from kpis.customer.facts import CONVERTIBLE_VERSIONS, STATE_VERSION
from streams.copying import cells_of_groups, copy_commit, head_commit
from streams.errors import CheckFailed, ConfigurationError, Conflict, InputError, UsageError
from streams.holding import Hold, held_head
from streams.settings.settings import MEANING, Settings
from streams.survey_schedule import SCHEDULES
from streams.tables import PeriodUpdate, StreamMark, Tables
from tenure.snapshots.file import CheckedFile, check_file, parts_of
from tenure.snapshots.parts import (
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
    decode_part,
)
from tenure.stored.opening import open_tables

_NOTE: Final = "restoring"
"""The note of how many partitions a restore that has not ended may have written (count)."""
_MODULUS: Final = (1 << 61) - 1


class RestoredSnapshot(NamedTuple):
    """A snapshot that was restored."""

    header: SnapshotHeader
    customers: int
    cells: int
    sha256: str
    #: whether its tables must be built anew before this version's workers can go on with them
    needs_rebuild: bool


async def restore_snapshot(settings: Settings, path: Path, tell: Callable[[str], None]) -> RestoredSnapshot:
    """Restore a snapshot.

    Args:
        settings: Of the stream that is to go on from it.
        path: The file.
        tell: Told in a line how far it is, now and then.

    Raises:
        InputError: The file is none, or is damaged.
        ConfigurationError: It was counted under other settings.
        UsageError: Something is stored there already.
        CheckFailed: Somebody has written there meanwhile, or Redis does not return what was written.
        TenureError: Redis does not answer.
    """
    tell("the file is checked")
    found = check_file(path)
    header = _header(path, found)
    shared = _decoded(path, found.last[0])
    if not isinstance(shared, SharedPart):
        raise InputError(str(path), "it does not end as a snapshot does")
    _check_settings(settings, header)
    async with open_tables(settings) as (tables, mark):
        if mark is not None:
            raise UsageError(
                f"a stream has written to {settings.redis_address} under the prefix {settings.redis_prefix!r}: a "
                "snapshot is restored into an empty place; set another TENURE_REDIS_PREFIX, or another Redis"
            )
        restoring = _Restoring(settings, tables, header, tell)
        hold = Hold(tables, "tenure restore")
        async with hold.beating():
            await restoring.check_logs(shared)
            await restoring.make_room()
            try:
                for part in parts_of(path):
                    await restoring.take(_decoded(path, part))
            except Conflict as error:
                raise CheckFailed(
                    f"somebody else writes there too ({error}); stop the workers, and try again"
                ) from error
            await restoring.check()
            await hold.check()
            await restoring.share(shared)
            await hold.check()
            await restoring.leave_mark()
        await tables.note(_NOTE, b"")
    needs_rebuild = header.state_version != STATE_VERSION
    return RestoredSnapshot(header, restoring.customers, restoring.cells, found.sha256, needs_rebuild)


def _decoded(path: Path, part: bytes) -> Part:
    try:
        found: Part = decode_part(part)
    except msgspec.DecodeError as error:
        raise InputError(str(path), f"it holds what this version cannot read ({error}); use a later one") from error
    return found


def _header(path: Path, found: CheckedFile) -> SnapshotHeader:
    first = _decoded(path, found.first)
    if not isinstance(first, SnapshotHeader):
        raise InputError(str(path), "it does not begin as a snapshot does")
    return first


def _check_settings(settings: Settings, header: SnapshotHeader) -> None:
    if header.state_version != STATE_VERSION and header.state_version not in CONVERTIBLE_VERSIONS:
        raise CheckFailed(
            f"the snapshot has tables of version {header.state_version}, and this program reads {STATE_VERSION}: "
            f"restore it with tenure {header.program}, which wrote it, and see docs/upgrading.md"
        )
    ours, theirs = json.loads(settings.fingerprint()), json.loads(header.meaning)
    for name in MEANING:
        if ours[name] != theirs.get(name):
            raise ConfigurationError(
                "TENURE_" + name.upper(),
                json.dumps(ours[name]),
                f"the snapshot was counted with {json.dumps(theirs.get(name))}; set that, and restore",
            )


class _PartitionSums:
    """Sums over what a partition holds, in whatever order it comes."""

    def __init__(self) -> None:
        self.states = self.customers = self.cells = self.states_sum = self.cells_sum = 0

    def add_states(self, states: list[tuple[str, bytes]]) -> None:
        self.states += len(states)
        self.customers += customers_among(states)
        for customer_id, state in states:
            self.states_sum += xxhash.xxh3_64_intdigest(state, xxhash.xxh3_64_intdigest(customer_id.encode()))
        self.states_sum %= _MODULUS

    def add_cells(self, keys: list[int], amounts: list[int]) -> None:
        self.cells += len(keys)
        for key, amount in zip(keys, amounts, strict=True):
            self.cells_sum += key * amount
        self.cells_sum %= _MODULUS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _PartitionSums) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class _Restoring:
    """Writes the parts of a snapshot into tables that are empty."""

    def __init__(self, settings: Settings, tables: Tables, header: SnapshotHeader, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._tables = tables
        self._header = header
        self._tell = tell
        self._token = uuid.uuid4().hex
        self._partition: PartitionPart | None = None
        self._stored: bytes | None = None
        self._commits = 0
        self._sums: dict[int, _PartitionSums] = {}
        self._heads: dict[int, bytes] = {}
        self._groups: dict[int, set[int]] = {}
        self._counts: CountsPart | None = None

    @property
    def customers(self) -> int:
        return sum(sums.customers for number, sums in self._sums.items() if number < SCHEDULES)

    @property
    def states(self) -> int:
        return sum(sums.states for number, sums in self._sums.items() if number < SCHEDULES)

    @property
    def cells(self) -> int:
        return sum(sums.cells for sums in self._sums.values())

    async def check_logs(self, part: SharedPart) -> None:
        """Look at the small logs, which nothing replaces.

        Raises:
            UsageError: One has other entries.
        """
        for name, entries in part.logs.items():
            there = await self._tables.entries(name)
            if there != entries[: len(there)]:
                raise UsageError(
                    f"there are other {name} under the prefix {self._settings.redis_prefix!r} already; set another "
                    "TENURE_REDIS_PREFIX"
                )

    async def make_room(self) -> None:
        """Remove what an earlier try has left, of whichever file, and note how far this one may reach.

        Raises:
            UsageError: Something else is stored there.
        """
        unfinished = int(await self._tables.note(_NOTE, None) or 0)
        in_use = max(self._header.in_use, unfinished)
        for number in [number + start for start in (0, SCHEDULES) for number in range(in_use)]:
            if unfinished:
                await self._tables.discard(number)
            elif await self._tables.read_head(number) is not None:
                raise UsageError(
                    f"partition {number} has something stored under the prefix {self._settings.redis_prefix!r}, and "
                    "there is no stream; set another TENURE_REDIS_PREFIX, or remove its keys"
                )
        await self._tables.note(_NOTE, b"%d" % in_use)

    async def take(self, part: Part) -> None:
        """Write one part."""
        match part:
            case SnapshotHeader():
                return
            case PartitionPart():
                await self._finish_partition()
                self._partition, self._stored, self._commits = part, None, 0
                self._sums[part.partition], self._groups[part.partition] = _PartitionSums(), set()
                await self._commit(names=part.names)
            case StatesPart(states):
                self._mine.add_states(states)
                await self._commit(states=dict(states))
            case CellsPart(keys, amounts):
                self._mine.add_cells(keys, amounts)
                self._groups[self._number].update({key >> FIELD_BITS for key in keys})
                await self._commit(cells=Cells(np.array(keys, np.int64), np.array(amounts, np.int64)))
            case RestatedPart(period, revision, changes, entries):
                await self._commit(restated=[PeriodUpdate(period, entries, revision, changes)])
            case RequestsPart(requests):
                for customer_id, request in requests.items():
                    await self._tables.ask_to_forget(self._number, customer_id, request)
            case SharedPart():
                await self._finish_partition()
            case CountsPart():
                self._counts = part

    @property
    def _number(self) -> int:
        assert self._partition is not None, "a partition comes first"
        return self._partition.partition

    @property
    def _mine(self) -> _PartitionSums:
        return self._sums[self._number]

    async def _commit(
        self,
        *,
        states: dict[str, bytes] | None = None,
        cells: Cells = EMPTY,
        names: dict[str, list[str]] | None = None,
        restated: Sequence[PeriodUpdate] = (),
    ) -> None:
        self._commits += 1
        head = held_head(f"{self._token}{self._commits}", None)
        commit = copy_commit(self._stored, head, states=states, cells=cells, names=names, restated=restated)
        await self._tables.commit(self._number, commit)
        self._stored = head

    async def _finish_partition(self) -> None:
        part, self._partition = self._partition, None
        if part is None:
            return
        if part.head is None:
            await self._tables.discard(part.partition)
            return
        await self._tables.commit(part.partition, head_commit(self._stored, part.head))
        self._heads[part.partition] = part.head
        if part.partition < SCHEDULES:
            self._tell(f"partition {part.partition} of {self._header.in_use} is restored")

    async def share(self, part: SharedPart) -> None:
        """Write what belongs to no partition."""
        for name, note in part.notes.items():
            await self._tables.note(name, note)
        for name, entries in part.logs.items():
            for entry in entries[len(await self._tables.entries(name)) :]:
                await self._tables.append(name, entry)

    async def check(self) -> None:
        """Read everything back.

        Raises:
            CheckFailed: It is not what the file says.
        """
        self._tell("what was written is read back")
        if self._counts is None or self._counts != CountsPart(self.states, self.cells):
            raise CheckFailed("the snapshot has other counts than it says; nothing was put in place")
        for number, head in self._heads.items():
            found = _PartitionSums()
            async for _, states in self._tables.scan_states([number]):
                found.add_states(states)
            keys, amounts = await cells_of_groups(self._tables, number, sorted(self._groups[number]))
            found.add_cells(keys.tolist(), amounts.tolist())
            if found != self._sums[number] or await self._tables.read_head(number) != head:
                raise CheckFailed(f"Redis does not return what was written to partition {number}; nothing is in place")

    async def leave_mark(self) -> None:
        """Say that there is a stream.

        Raises:
            CheckFailed: A worker has begun another one meanwhile.
        """
        header = self._header
        mark = StreamMark(self._settings.group, header.partitions, header.meaning, header.stream_id)
        if await self._tables.mark(mark) != mark:
            raise CheckFailed("a worker was started there meanwhile; stop it, remove its keys, and restore again")
