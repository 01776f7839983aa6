"""Reading numbers back from tables that are written meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from kpis.counting.cells import Cells
from streams.embedded.tables import MemoryTables
from streams.errors import Overtaken
from streams.settings.settings import Settings
from streams.tables import Stored
from tenure.stored.reading import read_tables


class _Busy(MemoryTables):
    """Tables that are written faster than they are read, for a while."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def snapshot(
        self, partition: int, groups: Sequence[int], since: Stored | None = None
    ) -> tuple[Stored, Cells]:
        """See `Tables`."""
        self.times -= 1
        if self.times >= 0:
            raise Overtaken("too fast")
        return await super().snapshot(partition, groups, since)


async def _parts(tables: MemoryTables) -> int:
    return len([part async for part in read_tables(Settings(), tables, 1)])


def test_partition_that_overtook_its_reader_is_begun_anew() -> None:
    """A burst of history passes; a report of it need not fail."""
    assert asyncio.run(_parts(_Busy(2))) == 1


def test_partition_that_always_overtakes_its_reader_is_an_error_and_no_endless_loop() -> None:
    """Whoever asked hears why, and can ask again."""
    with pytest.raises(Overtaken, match="try again when less is written"):
        asyncio.run(_parts(_Busy(1_000)))
