"""Upgrades, downgrades, pauses and resumes, on `customer.upgrade`: what changes a subscription between begin and end.

Facts of the customer's timeline (`kpis.customer.timeline`). Producers choose the type; the fold looks at the revenue.
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "upgrade"
TYPES: Final = {
    "upgrade": (
        "Plan or price changes. Whether it counts in `upgrades` or in `downgrades` follows from the customer's MRR"
        " before and after, not from the type. Of a subscription that is closed it is without effect."
    ),
    "downgrade": "As `upgrade`; the two types are interchangeable.",
    "pause": "The subscription pauses: it has no MRR until it goes on. Of one that is not open it is without effect.",
    "resume": "A paused subscription goes on, with the plan and price that it has. Of any other it is without effect.",
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.upgrade")  # type: ignore[untyped-decorator]
    async def changes(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
