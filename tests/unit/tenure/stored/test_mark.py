"""What a worker makes of the mark that its tables hold."""

from __future__ import annotations

import pytest

from streams.embedded.tables import MemoryTables
from streams.errors import ConfigurationError
from streams.settings.settings import Settings
from tenure.stored.mark import claim_tables


async def test_more_partitions_than_the_mark_counts_change_nothing() -> None:
    """Which partition a customer lies on follows from one number that all workers share, for good."""
    tables, settings = MemoryTables(), Settings()
    first = await claim_tables(settings, tables, partitions=4)
    assert await claim_tables(settings, tables, partitions=6) == first
    assert first.partitions == 4


async def test_fewer_partitions_than_the_mark_counts_are_refused() -> None:
    """Customers of the partitions that are gone would have nowhere to be forwarded to."""
    tables, settings = MemoryTables(), Settings()
    await claim_tables(settings, tables, partitions=4)
    with pytest.raises(ConfigurationError, match=r"3 partitions.*counted with 4 partitions.*restore the topics"):
        await claim_tables(settings, tables, partitions=3)
