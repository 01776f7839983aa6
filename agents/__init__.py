"""The agents of the stream, one a topic: plain Faust agents, whose events are batches.

They know their topic and the port that batches are applied to; never Redis, never Kafka.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents import activity, cancel, events, onboarding, renewal, signup, survey, upgrade
from streams.batching.application import App
from streams.partition.context import Sink

REGISTER = {
    "signup": signup.register,
    "cancel": cancel.register,
    "upgrade": upgrade.register,
    "survey": survey.register,
    "renewal": renewal.register,
    "onboarding": onboarding.register,
    "activity": activity.register,
    "events": events.register,
}


def register_all(app: App, topics: Mapping[str, str], sink: Sink) -> None:
    """Add every agent, explicitly and under a fixed name.

    Args:
        app: The application.
        topics: Names of the topics, by the keys of REGISTER.
        sink: Where batches are applied.
    """
    for setting, register in REGISTER.items():
        register(app, topics[setting], sink)
