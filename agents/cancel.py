"""Cancels and revocations, on `customer.cancel`: subscriptions that end, and events that are taken back.

A cancel is a fact of the customer's timeline (`kpis.customer.timeline`), at once or at an instant to come. A revocation
is none: it takes another fact, survey or renewal out of what is counted (`kpis.customer.facts`).
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "cancel"
TYPES: Final = {
    "cancel": (
        "The subscription ends. Where none is left that counts, the customer counts in `cancellations`; else"
        " the MRR falls. One that comes before its signup ends the subscription once the signup is there."
    ),
    "revoke": (
        "The event with the id `revokes` never counts, whichever of the two arrives first; for example a scheduled"
        " cancel that is withdrawn."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.cancel")  # type: ignore[untyped-decorator]
    async def cancels(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
