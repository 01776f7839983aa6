"""Records of a batch: a list of them, or packed as they came over the wire, where what packs them was compiled.

Packed ones have no headers, and are made when somebody looks at them. Not here: what reads them off the wire
(`streams.kafka.record_batches`), and what packs them (`kpis.native.batch`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from kpis.native import IS_THERE
from streams.records import RECORD_BYTES, Record, held_bytes

if TYPE_CHECKING:
    from kpis.arrays import Ints

if IS_THERE:
    from kpis.native.batch import PackedRecords

Records = Sequence[Record]


def is_packed(records: Records) -> TypeGuard[PackedRecords[Record]]:
    """Tell whether records are packed."""
    return IS_THERE and isinstance(records, PackedRecords)


def packed(
    tp: tuple[str, int], body: bytes, count: int, *, base_offset: int, first_timestamp: int, timestamp: int | None
) -> Records | None:
    """Return the records of one record batch; None where somebody else has to read them: some have headers, say.

    Args:
        tp: Topic and partition.
        body: The records, not compressed.
        count: How many there are.
        base_offset: What their offsets are counted from.
        first_timestamp: What their timestamps are counted from (ms since 1970).
        timestamp: Of all of them, where the broker has set it (ms since 1970).
    """
    if not IS_THERE:
        return None
    return PackedRecords.parsed(
        Record, *tp, body, count, base_offset=base_offset, first_timestamp=first_timestamp, timestamp=timestamp
    )


def joined(parts: Sequence[Records]) -> Records:
    """Return the records of parts of one partition, in a row."""
    parts = [part for part in parts if len(part)]
    if len(parts) == 1:
        return parts[0]
    if parts and all(map(is_packed, parts)):
        return PackedRecords.joined([part for part in parts if is_packed(part)])
    return [record for part in parts for record in part]


def within(records: Records, start: int, end: int) -> Records:
    """Return those of one topic's records whose offset lies in [start, end)."""
    if is_packed(records):
        return records[records.first_from(start) : records.first_from(end)]
    return [record for record in records if start <= record.offset < end]


def timestamps_of(records: Records) -> Ints:
    """Return Kafka's timestamps (ms since 1970)."""
    if is_packed(records):
        return records.timestamps()
    return np.array([record.timestamp for record in records], np.int64)


def sizes_of(records: Records) -> Ints:
    """Return about how much memory each record takes, at most (bytes)."""
    if is_packed(records):
        return records.sizes() + RECORD_BYTES
    return np.array(held_bytes(records), np.int64)
