"""Any event, on `customer.events`: for producers with one topic, and for records that are forwarded.

A record that lay on another partition than its customer's is forwarded to that partition of this topic
(`streams.partition.forwarding`), so that this agent runs even where no producer uses it.
"""

from __future__ import annotations

from typing import Final

from faust import StreamT

from agents.activity import TYPES as ACTIVITY
from agents.cancel import TYPES as CANCEL
from agents.contact import TYPES as CONTACT
from agents.marks import TYPES as MARKS
from agents.onboarding import TYPES as ONBOARDING
from agents.renewal import TYPES as RENEWAL
from agents.signup import TYPES as SIGNUP
from agents.survey import TYPES as SURVEY
from agents.upgrade import TYPES as UPGRADE
from streams.batching.application import App
from streams.batching.batches import Batch, BatchSchema
from streams.partition.context import Sink

SETTING: Final = "events"
TYPES: Final = SIGNUP | CANCEL | UPGRADE | SURVEY | RENEWAL | ONBOARDING | ACTIVITY | CONTACT | MARKS


def register(app: App, topic: str, sink: Sink) -> None:
    """Add the agent to an application: it reads `topic` and applies each batch to `sink`."""

    @app.agent(app.topic(topic, schema=BatchSchema()), name="tenure.events")  # type: ignore[untyped-decorator]
    async def events(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            await sink.apply(batch)
