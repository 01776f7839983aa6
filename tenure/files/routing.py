"""Routing of a record from a file: topic, key and headers, as a careful producer would choose them."""

from __future__ import annotations

from typing import NamedTuple

from schemas.decoding.wire_formats import recognised
from schemas.topics import INPUT_TOPICS, MIXED_TOPIC_SETTING
from streams.records import NO_HEADERS, Headers
from streams.settings.settings import Settings
from tenure.files.reader import key_and_type


class Route(NamedTuple):
    """Where one record goes.

    Attributes:
        topic: That of its type; the mixed one where it names no type that we know, or no customer.
        key: The customer's id, as bytes.
        headers: What announces its format, where it is not our own JSON.
        event_type: The type; None for what will become a dead letter.
    """

    topic: str
    key: bytes | None
    headers: Headers
    event_type: str | None


class Router:
    """Routes records by the topics of the settings.

    Args:
        settings: Their names.
        topic: Where everything goes instead.
    """

    def __init__(self, settings: Settings, topic: str | None = None) -> None:
        self._mixed = topic or settings.topics[MIXED_TOPIC_SETTING]
        self._topics = {
            event_type: topic or settings.topics[known.setting]
            for known in INPUT_TOPICS
            if known.setting != MIXED_TOPIC_SETTING
            for event_type in known.types
        }

    def route(self, value: bytes) -> Route:
        """Return where a record goes; whatever its bytes."""
        found = recognised(value)
        customer_id, event_type = key_and_type(value)
        if customer_id is None or event_type not in self._topics:
            event_type = None
        return Route(
            self._mixed if event_type is None else self._topics[event_type],
            None if customer_id is None else customer_id.encode("utf-8", "surrogatepass"),
            NO_HEADERS if found is None else found.headers,
            event_type,
        )
