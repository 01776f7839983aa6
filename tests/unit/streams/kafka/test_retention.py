"""Which topics do not keep their events."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka.retention import Retention, retentions_of
from streams.metrics.meters import Meters
from tenure.worker.retention_watch import RetentionWatch

FOR_GOOD = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
GOOD = Retention(-1, -1, compacted=False)


class Configured:
    """A Kafka whose topics have configurations; 29 is one that we may not ask about."""

    def __init__(self, **topics: dict[str, str] | int) -> None:
        """Take the configuration of each topic, or the error of asking for it."""
        self.topics = topics

    async def describe_configs(self, resources: Any) -> Any:
        """Answer as Kafka does."""
        found = [(resource.name, self.topics[resource.name]) for resource in resources]
        return [
            SimpleNamespace(
                resources=[
                    (code, "", 2, name, []) if isinstance(code, int) else (0, "", 2, name, list(code.items()))
                    for name, code in found
                ]
            )
        ]


@pytest.mark.parametrize(
    ("change", "for_good", "words"),
    [
        ({}, True, "for good"),
        ({"retention.ms": "604800000"}, False, "7 days"),
        ({"retention.bytes": "1000"}, False, "1,000 bytes"),
        ({"retention.ms": "5", "retention.bytes": "7"}, False, "5 milliseconds or 7 bytes"),
        ({"cleanup.policy": "compact"}, False, "the last of each key"),
        ({"cleanup.policy": "compact,delete", "retention.ms": "1000"}, False, "1 second or the last of each key"),
        ({"cleanup.policy": "", "retention.ms": "5"}, True, "for good"),
    ],
)
async def test_topic_keeps_its_events_unless_its_configuration_says_otherwise(
    change: dict[str, str], for_good: bool, words: str
) -> None:
    """Who learns of it when Redis is lost learns it too late."""
    kafka: Any = Configured(a={**FOR_GOOD, **change}, hidden=29)
    found = await retentions_of(["a", "hidden"], kafka)
    assert {topic: (kept.for_good, kept.in_words) for topic, kept in found.items()} == {"a": (for_good, words)}


def test_topics_that_delete_are_shown_as_long_as_they_do() -> None:
    """The metric follows a setting that was mended."""
    meters = Meters()
    watch = RetentionWatch(["a", "b"], {}, meters)
    watch.tell({"a": Retention(5, -1, compacted=False), "b": GOOD})
    shown = meters.exposition().decode()
    assert 'tenure_retention_finite{topic="a"} 1.0' in shown
    assert 'tenure_retention_finite{topic="b"} 0.0' in shown
    watch.tell({"a": GOOD, "b": GOOD})
    assert 'tenure_retention_finite{topic="a"} 0.0' in meters.exposition().decode()
