"""One record of another system on its way into the stream: its events, or the record itself where it says none.

Pure: adapters judge, and what they do not understand is sent as it is, under the headers that make it a dead letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from schemas.adapters.adapter import Adapter
from schemas.adapters.confluent import NAME as CONFLUENT
from schemas.decoding.adapted import HEADER_ADAPTED, origin_of
from schemas.refusals import HEADER_TRUNCATED, TRUNCATED_BYTES, Reason, Refusal
from streams.batching.sender import Outgoing, Parcel
from streams.records import ReadableRecord
from streams.routing import Router
from streams.translation.foreign_records import ForeignRecords, SentRecord, records_of, refused_record

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
    """A record on its way to the mixed topic, where it becomes a dead letter.

    Attributes:
        sent: The record under the headers that make it one.
        topic: The mixed topic.
        key: Its own.
        timestamp_ms: Its own (ms since 1970); None is now.
        place: See `Parcel`.
    """

    sent: SentRecord
    topic: str
    key: bytes | None
    timestamp_ms: int | None
    place: bytes

    def form(self, step: int) -> Outgoing | None:
        """Return the record whole, then ever less of it; see `streams.batching.sender.Parcel`."""
        (value, headers), key = self.sent, self.key
        if step > len(_ROOMS_BYTES):
            return None
        if step:
            value, key = value[: _ROOMS_BYTES[step - 1]], None if key is None else key[:_KEY_BYTES]
            headers = (*headers, (HEADER_TRUNCATED, b"true"))
        return Outgoing(self.topic, None, key, value, self.timestamp_ms, headers)

    @property
    def gives_way(self) -> bool:
        """See `Parcel`: it must arrive."""
        return False


def oversized(adapter: Adapter, topic: str) -> Refusal:
    """Return the refusal of a record of which its topic does not take an event."""
    return Refusal(Reason.OVERSIZED, f"{adapter.name}: an event of this record is larger than {topic} takes")


class RecordTranslator:
    """Translates records, one after the other.

    Args:
        adapters: By topic.
        router: Chooses where events go.
    """

    def __init__(self, adapters: Mapping[str, Adapter], router: Router) -> None:
        self._adapters = adapters
        self._router = router

    def adapter_of(self, topic: str) -> str:
        """Return the name of the adapter of a topic."""
        return self._adapters[topic].name

    def needs_schemas(self, topic: str) -> bool:
        """Tell whether the adapter of a topic reads framed values with their schemas."""
        return self.adapter_of(topic) == CONFLUENT

    def translate(self, record: ReadableRecord) -> TranslatedRecord:
        """Return what a record comes to, whatever its bytes."""
        adapter = self._adapters[record.topic]
        found = records_of(adapter, record.value, _place_of(record).decode())
        if found.refusal is not None:
            return TranslatedRecord(adapter.name, "refused", (self._refused(record, found),))
        if found.ignored:
            return TranslatedRecord(adapter.name, "ignored")
        return TranslatedRecord(
            adapter.name, "translated", tuple(self._event(sent, record, adapter.name) for sent in found.records)
        )

    def too_large(self, event: TranslatedEvent) -> Parcel:
        """Return what is sent in place of an event that its topic does not take."""
        adapter, value = self._adapters[event.record.topic], event.record.value
        assert value is not None, "an event was made of it"
        return self._refused(event.record, refused_record(adapter, value, oversized(adapter, event.outgoing.topic)))

    def _refused(self, record: ReadableRecord, found: ForeignRecords) -> NotUnderstood:
        ((value, own),) = found.records
        headers = (*own, (HEADER_ADAPTED, _origin_of(self.adapter_of(record.topic), record)))
        mixed = self._router.mixed_topic
        return NotUnderstood(SentRecord(value, headers), mixed, record.key, _time_of(record), _place_of(record))

    def _event(self, sent: SentRecord, record: ReadableRecord, adapter: str) -> TranslatedEvent:
        # By its bytes, as any producer's: what lies in a frame may be a CloudEvent.
        topic, key, own, _ = self._router.route(sent.value, sent.headers)
        headers = (*own, (HEADER_ADAPTED, _origin_of(adapter, record)))
        return TranslatedEvent(Outgoing(topic, None, key, sent.value, _time_of(record), headers), record)


def _origin_of(adapter: str, record: ReadableRecord) -> bytes:
    return origin_of(adapter, record.topic, record.partition, record.offset)


def _time_of(record: ReadableRecord) -> int | None:
    return record.timestamp if record.timestamp >= 0 else None


def _place_of(record: ReadableRecord) -> bytes:
    return f"{record.topic}/{record.partition}/{record.offset}".encode()
