"""The agents of the stream, one a topic: plain Faust agents, whose events are batches.

Each says in `SETTING` which topic it reads, by its key in the setting `topics`, and in `TYPES` which event types belong
there and what becomes of them. A type on another topic is applied all the same: the event says what it is. Agents know
their topic and the port that batches are applied to; never Redis, never Kafka. One of your own: docs/extending.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agents import activity, cancel, contact, events, marks, onboarding, renewal, signup, survey, upgrade
from streams.batching.application import App
from streams.partition.context import Sink

AGENTS: Final = (signup, cancel, upgrade, survey, renewal, onboarding, activity, contact, marks, events)


def register_all(app: App, topics: Mapping[str, str], sink: Sink) -> None:
    """Add every agent, explicitly and under a fixed name.

    Args:
        app: The application.
        topics: Names of the topics, by the agents' `SETTING`.
        sink: Where batches are applied.
    """
    for agent in AGENTS:
        agent.register(app, topics[agent.SETTING], sink)
