"""Marks, on `tenure.marks`: what happened that numbers are to be read beside, of no customer.

All of them lie in one state, that of the customer without a name, on the partition that its key says: a mark that lies
elsewhere is forwarded there, like a record of any customer.
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "marks"
TYPES: Final = {
    "mark": (
        "Something happened that numbers are to be read beside: a release, a price change, a campaign, an incident. It"
        " has no customer. To change one, send it again under its `id` with a greater `sequence`."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.marks")  # type: ignore[untyped-decorator]
    async def marks(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
