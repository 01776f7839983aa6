"""Renewals, on `customer.renewal`: terms that came to their end, and what became of them.

They stand beside the customer's timeline, with the plan of their time (`kpis.customer.feedback_codes`).
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "renewal"
TYPES: Final = {
    "renewal": (
        "A term comes to its end; it counts in `renewals_renewed`, `renewals_declined` or `renewals_failed`. It ends no"
        " subscription: for that there is `cancel`."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.renewal")  # type: ignore[untyped-decorator]
    async def renewals(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
