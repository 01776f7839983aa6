"""Records of one record batch (message format 2), in lists of bounded size.

aiokafka's parser reads what is small in one go. Of what is large, `LIST_BYTES` are decompressed at a time, as many
whole records as fit; of a record that is too large to be held, the beginning is kept and the rest skipped.
Format: https://kafka.apache.org/documentation/#recordbatch
"""

# aiokafka offers no other way to the bytes of a fetch; the contract tests hold us to the version that is pinned.

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import structlog
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from schemas.decoding.cut_values import CutValue
from schemas.refusals import TRUNCATED_BYTES
from streams.kafka.decompression import NONE, SNAPPY, decompressed_into, pieces_of, snappy_size
from streams.packed import Records, packed
from streams.records import NO_HEADERS, Record, held_bytes

log = structlog.get_logger(__name__)
LIST_BYTES: Final = 1024 * 1024
"""A list of several records is made of so many bytes at most."""
EXTRAS_BYTES: Final = 1024 * 1024
"""A record whose key, or whose headers together, are larger is cut like one with a value that is too large."""
PIECE_BYTES: Final = 256 * 1024
"""So much is decompressed at a time where a batch is large."""
_KEY_KEPT_BYTES: Final = 1024
_ATTRIBUTES_AT: Final = 21
_COUNT_AT: Final = 57
_HEADER_BYTES: Final = 61
_CODEC: Final = 0x07
_VARINT_BYTES: Final = 10
_BROKERS_OWN: Final = 1
"""The type of timestamps that the broker has set."""
ROOM_BYTES: Final = _HEADER_BYTES + LIST_BYTES
_attributes: Final = struct.Struct(">h")
_count: Final = struct.Struct(">i")


class RecordList(NamedTuple):
    """Some records of a batch."""

    records: Records
    #: of keys, values and headers, as they lie on the wire; of a large record about what it takes in memory
    size: int


class WireBatch:
    """A record batch as it came over the wire.

    Args:
        raw: All of its bytes.

    Raises:
        CorruptRecordException: It is shorter than its own header.
    """

    def __init__(self, raw: memoryview) -> None:
        if len(raw) < _HEADER_BYTES:
            raise CorruptRecordException(f"a record batch of {len(raw)} bytes; its header alone has {_HEADER_BYTES}")
        self.raw = raw
        #: aiokafka's parser, which looks at no record before it is asked for one
        self.parsed: Any = DefaultRecordBatch(raw)
        self.codec: int = self.parsed.compression_type
        self.records = raw[_HEADER_BYTES:]

    def small(self, tp: tuple[str, int], room: bytearray) -> RecordList | None:
        """Return all records where they are small enough to be held at once, or None.

        Args:
            tp: Topic and partition.
            room: What they are decompressed into, of `ROOM_BYTES`.

        Raises:
            UnicodeDecodeError: The name of a header is no UTF-8.
        """
        size = len(self.records)
        if size > LIST_BYTES:
            return None
        parser, body = self.parsed, self.records
        if self.codec == SNAPPY:
            size = snappy_size(self.records)
            if size > LIST_BYTES:
                return None
            return RecordList(records_in(tp, parser), size)
        if self.codec != NONE:
            view = memoryview(room)
            found = decompressed_into(self.codec, self.records, view[_HEADER_BYTES:])
            if found is None:
                return None
            size = found
            view[:_HEADER_BYTES] = self._plain_header(self.count)
            parser, body = DefaultRecordBatch(view[: _HEADER_BYTES + size]), view[_HEADER_BYTES : _HEADER_BYTES + size]
        return RecordList(self._packed(tp, body) or records_in(tp, parser), size)

    def _packed(self, tp: tuple[str, int], body: memoryview) -> Records | None:
        """Return all records, which are not compressed; None where they have to be read one by one."""
        parsed = self.parsed
        return packed(
            tp,
            bytes(body),
            self.count,
            base_offset=parsed.base_offset,
            first_timestamp=parsed.first_timestamp,
            timestamp=parsed.max_timestamp if parsed.timestamp_type == _BROKERS_OWN else None,
        )

    def lists(self, tp: tuple[str, int], *, max_value_bytes: int) -> Iterator[RecordList]:
        """Return the records in lists, decompressing no more than the next list needs.

        Args:
            tp: Topic and partition.
            max_value_bytes: The largest value that is kept whole.

        Raises:
            CorruptRecordException: The bytes are no records.
        """
        cursor = _Cursor(pieces_of(self.codec, self.records).read)
        left = self.count
        while left > 0:
            count, size = _whole_records(cursor, left)
            if count:
                body = cursor.take(size)
                try:
                    yield RecordList(records_in(tp, DefaultRecordBatch(self._plain_header(count) + body)), size)
                except UnicodeDecodeError as error:
                    log.debug("header_name_not_utf8", topic=tp[0], name=repr(error.object))
                    one_by_one = _Cursor(pieces_of(NONE, memoryview(body)).read)
                    records = [self._read_record(tp, one_by_one, max_value_bytes) for _ in range(count)]
                    yield RecordList(records, size)
            else:
                record = self._read_record(tp, cursor, max_value_bytes)
                yield RecordList([record], held_bytes([record])[0])
            left -= count or 1
        if not cursor.is_at_end():
            raise CorruptRecordException("bytes are left after all records of a batch")

    @property
    def count(self) -> int:
        """Return the number of records it says it has; compaction may have left none."""
        number: int = _count.unpack_from(self.raw, _COUNT_AT)[0]
        return number

    def _plain_header(self, count: int) -> bytes:
        """Return the header of a batch of some of the records, which are not compressed."""
        header = bytearray(self.raw[:_HEADER_BYTES])
        _attributes.pack_into(header, _ATTRIBUTES_AT, _attributes.unpack_from(header, _ATTRIBUTES_AT)[0] & ~_CODEC)
        _count.pack_into(header, _COUNT_AT, count)
        return bytes(header)

    def _read_record(self, tp: tuple[str, int], cursor: _Cursor, max_value_bytes: int) -> Record:
        """Read a record that is large, or whose headers have names that are no UTF-8."""
        length = cursor.varint()
        end = cursor.at + length
        cursor.varint()  # attributes, of which there are none
        timestamp = self.parsed.first_timestamp + cursor.varint()
        if self.parsed.timestamp_type == _BROKERS_OWN:
            timestamp = self.parsed.max_timestamp
        offset = self.parsed.base_offset + cursor.varint()
        key = cursor.nullable(end, EXTRAS_BYTES, _KEY_KEPT_BYTES)
        value = cursor.nullable(end, max_value_bytes, TRUNCATED_BYTES)
        headers, has_all = _headers(cursor, end)
        if (isinstance(key, CutValue) or not has_all) and not isinstance(value, CutValue):
            value = CutValue((value or b"")[:TRUNCATED_BYTES], length)
        return Record(*tp, offset, timestamp, key, value, headers or NO_HEADERS)


def records_in(tp: tuple[str, int], parser: Iterable[Any]) -> list[Record]:
    """Return all records that one of aiokafka's parsers finds.

    Raises:
        UnicodeDecodeError: The name of a header is no UTF-8.
    """
    topic, partition = tp
    return [Record(topic, partition, r.offset, r.timestamp, r.key, r.value, r.headers or NO_HEADERS) for r in parser]


def _whole_records(cursor: _Cursor, most: int) -> tuple[int, int]:
    """Return how many records, whole and one after the other, fit into a list, and their size (bytes)."""
    size = 0
    for count in range(most):
        length, width = cursor.look_at_varint(size)
        if length < 0:
            raise CorruptRecordException(f"a record of {length} bytes")
        if size + width + length > LIST_BYTES:
            return count, size
        size += width + length
        cursor.need(size)
    return most, size


def _headers(cursor: _Cursor, end: int) -> tuple[list[tuple[str, bytes]], bool]:
    """Return the headers, as many as may be kept, and whether these are all; the cursor is then at the end."""
    left = cursor.varint()
    if left < 0:
        raise CorruptRecordException(f"a record with {left} headers")
    out: list[tuple[str, bytes]] = []
    room = EXTRAS_BYTES
    while left:
        name = cursor.nullable(end, room, 0)
        if name is None:
            raise CorruptRecordException("a header without a name")
        room -= len(name)
        value = cursor.nullable(end, room, 0)
        room -= len(value or b"")
        if isinstance(name, CutValue) or isinstance(value, CutValue):
            cursor.pass_over(end - cursor.at)
            return out, False
        # aiokafka's type says that there is always a value; Kafka's has null, which is handed on as it is.
        out.append((name.decode(errors="replace"), value))  # type: ignore[arg-type]
        left -= 1
    if cursor.at != end:
        raise CorruptRecordException(f"{end - cursor.at} bytes are left at the end of a record")
    return out, True


class _Cursor:
    """A place in bytes that come in pieces."""

    def __init__(self, read: Any) -> None:
        self._read = read
        self._held = bytearray()
        #: how many bytes lie behind it
        self.at = 0

    def need(self, size: int) -> None:
        """Have so many bytes at hand."""
        while len(self._held) < size:
            piece = self._read(PIECE_BYTES)
            if not piece:
                raise CorruptRecordException("a record batch ends in the middle of a record")
            self._held += piece

    def is_at_end(self) -> bool:
        """Return whether nothing is left."""
        return not self._held and not self._read(1)

    def take(self, size: int) -> bytes:
        """Return the next bytes and go on behind them."""
        self.need(size)
        taken = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        self.at += size
        return taken

    def pass_over(self, size: int) -> None:
        """Go on behind the next bytes, holding no more than a piece of them."""
        self.at += size
        while size > len(self._held):
            size -= len(self._held)
            self._held.clear()
            self.need(1)
        del self._held[:size]

    def look_at_varint(self, behind: int) -> tuple[int, int]:
        """Return the number that is so many bytes ahead, and how many bytes it takes."""
        value = 0
        for n in range(_VARINT_BYTES):
            if len(self._held) <= behind + n:
                self.need(behind + n + 1)
            byte = self._held[behind + n]
            value |= (byte & 127) << 7 * n
            if byte < 128:
                return (value >> 1) ^ -(value & 1), n + 1
        raise CorruptRecordException("a number of more than ten bytes")

    def varint(self) -> int:
        """Return the next number."""
        value, width = self.look_at_varint(0)
        self.pass_over(width)
        return value

    def nullable(self, end: int, most: int, kept: int) -> bytes | None:
        """Return the next bytes, whose length stands before them; where there are more than `most`, only `kept`."""
        size = self.varint()
        if size < 0:
            return None
        if size > end - self.at:
            raise CorruptRecordException(f"{size} bytes in a record that has {end - self.at} left")
        if size <= most:
            return self.take(size)
        beginning = self.take(min(size, kept))
        self.pass_over(size - len(beginning))
        return CutValue(beginning, size)
