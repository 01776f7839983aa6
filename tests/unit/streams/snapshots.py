"""Rolling counts of small logs, for tests of what is made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from kpis.counting.rolling import RollingCounts, Snapshot
from schemas.instants import milliseconds
from tests.property.folding import Folded
from tests.property.rolling import counts_as_of
from tests.recount.options import DEFAULTS
from tests.unit.kpis.customers import START

#: Thirty days after the first event.
BOUNDARY = milliseconds(START) // 3_600_000 + 30 * 24


def live_counts(records: Sequence[bytes], *, partitions: int = 1) -> tuple[Folded, RollingCounts]:
    """Return the fold of records, and rolling counts that own all its partitions."""
    folded = Folded(DEFAULTS, partitions=partitions)
    folded.batches(records, 1000)
    live = RollingCounts(folded.windows, dimensions=folded.names[0].dimensions, segment_windows=["7d", "30d"])
    for number, table in enumerate(folded.tables()):
        live.take(number, table.names, lambda table=table: [table.cells])  # type: ignore[misc]  # bound early
    return folded, live


def snapshot_of(live: RollingCounts, shown: Mapping[str, Sequence[str]] | None = None, at: int = BOUNDARY) -> Snapshot:
    """Return a snapshot that shows these values of each dimension."""
    live.show(shown or {})
    return asyncio.run(counts_as_of(live, at))
