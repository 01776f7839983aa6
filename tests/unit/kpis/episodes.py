"""Episodes made of a few events written short, through the fold of the stream."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kpis.customer.state import decode
from kpis.population.episodes import EpisodeCollector, Episodes
from tests.property.folding import Folded
from tests.recount.options import Options
from tests.recount.short_events import Event


def episodes_of(events: Sequence[Event], *, time_zone: str = "UTC", partitions: int = 1) -> list[Episodes]:
    """Fold events and return the episodes of their customers, by partition."""
    bucket_minutes = 30 if time_zone in {"Asia/Kolkata", "Australia/Lord_Howe"} else 60
    folded = Folded(Options(business_time_zone=time_zone, bucket_minutes=bucket_minutes), partitions=partitions)
    folded.batches([json.dumps(event).encode() for event in events], 10)
    found: list[Episodes] = []
    for names, states in zip(folded.names, folded.states, strict=True):
        gathering = EpisodeCollector(names)
        gathering.take(map(decode, states.values()))
        found.append(gathering.episodes())
    return found
