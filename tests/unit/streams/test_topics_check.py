"""What is asked of Kafka before anything starts, and what a topic that is not as it must be is answered with."""

from __future__ import annotations

from typing import Any

import pytest

from streams.errors import ConfigurationError
from streams.topics_check import TopicSize, check_topics, sizes_of


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


def test_missing_topics_are_named_with_the_command_that_creates_them() -> None:
    """The line is all that an operator sees of a worker that does not start."""
    with pytest.raises(ConfigurationError, match=r"2 of 3 topics.*: b, dead; create them with `tenure topics"):
        check_topics({"a": 4, "b": 0, "dead": 0}, input_topics=["a", "b"])


def test_input_topics_with_different_counts_are_named() -> None:
    """A customer's events would lie on partitions of different workers."""
    with pytest.raises(ConfigurationError, match="a has 4, b has 6"):
        check_topics({"a": 4, "b": 6, "dead": 1}, input_topics=["a", "b"])


def test_dead_letter_topic_may_have_another_count() -> None:
    """Nobody reads it partition by partition."""
    assert check_topics({"a": 4, "b": 4, "dead": 1}, input_topics=["a", "b"]) == 4
