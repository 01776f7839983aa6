"""Stretches of activity made of a few events written short, through decoding and the fold of the stream."""

from __future__ import annotations

from collections.abc import Sequence

from kpis.customer.state import decode
from kpis.population.episodes import StretchCollector, Stretches
from tests.property.any_order import Arrival
from tests.recount.options import Options
from tests.recount.short_events import Event

HOUR_MS = 3_600_000


def stretches_of(events: Sequence[Event], *, time_zone: str = "UTC", partitions: int = 1) -> list[Stretches]:
    """Fold events and return when their customers were active, by partition; buckets are hours."""
    folded = Arrival(list(events), Options(business_time_zone=time_zone), 10, partitions).folded()
    found: list[Stretches] = []
    for names, states in zip(folded.names, folded.states, strict=True):
        collector = StretchCollector(names, bucket_ms=folded.windows.bucket_ms, what=folded.what)
        collector.take(map(decode, states.values()))
        found.append(collector.stretches())
    return found
