"""Activity, on `customer.activity`: use of the product, the bulk of most streams.

Only the hours with any activity, and the features used in them, are kept (`kpis.customer.features`).
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "activity"
TYPES: Final = {
    "activity": (
        "The customer uses the product: that makes an active customer one of `customers_engaged`, and keeps one out of"
        " `dropoff_silent`."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.activity")  # type: ignore[untyped-decorator]
    async def activities(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
