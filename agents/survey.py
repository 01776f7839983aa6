"""In-app, email and outreach surveys that were sent, answered or dismissed.

A type that lies on this topic although it belongs on another is applied all the same: the event says what it is.
"""

from __future__ import annotations

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.survey")  # type: ignore[untyped-decorator]
    async def surveys(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
