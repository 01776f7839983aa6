"""The records that are sent of one of another system, alike for files, topics, webhooks and replays of dead letters.

Events as JSON; or the record itself, under the headers by which it becomes a dead letter; or nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import structlog

from schemas.adapters.adapter import Adapter
from schemas.adapters.reading import refused
from schemas.decoding.adapted import headers_of_refused
from schemas.refusals import Reason, Refusal
from streams.records import NO_HEADERS, Headers

log = structlog.get_logger(__name__)
TOMBSTONE: Final = "tombstone"
UNNAMED_KIND: Final = "record"
"""The kind of what an adapter understands, and says neither what it is nor an event of it."""


class SentRecord(NamedTuple):
    """A value that is sent, and the headers that say what it is."""

    value: bytes
    headers: Headers = NO_HEADERS


class ForeignRecords(NamedTuple):
    """The outcome of one record.

    Attributes:
        records: What is sent: the events, in their order, or the record itself where it is refused.
        refusal: Why the adapter does not understand it.
        ignored: The kind of a record that says nothing that is counted; empty for all others.
    """

    records: tuple[SentRecord, ...] = ()
    refusal: Refusal | None = None
    ignored: str = ""


def records_of(adapter: Adapter, value: bytes | None, origin: str = "") -> ForeignRecords:
    """Return what is sent of a record, whatever its bytes; one without a value (a tombstone) says nothing.

    Args:
        adapter: Of the system that it is from.
        value: As that system wrote it.
        origin: Where it lies, for the log.
    """
    if value is None:
        return ForeignRecords(ignored=TOMBSTONE)
    try:
        found = adapter.translate(value)
    except Exception as error:
        # A fault of ours must not stop all that follows; the record is kept, and says so.
        log.exception("adapter_failed", adapter=adapter.name, origin=origin)
        found = refused(adapter.name, Reason.MALFORMED_JSON, f"the adapter failed on it ({type(error).__name__})")
    if found.refusal is not None:
        return refused_record(adapter, value, found.refusal)
    if not found.events:
        return ForeignRecords(ignored=found.ignored or UNNAMED_KIND)
    return ForeignRecords(tuple(SentRecord(msgspec.json.encode(event)) for event in found.events))


def refused_record(adapter: Adapter, value: bytes, refusal: Refusal) -> ForeignRecords:
    """Return what is sent of a record that is refused: itself, under the headers by which it becomes a dead letter."""
    return ForeignRecords((SentRecord(value, headers_of_refused(adapter.name, refusal)),), refusal)
