"""Rolling counts as whoever shows them asks for them."""

from __future__ import annotations

from kpis.counting.rolling import RollingCounts, Snapshot
from streams.giving_way import giving_way


async def counts_as_of(live: RollingCounts, boundary: int) -> Snapshot:
    """Return all counts as of a boundary; they are summed for it first where they are not."""
    if not live.is_summed(boundary):
        await giving_way(live.sum_anew(boundary))
    return live.snapshot()
