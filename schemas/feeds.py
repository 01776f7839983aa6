"""Feeds: the pair of an event type and a source, by which events and what is wrong with them are counted.

Pure. Which sources are counted by name: `streams.partition.feeds`.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from schemas.events import EVENT_TYPES

UNKNOWN_TYPE: Final = "unknown"
"""The type of a record that names none that is known, on a topic that is no type's."""
NO_SOURCE: Final = ""
"""The source of a record that cannot be read, or names none."""
OTHER: Final = "other"
"""The source that the less frequent ones are counted as."""
LONGEST_SOURCE: Final = 256
"""What is longer is no source that an event may have (characters)."""
TYPES: Final = tuple(event_type.TYPE for event_type in EVENT_TYPES)
_KNOWN: Final = frozenset(TYPES)
_DEFAULT_SOURCE: Final = {event_type.TYPE: event_type.TOPIC for event_type in EVENT_TYPES}


class FeedKey(NamedTuple):
    """Events of one type from one source."""

    type: str
    source: str


class _Said(msgspec.Struct):
    """The members of a refused record that say whose it is, whatever they hold."""

    type: msgspec.Raw = msgspec.Raw()
    source: msgspec.Raw = msgspec.Raw()


_read = msgspec.json.Decoder(_Said).decode
_text = msgspec.json.Decoder(str).decode


def feed_of_refused(value: bytes | None, topic_type: str | None) -> FeedKey:
    """Return the feed of a record that was refused, as far as it can be told; never raises.

    Args:
        value: Of the record.
        topic_type: The type that gives the record's topic its name; None for the topic of all types.
    """
    try:
        said = _read(value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return FeedKey(topic_type or UNKNOWN_TYPE, NO_SOURCE)
    found = _text_of(said.type)
    kind = found if found in _KNOWN else topic_type or UNKNOWN_TYPE
    source = _text_of(said.source)[:LONGEST_SOURCE]
    return FeedKey(kind, source or _DEFAULT_SOURCE.get(kind, NO_SOURCE))


def types_of_topics(topics: Mapping[str, str]) -> dict[str, str]:
    """Return by the name of an input topic the type that it is named by; none of the topic of all types.

    Args:
        topics: Names of topics by their key in the setting `topics`.
    """
    return {name: key for key, name in topics.items() if key in _KNOWN}


def _text_of(raw: msgspec.Raw) -> str:
    try:
        return _text(raw) if bytes(raw) else ""
    except (msgspec.DecodeError, ValueError):
        return ""
