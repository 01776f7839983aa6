"""One record of another system on its way into the stream: its events, or the record itself where it says none.

Pure: adapters judge, and what they do not understand is sent as it is, under the headers that make it a dead letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec
import structlog

from schemas.adapters.adapter import Adapter, Members, Translation
from schemas.adapters.confluent import NAME as CONFLUENT
from schemas.adapters.reading import refused
from schemas.decoding.adapted import HEADER_ADAPTED, headers_of_refused, origin_of
from schemas.refusals import HEADER_TRUNCATED, TRUNCATED_BYTES, Reason, Refusal
from streams.batching.sender import Outgoing, Parcel
from streams.records import Headers, ReadableRecord

log = structlog.get_logger(__name__)
Outcome = Literal["translated", "ignored", "refused"]
_ROOMS_BYTES: Final = (TRUNCATED_BYTES, 16 * 1024, 512)
"""What is left of a record that the mixed topic does not take whole; see `streams.partition.outbox`."""
_KEY_BYTES: Final = 256


class TranslatedRecord(NamedTuple):
    """The outcome of one record.

    Attributes:
        adapter: The name of its adapter.
        outcome: What it came to.
        parcels: What is sent: its events, the record itself, or nothing.
    """

    adapter: str
    outcome: Outcome
    parcels: tuple[Parcel, ...] = ()


class TranslatedEvent(NamedTuple):
    """An event on its way to the topic of its type; where it is too large, its record becomes a dead letter."""

    outgoing: Outgoing
    record: ReadableRecord
    adapter: str

    def form(self, step: int) -> Outgoing | None:
        """See `streams.batching.sender.Parcel`: there is one."""
        return None if step else self.outgoing

    @property
    def place(self) -> bytes:
        """See `Parcel`."""
        return self.outgoing.key or _place_of(self.record)

    @property
    def gives_way(self) -> bool:
        """See `Parcel`: it gives way to its record."""
        return True


class NotUnderstood(NamedTuple):
    """A record on its way to the mixed topic, where it becomes a dead letter."""

    record: ReadableRecord
    adapter: str
    refusal: Refusal
    topic: str

    def form(self, step: int) -> Outgoing | None:
        """Return the record whole, then ever less of it; see `streams.batching.sender.Parcel`."""
        record, value, key = self.record, self.record.value or b"", self.record.key
        headers = [*headers_of_refused(self.adapter, self.refusal), (HEADER_ADAPTED, _origin_of(self.adapter, record))]
        if step > len(_ROOMS_BYTES):
            return None
        if step:
            value, key = value[: _ROOMS_BYTES[step - 1]], None if key is None else key[:_KEY_BYTES]
            headers.append((HEADER_TRUNCATED, b"true"))
        return Outgoing(self.topic, None, key, value, _time_of(record), headers)

    @property
    def place(self) -> bytes:
        """See `Parcel`."""
        return _place_of(self.record)

    @property
    def gives_way(self) -> bool:
        """See `Parcel`: it must arrive."""
        return False


class RecordTranslator:
    """Translates records, one after the other.

    Args:
        adapters: By topic.
        topic_of_type: Where events go, by type.
        mixed_topic: Where goes what is no event of a known type.
    """

    def __init__(self, adapters: Mapping[str, Adapter], topic_of_type: Mapping[str, str], mixed_topic: str) -> None:
        self._adapters = adapters
        self._topic_of_type = topic_of_type
        self._mixed_topic = mixed_topic

    def adapter_of(self, topic: str) -> str:
        """Return the name of the adapter of a topic."""
        return self._adapters[topic].name

    def needs_schemas(self, topic: str) -> bool:
        """Tell whether the adapter of a topic reads framed values with their schemas."""
        return self.adapter_of(topic) == CONFLUENT

    def translate(self, record: ReadableRecord) -> TranslatedRecord:
        """Return what a record comes to, whatever its bytes; one without a value (a tombstone) says nothing."""
        adapter = self._adapters[record.topic]
        found = Translation(ignored="tombstone") if record.value is None else _translated(adapter, record)
        if found.refusal is not None:
            return self._refused(adapter.name, record, found.refusal)
        if not found.events:
            return TranslatedRecord(adapter.name, "ignored")
        headers = ((HEADER_ADAPTED, _origin_of(adapter.name, record)),)
        parcels = tuple(self._event(members, record, adapter.name, headers) for members in found.events)
        return TranslatedRecord(adapter.name, "translated", parcels)

    def too_large(self, event: TranslatedEvent) -> Parcel:
        """Return what is sent in place of an event that its topic does not take."""
        detail = f"{event.adapter}: an event of this record is larger than {event.outgoing.topic} takes"
        return NotUnderstood(event.record, event.adapter, Refusal(Reason.OVERSIZED, detail), self._mixed_topic)

    def _refused(self, adapter: str, record: ReadableRecord, refusal: Refusal) -> TranslatedRecord:
        return TranslatedRecord(adapter, "refused", (NotUnderstood(record, adapter, refusal, self._mixed_topic),))

    def _event(self, members: Members, record: ReadableRecord, adapter: str, headers: Headers) -> TranslatedEvent:
        customer = members.get("customer_id")
        key = customer.encode("utf-8", "surrogatepass") if isinstance(customer, str) else None
        topic = self._topic_of_type.get(str(members.get("type")), self._mixed_topic)
        value = msgspec.json.encode(members)
        return TranslatedEvent(Outgoing(topic, None, key, value, _time_of(record), headers), record, adapter)


def _translated(adapter: Adapter, record: ReadableRecord) -> Translation:
    try:
        return adapter.translate(record.value or b"")
    except Exception as error:
        # A fault of ours must not stop all that follows; the record is kept, and says so.
        log.exception("adapter_failed", adapter=adapter.name, origin=_place_of(record).decode())
        return refused(adapter.name, Reason.MALFORMED_JSON, f"the adapter failed on it ({type(error).__name__})")


def _origin_of(adapter: str, record: ReadableRecord) -> bytes:
    return origin_of(adapter, record.topic, record.partition, record.offset)


def _time_of(record: ReadableRecord) -> int | None:
    return record.timestamp if record.timestamp >= 0 else None


def _place_of(record: ReadableRecord) -> bytes:
    return f"{record.topic}/{record.partition}/{record.offset}".encode()
