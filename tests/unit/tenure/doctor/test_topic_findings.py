"""The topics of the stream as the doctor sees them: which it needs, and which it leaves out."""

from __future__ import annotations

import pytest

from streams.settings.settings import Settings
from tenure.doctor.topics import topic_findings
from tenure.operations.topics import State, Topic

NOT_NEEDED = (
    "tenure.survey-requests is not needed (survey_requests is off)",
    "tenure.forgotten is not needed (forget_key is not set)",
)


async def told(settings: Settings) -> tuple[str, str]:
    """Return what is said where Kafka has all topics with one replica each: of the topics, and of their replicas."""
    names = {f"topics.{name}": topic for name, topic in settings.topics.items()}
    names |= {
        each: getattr(settings, each) for each in ("dead_letter_topic", "survey_request_topic", "forgotten_topic")
    }
    there = [Topic(topic, setting, 4, 1, State.EXISTS) for setting, topic in names.items()]
    of_topics, of_replicas = [each.what async for each in topic_findings(settings, there)]
    return of_topics, of_replicas


@pytest.mark.parametrize(
    ("settings", "left_out", "needed"),
    [
        (Settings(), NOT_NEEDED, 11),
        (Settings(survey_requests=True), NOT_NEEDED[1:], 12),
        (Settings(survey_requests=True, forget_key="0f" * 32), (), 13),
    ],
)
async def test_topic_that_is_left_out_is_named_with_the_setting_that_leaves_it_out(
    settings: Settings, left_out: tuple[str, ...], needed: int, nothing_set: None
) -> None:
    """`tenure topics` lists them all: whoever compares the two counts looks for the one that lacks."""
    del nothing_set
    of_topics, of_replicas = await told(settings)
    assert of_topics.split("; ")[2:] == list(left_out)
    assert of_replicas.startswith(f"{needed} of the {needed} needed topics have one replica")
