"""A snapshot is of one instant in each partition, or it is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streams.copying import copy_commit, head_commit
from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed
from streams.settings.settings import Settings
from streams.tables import StreamMark, Tables
from tenure.snapshots import writing
from tests.unit.streams.test_holding import FIRST


def test_snapshot_of_a_partition_that_went_on_while_it_was_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stood still for too long holds nothing any more: states and counters would be of two instants."""
    settings, tables = Settings(), MemoryTables()
    mark = StreamMark(settings.group, 1, settings.fingerprint(), "id")
    scan = tables.scan_states

    async def overtaken(partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        async for found in scan(partitions):
            yield found
        await tables.commit(0, head_commit((await tables.load(0)).head, FIRST))

    @asynccontextmanager
    async def running_tables(_: Settings) -> AsyncIterator[tuple[Tables, StreamMark]]:
        yield tables, mark

    async def test() -> None:
        await tables.mark(mark)
        await tables.commit(0, copy_commit(None, FIRST, states={"a": b"1"}))
        await writing.write_snapshot(settings, tmp_path / "whole", lambda _: None)
        monkeypatch.setattr(tables, "scan_states", overtaken)
        with pytest.raises(CheckFailed, match="run it again"):
            await writing.write_snapshot(settings, tmp_path / "mixed", lambda _: None)

    monkeypatch.setattr(writing, "running_tables", running_tables)
    asyncio.run(test())
    assert [file.name for file in tmp_path.iterdir()] == ["whole"]
