"""From the bytes of a fetch to records, without aiokafka's object per record: half of what a read costs.

Kafka takes any bytes for the name of a header, and aiokafka refuses to read those that are no UTF-8: one such record
would stop its partition for good. A batch that holds one is parsed again, slowly, as Java's client does: what is no
UTF-8 becomes U+FFFD.
"""

# aiokafka offers no other way to the bytes of a fetch; the contract tests hold us to the version that is pinned.

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Final

import structlog
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from streams.records import NO_HEADERS, Record

log = structlog.get_logger(__name__)
_START: Final = struct.Struct(">qi")
"""What a batch begins with: its first offset, and how many bytes follow."""


def records_of(source: Any) -> list[Record]:
    """Return the committed records of aiokafka's PartitionRecords, as its own iterator would.

    Args:
        source: Made by a consumer after `keep_bytes`; it is used up.

    Raises:
        CorruptRecordException: Its checksum says that bytes were damaged on the way.
    """
    found: list[Record] = []
    while source._records.has_next():
        wire = source._records.next_batch()
        if source._check_crcs and not wire.validate_crc():
            raise CorruptRecordException(f"invalid checksum in {source._tp.topic}/{source._tp.partition}")
        if wire.producer_id is not None and _aborted(source, wire):
            source.next_fetch_offset = wire.next_offset
            continue
        if not wire.is_control_batch:
            try:
                found += _made(source, wire)
            except UnicodeDecodeError as error:
                log.debug("header_name_not_utf8", topic=source._tp.topic, name=repr(error.object))
                found += _made(source, _forgiving(source._records, wire))
        source.next_fetch_offset = wire.next_offset
    return found


def _made(source: Any, wire: Iterable[Any]) -> list[Record]:
    """Return the records of a batch that have not been read yet."""
    topic, partition = source._tp
    first = source.next_fetch_offset
    return [
        Record(topic, partition, r.offset, r.timestamp, r.key, r.value, r.headers or NO_HEADERS)
        for r in wire
        if r.offset >= first
    ]


def _aborted(source: Any, wire: Any) -> bool:
    """Return whether a batch belongs to an aborted transaction; keeps count of those that are open."""
    source._consume_aborted_up_to(wire.base_offset)
    if wire.is_control_batch:
        if source._contains_abort_marker(wire):
            source._aborted_producers.discard(wire.producer_id)
        return False
    return bool(wire.is_transactional and wire.producer_id in source._aborted_producers)


# -- names that are no UTF-8


class _KeptRecords(MemoryRecords):  # type: ignore[misc]  # said to be final, but only to type checkers
    """What a fetch brought of one partition, with its bytes."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw


def keep_bytes() -> None:
    """Have aiokafka's consumers keep the bytes of what they fetch until it is unpacked; they lie in memory anyway."""
    fetcher.MemoryRecords = _KeptRecords


class _ForgivingText(bytearray):
    """Bytes whose slices decode to text whatever they hold."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _ForgivingText(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        del errors
        return super().decode(encoding, "replace")


class _ForgivingBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # said to be final, but only to type checkers
    """aiokafka's own parser in Python, on bytes that forgive."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _ForgivingText(self._buffer)


def _forgiving(records: _KeptRecords, wire: Any) -> Iterable[Any]:
    """Return the records of one of the batches, which may have been read in part, from its beginning."""
    at = 0
    while True:
        base_offset, follow_bytes = _START.unpack_from(records.raw, at)
        end = at + _START.size + follow_bytes
        if base_offset == wire.base_offset:
            batch: Iterable[Any] = _ForgivingBatch(records.raw[at:end])
            return batch
        at = end
