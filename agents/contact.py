"""Touchpoints, on `customer.contact`: what passed between us and a customer, and what the customer was shown.

They change no count; what is made of them is worked out over all customers (`kpis.customer.touchpoints`).
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "contact"
TYPES: Final = {
    "contact": (
        "Somebody of yours followed up with the customer, about a survey where it is named. It tells how long answers"
        " wait, and who waits still."
    ),
    "support": "A ticket was opened, answered or solved. Send one event for each, with the same `ticket`.",
    "referral": "The customer brought another one, who is known by `referred` once they sign up.",
    "exposure": (
        "The customer saw a variant of a measure, such as an offer that is to keep customers. Who is held out sees a"
        " variant too: the one that changes nothing. The first variant that a customer saw is theirs."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.contact")  # type: ignore[untyped-decorator]
    async def contacts(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
