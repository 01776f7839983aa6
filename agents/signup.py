"""Signups, on `customer.signup`: customers who start to pay, or start again.

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
        "A customer begins to pay, or comes back: the first one counts in `customers_new`, one after a cancellation in"
        " `customers_reactivated`. Of an active customer it is ignored. The setting `dimensions` adds further members,"
        " which are labels. The segments of a customer are those of the first signup."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.signup")  # type: ignore[untyped-decorator]
    async def signups(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
