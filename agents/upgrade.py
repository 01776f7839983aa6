"""Upgrades and downgrades, on `customer.upgrade`: changes of plan or of recurring revenue.

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
        "Plan or revenue changes. Whether it counts in `upgrades` or in `downgrades` follows from the MRR before and"
        " after, not from the type; of a customer who is not active it is ignored."
    ),
    "downgrade": "As `upgrade`; the two types are interchangeable.",
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.upgrade")  # type: ignore[untyped-decorator]
    async def changes(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
