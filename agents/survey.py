"""Surveys, on `customer.survey`: NPS and CSAT, in the app, by email or by outreach.

They stand beside the customer's timeline, with the plan of their time (`kpis.customer.feedback_codes`). What asks for
them is another agent: `agents.survey_requests`.
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "survey"
TYPES: Final = {
    "survey": (
        "A survey is sent, answered or dismissed; each is an event of its own, and counts in `survey_sent`,"
        " `survey_answered` or `survey_dismissed`. Who answers is engaged."
    ),
}


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.survey")  # type: ignore[untyped-decorator]
    async def surveys(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
