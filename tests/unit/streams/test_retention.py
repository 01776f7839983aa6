"""Which topics do not keep their events."""

from __future__ import annotations

import pytest

from streams.meters import Meters
from streams.retention import RetentionWatch, what_deletes

FOR_GOOD = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"retention.ms": "604800000"}, "retention.ms=604800000"),
        ({"retention.bytes": "1000"}, "retention.bytes=1000"),
        ({"retention.ms": "5", "retention.bytes": "7"}, "retention.ms=5, retention.bytes=7"),
        ({"cleanup.policy": "compact"}, "cleanup.policy=compact keeps only the last event of a customer"),
        ({"cleanup.policy": "compact,delete"}, "cleanup.policy=compact keeps only the last event of a customer"),
        ({"cleanup.policy": "", "retention.ms": "5"}, None),
    ],
)
def test_topic_keeps_its_events_unless_its_configuration_says_otherwise(
    change: dict[str, str], reason: str | None
) -> None:
    """Who learns of it when Redis is lost learns it too late."""
    assert what_deletes({**FOR_GOOD, **change}) == reason


def test_topics_that_delete_are_shown_as_long_as_they_do() -> None:
    """The metric follows a setting that was mended."""
    meters = Meters()
    watch = RetentionWatch(["a", "b"], {}, meters)
    watch.tell({"a": "retention.ms=5", "b": None})
    shown = meters.exposition().decode()
    assert 'tenure_retention_finite{topic="a"} 1.0' in shown
    assert 'tenure_retention_finite{topic="b"} 0.0' in shown
    watch.tell({"a": None, "b": None})
    assert 'tenure_retention_finite{topic="a"} 0.0' in meters.exposition().decode()
