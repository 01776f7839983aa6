"""What is asked of Kafka before anything starts, and what a topic that is not as it must be is answered with."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.protocol.metadata import MetadataResponse_v5
from pydantic import SecretStr

from streams.errors import ConfigurationError, TopicsUnfit
from streams.kafka.topics import TopicSize, check_topics, check_visible, sizes_of
from streams.settings.settings import Settings


class CreatingKafka:
    """A Kafka that creates a topic when it is asked for by its name, as one does that nobody told not to."""

    def __init__(self, topics: dict[str, list[int]]) -> None:
        """Begin with these topics: the number of replicas of each of their partitions."""
        self.topics = topics

    async def describe_topics(self, topics: list[str] | None = None) -> list[dict[str, Any]]:
        """Answer as aiokafka's client does; None asks for all."""
        for name in topics or ():
            self.topics.setdefault(name, [1])
        return [
            {"topic": name, "error_code": 0, "partitions": [{"replicas": list(range(n))} for n in replicas]}
            for name, replicas in self.topics.items()
            if topics is None or name in topics
        ]


async def test_looking_for_topics_creates_none() -> None:
    """A topic that comes into being by being looked for has a partition count that nobody chose."""
    kafka = CreatingKafka({"signup": [3, 2, 3], "other": [1]})
    assert await sizes_of(["signup", "cancel"], kafka) == {"signup": TopicSize(3, 2)}
    assert set(kafka.topics) == {"signup", "other"}


class HidingKafka:
    """A Kafka that lets us see no topic but those that we have rights to; it knows what may be asked of it."""

    def __init__(self, hidden: set[str]) -> None:
        """Hide these topics."""
        self.hidden = hidden

    async def _send_request(self, request: Any) -> Any:
        asked = request.prepare({3: (0, 5)})
        assert asked.allow_auto_topic_creation is False
        errors: list[Any] = [(29 if name in self.hidden else 3, name, False, []) for name in asked.topics]
        return MetadataResponse_v5(0, [], None, 0, errors)


async def test_topics_that_we_may_not_see_are_not_said_to_be_missing() -> None:
    """Whoever is told to create them finds them there."""
    kafka = HidingKafka({"signup"})
    named = Settings(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_username="tenure",
        kafka_password=SecretStr("x"),
    )
    await check_visible(["cancel"], kafka, Settings())
    with pytest.raises(TopicsUnfit, match="does not let 'tenure' see signup, whether they are there or not"):
        await check_visible(["signup", "cancel"], kafka, named)


def test_missing_topics_are_named_with_the_command_that_creates_them() -> None:
    """The line is all that an operator sees of a worker that does not start."""
    with pytest.raises(ConfigurationError, match=r"2 of the 3 topics.*: b, dead; create them with `tenure topics"):
        check_topics({"a": 4, "b": 0, "dead": 0}, input_topics=["a", "b"])


def test_input_topics_with_different_counts_are_named() -> None:
    """A customer's events would lie on partitions of different workers."""
    with pytest.raises(ConfigurationError, match="a has 4, b has 6; raise the others with `tenure topics --grow`"):
        check_topics({"a": 4, "b": 6, "dead": 1}, input_topics=["a", "b"])


def test_dead_letter_topic_may_have_another_count() -> None:
    """Nobody reads it partition by partition."""
    assert check_topics({"a": 4, "b": 4, "dead": 1}, input_topics=["a", "b"]) == 4
