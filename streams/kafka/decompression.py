"""Compressed bytes of a record batch, decompressed in pieces of bounded size.

A few kilobytes may stand for gigabytes: nothing here makes more of them at once than it was asked for, but for one
block of Snappy, which is at most `SNAPPY_RATIO` times its size on the wire. What a codec holds beside that is its
window (see `window_bytes`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Final, Protocol

import cramjam
import zstandard
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from lz4.frame import LZ4FrameDecompressor

NONE: Final = 0
GZIP: Final = 1
SNAPPY: Final = 2
LZ4: Final = 3
ZSTD: Final = 4
"""Codecs, as the attributes of a batch number them."""

SNAPPY_RATIO: Final = 22
"""A copy of 64 bytes takes three: no block says that it is larger and tells the truth."""
ZSTD_WINDOW_BYTES: Final = 128 * 1024 * 1024
"""The largest window that brokers and clients accept."""
_FEED_BYTES: Final = 16 * 1024
"""So much is handed to a codec at a time: what it has not looked at yet is copied again each time."""
_LZ4_WINDOW_BYTES: Final = 8 * 1024 * 1024
_GZIP_WINDOW_BYTES: Final = 64 * 1024
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
_int32: Final = struct.Struct(">i")


class Pieces(Protocol):
    """Bytes that come piece by piece."""

    def read(self, most: int) -> bytes:
        """Return the next bytes, at most so many; none at the end.

        Raises:
            CorruptRecordException: They are damaged.
        """


def pieces_of(codec: int, wire: memoryview) -> Pieces:
    """Return what bytes on the wire decompress to.

    Raises:
        UnsupportedCodecError: Nobody knows the codec's number.
    """
    kinds: dict[int, Callable[[memoryview], Pieces]] = {
        NONE: _Plain, GZIP: _Gzip, SNAPPY: _Snappy, LZ4: _Lz4, ZSTD: _Zstd
    }  # fmt: skip
    kind = kinds.get(codec)
    if kind is None:
        raise UnsupportedCodecError(f"a record batch names the codec {codec}; known are 0 to {ZSTD}")
    return kind(wire)


def decompressed_into(codec: int, wire: memoryview, room: memoryview) -> int | None:
    """Decompress all of it into `room` where it fits; return how many bytes it is, or None.

    None also where the bytes are damaged: whoever reads them piece by piece finds out where.
    """
    try:
        if codec == GZIP:
            return int(cramjam.gzip.decompress_into(wire, room))
        if codec == LZ4:
            return int(cramjam.lz4.decompress_into(wire, room))
        return int(cramjam.zstd.decompress_into(wire, room)) if codec == ZSTD else None
    except (cramjam.DecompressionError, OSError):
        return None


def window_bytes(codec: int, wire: memoryview) -> int:
    """Return how much memory a codec needs, at most, while it stands in the middle of bytes."""
    if codec == ZSTD:
        return _zstd_window(wire)
    if codec == SNAPPY:
        return max((len(block) for block in _snappy_blocks(wire)), default=0) * SNAPPY_RATIO
    return {GZIP: _GZIP_WINDOW_BYTES, LZ4: _LZ4_WINDOW_BYTES}.get(codec, 0)


class _Plain:
    """A codec for what is not compressed at all."""

    def __init__(self, wire: memoryview) -> None:
        self._wire = wire
        self._at = 0

    def read(self, most: int) -> bytes:
        start, self._at = self._at, self._at + most
        return bytes(self._wire[start : self._at])


class _Gzip:
    """gzip, of one member or several."""

    def __init__(self, wire: memoryview) -> None:
        self._wire = wire
        self._at = 0
        self._left = b""
        self._member = zlib.decompressobj(31)

    def read(self, most: int) -> bytes:
        while True:
            if self._member.eof:
                start = self._member.unused_data + bytes(self._wire[self._at :])
                if start[:2] != b"\x1f\x8b":
                    return b""
                self._wire, self._at, self._left = memoryview(start), 0, b""
                self._member = zlib.decompressobj(31)
            fed = self._left or bytes(self._wire[self._at : self._at + _FEED_BYTES])
            if not self._left:
                self._at += len(fed)
            try:
                piece = self._member.decompress(fed, most)
            except zlib.error as error:
                raise CorruptRecordException(f"gzip: {error}") from error
            self._left = self._member.unconsumed_tail
            if piece or (not fed and not self._member.eof):
                return piece


class _Snappy:
    """Snappy, in the blocks of its Java library or all in one."""

    def __init__(self, wire: memoryview) -> None:
        self._blocks = iter(_snappy_blocks(wire))
        self._block = memoryview(b"")

    def read(self, most: int) -> bytes:
        while not self._block:
            block = next(self._blocks, None)
            if block is None:
                return b""
            try:
                size = cramjam.snappy.decompress_raw_len(block)
                if size > SNAPPY_RATIO * len(block):
                    raise CorruptRecordException(f"snappy: {len(block)} bytes say that they are {size}")
                self._block = memoryview(bytes(cramjam.snappy.decompress_raw(block)))
            except (cramjam.DecompressionError, OSError) as error:
                raise CorruptRecordException(f"snappy: {error}") from error
        piece, self._block = bytes(self._block[:most]), self._block[most:]
        return piece


def snappy_size(wire: memoryview) -> int:
    """Return how large all of it is, as it says itself (bytes).

    Raises:
        CorruptRecordException: It does not say.
    """
    try:
        return sum(cramjam.snappy.decompress_raw_len(block) for block in _snappy_blocks(wire))
    except (cramjam.DecompressionError, OSError) as error:
        raise CorruptRecordException(f"snappy: {error}") from error


def _snappy_blocks(wire: memoryview) -> list[memoryview]:
    if bytes(wire[: len(_XERIAL)]) != _XERIAL:
        return [wire]
    blocks: list[memoryview] = []
    at = _XERIAL_HEADER_BYTES
    while at < len(wire):
        if at + _int32.size > len(wire):
            raise CorruptRecordException("snappy: it ends within a block's length")
        (size,) = _int32.unpack_from(wire, at)
        at += _int32.size
        if not 0 <= size <= len(wire) - at:
            raise CorruptRecordException(f"snappy: a block of {size} bytes where {len(wire) - at} are left")
        blocks.append(wire[at : at + size])
        at += size
    return blocks


class _Lz4:
    """One frame of LZ4."""

    def __init__(self, wire: memoryview) -> None:
        self._wire = wire
        self._at = 0
        self._frame = LZ4FrameDecompressor()

    def read(self, most: int) -> bytes:
        frame = self._frame
        while not frame.eof:
            fed = b""
            if frame.needs_input:
                fed = bytes(self._wire[self._at : self._at + _FEED_BYTES])
                self._at += len(fed)
                if not fed:
                    return b""
            try:
                piece: bytes = frame.decompress(fed, most)
            except RuntimeError as error:
                raise CorruptRecordException(f"lz4: {error}") from error
            if piece:
                return piece
        return b""


class _Zstd:
    """Zstandard, of one frame or several."""

    def __init__(self, wire: memoryview) -> None:
        limit = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
        self._reader = limit.stream_reader(wire, read_size=_FEED_BYTES, read_across_frames=True)

    def read(self, most: int) -> bytes:
        try:
            return self._reader.read(most)
        except zstandard.ZstdError as error:
            raise CorruptRecordException(f"zstd: {error}") from error


_ZSTD_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
_ZSTD_RLE: Final = 1


def _zstd_window(wire: memoryview) -> int:
    """Return the largest window that a frame asks for; all of it where the frames cannot be told apart."""
    largest, at = 0, 0
    try:
        while at + 4 <= len(wire):
            if int.from_bytes(wire[at : at + 4], "little") in _ZSTD_SKIPPABLE:
                at += 8 + int.from_bytes(wire[at + 4 : at + 8], "little")
                continue
            frame = zstandard.get_frame_parameters(wire[at : at + 18])
            largest = max(largest, frame.window_size)
            at += zstandard.frame_header_size(wire[at : at + 18])
            last = False
            while not last:
                header = int.from_bytes(wire[at : at + 3], "little")
                last = bool(header & 1) or at >= len(wire)
                at += 3 + (1 if header >> 1 & 3 == _ZSTD_RLE else header >> 3)
            at += 4 if frame.has_checksum else 0
    except zstandard.ZstdError:
        return ZSTD_WINDOW_BYTES
    return min(largest, ZSTD_WINDOW_BYTES)
