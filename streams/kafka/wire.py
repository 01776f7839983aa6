"""From the bytes of a fetch to records, no more at a time than there is room for.

A fetch stays as it came, compressed, until it is read; a batch of a few kilobytes may hold gigabytes, and is then read
piece by piece (`streams.kafka.record_batches`). aiokafka would make all of it at once, and an object per record, which
is half of what a read costs. Kafka takes any bytes for the name of a header, too, and aiokafka refuses those that are
no UTF-8: such names are read as Java's client does, with U+FFFD.
"""

# aiokafka offers no other way to the bytes of a fetch: docs/decisions/0018.

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from streams.batching.batches import Lease
from streams.batching.consumer import Fetched
from streams.kafka.decompression import window_bytes
from streams.kafka.record_batches import LIST_BYTES, PIECE_BYTES, ROOM_BYTES, RecordList, WireBatch, records_in
from streams.packed import Records, is_packed, joined, within
from streams.records import HEADER_BYTES, RECORD_BYTES, Record, have_headers, held_bytes

OPEN_BYTES: Final = 144 * 1024 * 1024
"""For all batches of a worker that are read in part: one with the largest window that Kafka takes, or many usual ones.
Those beyond wait for their turn."""
STUCK_SECONDS: Final = 5.0
"""A batch that nobody read on for so long, because its partition is halted or has no room, makes way for others. It is
decompressed again from its beginning later."""
_START: Final = struct.Struct(">qi")
"""What a batch begins with: its first offset, and how many bytes follow."""
_MAGIC_AT: Final = 16
_SMALLEST_BYTES: Final = 26
_NOTHING: Final = RecordList([], 0)
_ANY_BYTES: Final = 1 << 31
"""Larger than any value that Kafka takes."""


class _KeptRecords(MemoryRecords):  # type: ignore[misc]  # said to be final, but only to type checkers
    """Fetched data of one partition, with its bytes."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw


class _RecordsByUs(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Fetched data of one partition that aiokafka hands out: read as a worker reads it, names of headers too."""

    def _unpack_records(self) -> Iterator[Record]:
        unread = Unread(copy(self), Desk(max_value_bytes=_ANY_BYTES))  # which uses its source up
        while not unread.is_done:
            for record in unread.read(PIECE_BYTES)[0]:
                self.next_fetch_offset = record.offset + 1
                yield record
            self.next_fetch_offset = unread.next_fetch_offset


def keep_bytes() -> None:
    """Have aiokafka's consumers keep the bytes of what they fetch, and unpack them as a worker does.

    They lie in memory anyway until then.
    """
    fetcher.MemoryRecords = _KeptRecords
    fetcher.PartitionRecords = _RecordsByUs


class Desk:
    """State that the readers of all partitions of a worker share: limits, and the batches that are open."""

    def __init__(self, *, max_value_bytes: int, open_bytes: int = OPEN_BYTES) -> None:
        """Start with nothing open.

        Args:
            max_value_bytes: The largest value that is kept whole.
            open_bytes: For all batches that are read in part.
        """
        self.max_value_bytes = max_value_bytes
        #: what small batches are decompressed into
        self.room = bytearray(ROOM_BYTES)
        self._open_bytes = open_bytes
        self._open: dict[Unread, int] = {}

    def admits(self, unread: Unread, size: int) -> bool:
        """Return whether a batch may be opened, as far as memory goes; then it counts until `closed`."""
        if self._open and sum(self._open.values()) + size > self._open_bytes:
            now = time.monotonic()
            for other in [other for other in self._open if now - other.read_at > STUCK_SECONDS]:
                other.close()
            if self._open and sum(self._open.values()) + size > self._open_bytes:
                return False
        self._open[unread] = size
        return True

    def closed(self, unread: Unread) -> None:
        """Count a batch no more."""
        self._open.pop(unread, None)

    def close_all_but(self, buffered: Iterable[Any]) -> None:
        """Close what was made of a fetch that is not buffered any more: a seek or a rebalance has dropped it."""
        if self._open:
            kept = {id(getattr(fetch, "_partition_records", None)) for fetch in buffered}
            for other in [other for other in self._open if id(other) not in kept]:
                other.close()


class Unread:
    """Fetched data of a partition that nobody has read yet; stands in for aiokafka's PartitionRecords.

    Attributes:
        next_fetch_offset: Where reading goes on.
        is_done: Nothing is left.
        read_bytes: The memory that all records read so far take.
        read_at: When it was read last (monotonic seconds).
    """

    def __init__(self, source: Any, desk: Desk) -> None:
        """Take over what aiokafka made, by a consumer after `keep_bytes`; it is used up."""
        self.next_fetch_offset: int = source.next_fetch_offset
        self.is_done = False
        self.read_bytes = 0
        self.read_at = time.monotonic()
        self._source = source
        source._records_iterator = None  # which refers to the source: only the collector of garbage would part them
        self._desk = desk
        self._raw: bytes = source._records.raw
        self._at = 0
        self._lists: Iterator[RecordList] | None = None

    def read(self, room_bytes: int) -> tuple[Records, int]:
        """Return the next committed records, as aiokafka's own iterator would, and the memory that they take (bytes).

        Args:
            room_bytes: Reading stops behind the list of records that fills it.

        Returns:
            No records where there are none, or where a batch has to wait for its turn.

        Raises:
            CorruptRecordException: Bytes were damaged on the way.
        """
        self.read_at = time.monotonic()
        found: list[Records] = []
        taken = 0
        while taken < room_bytes:
            raw = self._next_batch()
            if raw is None:
                self.close()
                self.is_done = True
                break
            part = self._read_batch(raw)
            if part is None:
                break
            if self._lists is None:
                self._at += len(raw)
            found.append(part.records)
            taken += part.size + RECORD_BYTES * len(part.records)
            if not is_packed(part.records) and have_headers(part.records):
                taken += sum(HEADER_BYTES * len(record.headers) for record in part.records)
        self.read_bytes += taken
        return joined(found), taken

    def close(self) -> None:
        """Give up what is held of a batch that was read in part; it is read again from its beginning."""
        self._lists = None
        self._desk.closed(self)

    def _next_batch(self) -> memoryview | None:
        """Return the batch that is read now; None where no whole one is left."""
        raw, at = self._raw, self._at
        if len(raw) - at < _START.size:
            return None
        end = at + _START.size + _START.unpack_from(raw, at)[1]
        if end > len(raw):
            return None
        if end - at < _SMALLEST_BYTES:
            raise CorruptRecordException(f"a record batch of {end - at} bytes in {self._place}")
        return memoryview(raw)[at:end]

    @property
    def _place(self) -> str:
        topic, partition = self._source._tp
        return f"{topic}/{partition}"

    def _read_batch(self, raw: memoryview) -> RecordList | None:
        """Return more records of a batch, which are its last unless it is open then; None: it waits for its turn."""
        if self._lists is not None:
            return self._read_on(raw)
        source = self._source
        if raw[_MAGIC_AT] < 2:  # the format before Kafka 0.11, whole: no broker takes it from producers any more
            old: Any = LegacyRecordBatch(raw, raw[_MAGIC_AT])
            self._check(old)
            records = records_in(source._tp, old)
            return self._fresh(RecordList(records, sum(held_bytes(records))), old.next_offset)
        batch = WireBatch(raw)
        wire = batch.parsed
        self._check(wire)
        if _is_aborted(source, wire) or wire.is_control_batch or not batch.count:
            return self._fresh(_NOTHING, wire.next_offset)
        # What has names that are no UTF-8 is read as if it were large: there they are mended.
        with contextlib.suppress(UnicodeDecodeError):
            part = batch.small(source._tp, self._desk.room)
            if part is not None:
                return self._fresh(part, wire.next_offset)
        if not self._desk.admits(self, window_bytes(batch.codec, batch.records) + LIST_BYTES + PIECE_BYTES):
            return None
        self._lists = batch.lists(source._tp, max_value_bytes=self._desk.max_value_bytes)
        return self._read_on(raw)

    def _read_on(self, raw: memoryview) -> RecordList:
        """Return more of the batch that is open; closes it behind its last records."""
        assert self._lists is not None
        part = next(self._lists, None)
        if part is None:
            self.close()
            return self._fresh(_NOTHING, WireBatch(raw).parsed.next_offset)
        return self._fresh(part, part.records[-1].offset + 1)

    def _fresh(self, part: RecordList, end: int) -> RecordList:
        """Return the records from the next offset on, which is `end` then: a fetch begins with a batch, not there."""
        first, self.next_fetch_offset = self.next_fetch_offset, max(end, self.next_fetch_offset)
        if not len(part.records) or part.records[0].offset >= first:
            return part
        return RecordList(within(part.records, first, self.next_fetch_offset), part.size)

    def _check(self, wire: Any) -> None:
        if self._source._check_crcs and not wire.validate_crc():
            raise CorruptRecordException(f"invalid checksum in {self._place}")


def _is_aborted(source: Any, wire: Any) -> bool:
    """Return whether a batch belongs to an aborted transaction; keeps count of those that are open."""
    source._consume_aborted_up_to(wire.base_offset)
    if wire.is_control_batch:
        if source._contains_abort_marker(wire):
            source._aborted_producers.discard(wire.producer_id)
        return False
    return bool(wire.is_transactional and wire.producer_id in source._aborted_producers)


def in_pieces(
    tp: TP, start: int, end: int, records: Records, limit_records: int, lease: Lease | None
) -> Iterable[Fetched]:
    """Return the records of [start, end) in pieces of at most `limit_records` that join without gaps."""
    for i in range(limit_records, len(records), limit_records):
        after = records[i - 1].offset + 1
        yield Fetched(tp, start, after, records[i - limit_records : i], lease)
        start = after
    rest = len(records) - ((len(records) - 1) % limit_records + 1) if len(records) else 0
    yield Fetched(tp, start, end, records[rest:] if rest else records, lease)
