"""Signups, on `customer.signup`: subscriptions that open, or open again.

Facts of the customer's timeline (`kpis.customer.timeline`); they alone bring plan, segments and the first MRR.
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "signup"
TYPES: Final = {
    "signup": (
        "A subscription opens, or opens again. A customer who becomes active by it counts in `customers_new` the first"
        " time, and in `customers_reactivated` later. Of a subscription that is open it is another plan and price, and"
        " ends a pause. The setting `dimensions` adds further members, which are labels. The segments of a customer are"
        " those of the first signup."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.signup")  # type: ignore[untyped-decorator]
    async def signups(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
