"""Routing of a record: topic, key and headers, as a careful producer would choose them."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from schemas.decoding.wire_formats import Recognised, json_of, recognised
from schemas.events import EVENT_TYPES, NO_CUSTOMER
from schemas.topics import MIXED_TOPIC_SETTING
from streams.records import NO_HEADERS, Headers
from streams.settings.settings import Settings

_WITHOUT_CUSTOMER: Final = frozenset(kind.TYPE for kind in EVENT_TYPES if not kind.HAS_CUSTOMER)


class Route(NamedTuple):
    """The destination of one record.

    Attributes:
        topic: That of its type; the mixed one where it names no type that we know, or no customer.
        key: The customer's id, as bytes; empty for an event without a customer.
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

    Attributes:
        mixed_topic: Where goes what is no event of a known type, or of no customer.
    """

    def __init__(self, settings: Settings, topic: str | None = None) -> None:
        self.mixed_topic = topic or settings.topics[MIXED_TOPIC_SETTING]
        self._topics = {kind: topic or own for kind, own in settings.topic_of_type.items()}

    def route(self, value: bytes, headers: Headers = NO_HEADERS) -> Route:
        """Return where a record goes; whatever its bytes. What an adapter does not understand has no type.

        Args:
            value: Of the record.
            headers: That say what it is; without any it is recognised by its bytes.
        """
        headers, customer_id, event_type = heading_of(value, headers)
        if event_type in _WITHOUT_CUSTOMER:
            customer_id = NO_CUSTOMER
        if customer_id is None or event_type not in self._topics:
            event_type = None
        return Route(
            self.mixed_topic if event_type is None else self._topics[event_type],
            None if customer_id is None else customer_id.encode("utf-8", "surrogatepass"),
            headers,
            event_type,
        )


def heading_of(value: bytes, headers: Headers = NO_HEADERS) -> Recognised:
    """Return what a producer announces a record with, and the customer and the event type that it names.

    Cheap: it reads these members alone and checks nothing else. What has another format than our own JSON is read as
    that format says (`schemas.decoding.wire_formats`). None stands for what is absent, not text, or in a record that is
    not a JSON object.
    """
    found = None if headers else recognised(value)
    if found is not None:
        return found
    try:
        heading = _HEADING.decode(json_of(value, headers))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Recognised(headers, None, None)
    return Recognised(headers, id_text(heading.customer_id), id_text(heading.type))


class _Heading(msgspec.Struct):
    """The members that say whose event it is; any type, so that one wrong member does not hide the others."""

    customer_id: object = None
    type: object = None


_HEADING: Final = msgspec.json.Decoder(_Heading)


def id_text(member: object) -> str | None:
    """Return an id as text, which may be written as an integer; None where it is neither."""
    if isinstance(member, int) and not isinstance(member, bool):
        return str(member)
    return member if isinstance(member, str) else None
