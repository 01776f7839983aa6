"""Snapshots, written and restored where no Redis is needed: what is looked at first, and what an earlier try left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from kpis.customer.facts import CONVERTIBLE_VERSIONS
from streams.copying import head_commit
from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed, UsageError
from streams.settings.settings import Settings
from streams.survey_schedule import SCHEDULES
from streams.tables import StreamMark
from tenure.files.replay import replayed
from tenure.snapshots import restoring, writing
from tenure.snapshots.file import SnapshotWriter, parts_of
from tenure.snapshots.parts import SnapshotHeader, decode_part, encode_part
from tenure.snapshots.restoring import RestoredSnapshot, restore_snapshot
from tenure.snapshots.writing import WrittenSnapshot, write_snapshot
from tests.recount.short_events import signup
from tests.unit.streams.partitions import on_virtual_time

SETTINGS = Settings()


class Place:
    """A place for a stream: what commands find there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have commands open what is here."""
        self.tables = MemoryTables()
        monkeypatch.setattr(restoring, "open_tables", self._opened)
        monkeypatch.setattr(writing, "running_tables", self._opened)

    @asynccontextmanager
    async def _opened(self, _: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark | None]]:
        yield self.tables, await self.tables.read_mark()

    async def have_a_stream(self, folder: Path) -> None:
        """Have three customers and a mark here, and a target."""
        events = [signup(f"c{n}", f"2025-03-0{n}T00:00:00Z") for n in (1, 2, 3)]
        mark = {"type": "mark", "id": "m", "time": "2025-04-01T00:00:00Z", "kind": "price", "title": "Dearer"}
        file = folder / "events.ndjson"
        file.write_text("".join(f"{json.dumps(event)}\n" for event in [*events, mark]))
        found = (await replayed(str(file), SETTINGS)).tables
        assert isinstance(found, MemoryTables)
        self.tables = found
        await found.mark(StreamMark(SETTINGS.group, 4, SETTINGS.fingerprint(), "id"))
        await found.append("targets", b"ours")

    async def written(self, file: Path) -> WrittenSnapshot:
        """Write a snapshot."""
        return await write_snapshot(SETTINGS, file, lambda _: None)

    async def restored(self, file: Path) -> RestoredSnapshot:
        """Restore one."""
        return await restore_snapshot(SETTINGS, file, lambda _: None)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty place."""
    return Place(monkeypatch)


def changed(file: Path, **members: object) -> Path:
    """Return the file with other members of its header."""
    out = file.with_name("changed")
    out.unlink(missing_ok=True)
    with SnapshotWriter(out) as writer:
        for part in parts_of(file):
            found = decode_part(part)
            writer.put(encode_part(replace(found, **members)) if isinstance(found, SnapshotHeader) else part)
        writer.finish()
    return out


def test_marks_are_restored_and_are_no_customers(place: Place, tmp_path: Path) -> None:
    """They lie in a state, so that whoever counts states says one customer too many."""

    async def test() -> None:
        await place.have_a_stream(tmp_path)
        before = {number: place.tables.states(number) for number in range(4)}
        written = await place.written(tmp_path / "taken")
        assert (written.customers, sum(map(len, before.values()))) == (3, 4)
        place.tables = MemoryTables()
        restored = await place.restored(tmp_path / "taken")
        assert (restored.customers, restored.cells, restored.sha256) == (3, written.cells, written.sha256)
        assert {number: place.tables.states(number) for number in range(4)} == before

    on_virtual_time(test)


def test_other_targets_are_found_before_anything_is_written(place: Place, tmp_path: Path) -> None:
    """A restore that ends with a refusal has left an empty place."""

    async def test() -> None:
        await place.have_a_stream(tmp_path)
        await place.written(tmp_path / "taken")
        place.tables = MemoryTables()
        await place.tables.append("targets", b"theirs")
        with pytest.raises(UsageError, match="other targets"):
            await place.restored(tmp_path / "taken")
        assert [await place.tables.read_head(number) for number in range(4)] == [None] * 4
        assert place.tables._shared.notes.keys() == {"hold"}

    on_virtual_time(test)


def test_partitions_of_an_earlier_try_with_a_wider_stream_are_removed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that is widened later would find customers there who are none of its own."""

    async def test() -> None:
        await place.have_a_stream(tmp_path)
        await place.written(tmp_path / "taken")
        wider = changed(tmp_path / "taken", in_use=16)
        place.tables = MemoryTables()

        async def killed(*_: object) -> None:
            await place.tables.commit(9, head_commit(None, b"held:x:"))
            await place.tables.commit(SCHEDULES + 9, head_commit(None, b"held:x:"))
            raise CheckFailed("killed")

        with monkeypatch.context() as patched:
            patched.setattr(restoring._Restoring, "check", killed)
            with pytest.raises(CheckFailed, match="killed"):
                await place.restored(wider)
        await place.restored(tmp_path / "taken")
        assert await place.tables.read_head(9) is None
        assert await place.tables.read_head(SCHEDULES + 9) is None
        assert await place.tables.entries("targets") == [b"ours"]

    on_virtual_time(test)


def test_partition_that_goes_on_while_it_is_read_spoils_a_snapshot(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After half a minute of silence workers go on: what is read then is of two instants."""

    async def test() -> None:
        await place.have_a_stream(tmp_path)
        restated = place.tables.restated

        async def slowly(partition: int, periods: tuple[str, ...] = ()) -> object:
            held = (await place.tables.load(partition)).head
            await place.tables.commit(partition, head_commit(held, b"of a worker"))
            return await restated(partition, periods)

        monkeypatch.setattr(place.tables, "restated", slowly)
        with pytest.raises(CheckFailed, match="went on meanwhile"):
            await place.written(tmp_path / "taken")
        assert not (tmp_path / "taken").exists()

    on_virtual_time(test)


@pytest.mark.parametrize("version", sorted(CONVERTIBLE_VERSIONS))
def test_snapshot_of_an_earlier_version_is_restored_for_a_rebuild(version: int, place: Place, tmp_path: Path) -> None:
    """It may be all that is left of a stream."""

    async def test() -> None:
        await place.have_a_stream(tmp_path)
        await place.written(tmp_path / "taken")
        place.tables = MemoryTables()
        assert (await place.restored(changed(tmp_path / "taken", state_version=version))).needs_rebuild

    asyncio.run(test())
