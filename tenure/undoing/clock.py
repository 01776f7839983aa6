"""The clocks by which a span of time is meant."""

from __future__ import annotations

from enum import StrEnum


class ByClock(StrEnum):
    """A clock: when Kafka got a record, or when its event says that it happened."""

    ARRIVAL = "arrival"
    EVENT = "event"
