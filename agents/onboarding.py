"""Onboarding, on `customer.onboarding`: customers who completed it.

Only the instants of completions are kept; what counts is whether one lies within the first seven days of a customer.
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "onboarding"
TYPES: Final = {
    "onboarding": (
        "The customer completes the onboarding; within seven days of the first signup that counts in"
        " `onboarding_completed`."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.onboarding")  # type: ignore[untyped-decorator]
    async def onboardings(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
