r"""The file of a snapshot: a line that says what it is, parts that are checked one by one, and a sum over all of it.

    tenure-snapshot 1\n
    <length of the packed part, 4 bytes> <its CRC-32, 4 bytes> <the part: MessagePack, packed by zlib>   again and again
    <0, 4 bytes> <0, 4 bytes> <SHA-256 of all that comes before, 32 bytes>

The first part is the header. What parts hold: `tenure.snapshots.parts`. The file is complete or it is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from streams.errors import InputError, OutputFailed

_MAGIC: Final = b"tenure-snapshot "
_FIRST_LINE: Final = _MAGIC + b"1\n"
_PREAMBLE: Final = struct.Struct(">II")
_SUM_BYTES: Final = 32
_LAST_PARTS: Final = 2
LARGEST_PART_BYTES: Final = 256 * 1024 * 1024


class SnapshotWriter:
    """Writes a file beside its name, and puts it there once it is whole and was read back.

    Args:
        path: Its name; it must not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sum = hashlib.sha256()
        self._unfinished = path.with_name(path.name + ".unfinished")
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self.path.exists():
            raise InputError(str(self.path), "it is there already; name another file, or remove it")
        try:
            # Whoever may read it, reads who the customers are.
            descriptor = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise InputError(str(self.path), f"it cannot be written: {error.strerror}") from error
        self._file = os.fdopen(descriptor, "wb")
        self._write(_FIRST_LINE)
        return self

    def put(self, part: bytes) -> None:
        """Write a part."""
        packed = zlib.compress(part, 6)
        assert len(packed) <= LARGEST_PART_BYTES, "parts are cut before"
        self._write(_PREAMBLE.pack(len(packed), zlib.crc32(packed)) + packed)

    def finish(self) -> tuple[str, int]:
        """Write the end, see that the file reads as it was written, and give it its name.

        Returns:
            The SHA-256 of all but itself, and the size of the file (bytes).

        Raises:
            OutputFailed: It cannot be written, or reads otherwise.
        """
        assert self._file is not None
        self._write(_PREAMBLE.pack(0, 0))
        found = self._sum.hexdigest()
        size = self._file.tell() + _SUM_BYTES
        self._write(self._sum.digest())
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if check_file(self._unfinished).sha256 != found:
                raise OutputFailed(f"{self.path}: the disk does not return what was written to it")
            self._unfinished.rename(self.path)
        except OSError as error:
            raise OutputFailed(f"{self.path}: {error.strerror}") from error
        return found, size

    def _write(self, piece: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(piece)
        except OSError as error:
            raise OutputFailed(f"{self.path}: {error.strerror}") from error
        self._sum.update(piece)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        with contextlib.suppress(OSError):
            self._unfinished.unlink(missing_ok=True)


class CheckedFile(NamedTuple):
    """A file that is whole.

    Attributes:
        sha256: Of all but itself.
        first: Its first part.
        last: Its last two.
    """

    sha256: str
    first: bytes
    last: list[bytes]


def check_file(path: Path) -> CheckedFile:
    """Read a whole file.

    Raises:
        InputError: It is none, or is damaged, or ends too early.
    """
    parts = _read(path)
    first = next(parts, b"")
    last = deque([first], maxlen=_LAST_PARTS)
    last.extend(parts)
    return CheckedFile(_stored_sum(path).hex(), first, list(last))


def parts_of(path: Path) -> Iterator[bytes]:
    """Yield the parts of a file that `check_file` has read.

    Raises:
        InputError: It is none, or is damaged.
    """
    return _read(path)


def _stored_sum(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-_SUM_BYTES, os.SEEK_END)
        return file.read()


def _read(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(str(path), f"it cannot be read: {error.strerror}") from error
    with file:
        found, number = hashlib.sha256(), 0

        def take(length: int) -> bytes:
            piece = file.read(length)
            if len(piece) < length:
                raise InputError(str(path), f"it ends within part {number}: the file is not whole; use another copy")
            return piece

        first = file.readline(64)
        if not first.startswith(_MAGIC):
            raise InputError(str(path), "it is no snapshot of `tenure snapshot`")
        if first != _FIRST_LINE:
            raise InputError(str(path), "a later version has written it; restore it with that version")
        found.update(first)
        while True:
            preamble = take(_PREAMBLE.size)
            found.update(preamble)
            length, crc = _PREAMBLE.unpack(preamble)
            if not length:
                break
            number += 1
            if length > LARGEST_PART_BYTES:
                raise InputError(str(path), f"part {number} is damaged; use another copy")
            packed = take(length)
            if zlib.crc32(packed) != crc:
                raise InputError(str(path), f"part {number} is damaged; use another copy")
            found.update(packed)
            yield zlib.decompress(packed)
        if take(_SUM_BYTES) != found.digest() or file.read(1):
            raise InputError(str(path), "its sum is wrong: the file is damaged; use another copy")
