"""Any event, on `customer.events`: for producers with one topic, and for records that are forwarded.

A record that lay on another partition than its customer's is forwarded to that partition of this topic
(`streams.partition.forwarding`), so that this agent runs even where no producer uses it.
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from agents import activity, cancel, onboarding, renewal, signup, survey, upgrade
from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "events"
TYPES: Final = {
    event_type: meaning
    for agent in (signup, cancel, upgrade, survey, renewal, onboarding, activity)
    for event_type, meaning in agent.TYPES.items()
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.events")  # type: ignore[untyped-decorator]
    async def events(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
