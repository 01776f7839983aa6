"""Rebuilds that cannot be: refused with advice before anything is held or written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams.copying import head_commit
from streams.embedded.tables import MemoryTables
from streams.errors import StateUnreadable
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.rebuilding import rebuild as module
from tenure.rebuilding.rebuild import Source, Wish, rebuild


@pytest.mark.parametrize("source", ["tables", "kafka"])
def test_partition_with_a_commit_in_part_is_refused(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its head is none: nothing says up to where Kafka would have to be counted, nor that the facts are whole."""
    settings = Settings()
    tables = MemoryTables()
    mark = StreamMark(settings.group, 2, settings.fingerprint())

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark]]:
        yield tables, mark

    async def test() -> None:
        await tables.commit(1, head_commit(None, b"damaged"))
        with pytest.raises(StateUnreadable, match=r"partition 1 .*no head of ours.*TENURE_REDIS_PREFIX"):
            await rebuild(settings, Wish(source, None, True, True, "ann", "damage"), lambda _: None)
        assert await tables.read_head(1) == b"damaged"
        assert await tables.note("hold", None) is None

    monkeypatch.setattr(module, "open_tables", opened)
    asyncio.run(test())
