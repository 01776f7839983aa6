"""Record batches as they come over the wire."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c

from streams.kafka.decompression import GZIP, LZ4, NONE, SNAPPY, ZSTD
from streams.records import Record

#: offset, timestamp, key, value, headers
Written = tuple[int, int, bytes | None, bytes | None, Sequence[tuple[bytes, bytes | None]]]
_ENCODE: dict[int, Callable[[bytes], bytes]] = {
    NONE: bytes, GZIP: gzip_encode, SNAPPY: snappy_encode, LZ4: lz4_encode, ZSTD: zstd_encode
}  # fmt: skip
_before_crc = struct.Struct(">qiib")
_behind_crc = struct.Struct(">hiqqqhii")


def batch(records: Sequence[Written], *, codec: int = NONE) -> bytes:
    """Return records as one batch, whose first offset is that of the first."""
    base = records[0][0]
    body = b"".join(
        record_bytes(offset - base, at_ms, key, value, headers) for offset, at_ms, key, value, headers in records
    )
    return batch_of(_ENCODE[codec](body), codec=codec, base=base, count=len(records))


def body_of(records: Sequence[Record]) -> bytes:
    """Return records as they lie in a batch, whose offsets and timestamps count from 0."""
    return b"".join(
        record_bytes(
            record.offset, record.timestamp, record.key, record.value,
            [(name.encode(), value) for name, value in record.headers],
        )
        for record in records
    )  # fmt: skip


def batch_of(body: bytes, *, codec: int, base: int, count: int) -> bytes:
    """Return a batch of `count` records that are compressed already, with timestamps that count from 0."""
    rest = _behind_crc.pack(codec, count - 1, 0, 0, -1, -1, -1, count) + body
    length = _before_crc.size - 12 + 4 + len(rest)
    checksum: int = calc_crc32c(rest)
    return _before_crc.pack(base, length, 0, 2) + checksum.to_bytes(4, "big") + rest


def record_bytes(
    offset: int, at_ms: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[bytes, bytes | None]] = ()
) -> bytes:
    """Return one record; offset and timestamp count from those of its batch."""
    body = b"\x00" + varint(at_ms) + varint(offset) + _nullable(key) + _nullable(value) + varint(len(headers))
    body += b"".join(_nullable(name) + _nullable(content) for name, content in headers)
    return varint(len(body)) + body


def _nullable(content: bytes | None) -> bytes:
    return varint(-1) if content is None else varint(len(content)) + content


def varint(number: int) -> bytes:
    """Return a number, zigzag, in base 128."""
    left = (number << 1) ^ (number >> 63)
    out = bytearray()
    while left > 127:
        out.append(left & 127 | 128)
        left >>= 7
    out.append(left)
    return bytes(out)
