"""Files of events: NDJSON, CSV and Parquet, read as a bounded stream of records with progress.

Reads; does not judge. A line that is no event is passed on as its bytes, so that it becomes a dead letter with a
reason instead of vanishing. What a record has to hold: docs/events.md. How cells become members: `tenure.files.tables`.
"""

import gzip
import io
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from streams.errors import InputError, UsageError
from tenure.files.csv_rows import TextLine
from tenure.files.parquet import parquet_records
from tenure.files.tables import FileRecord, csv_records

__all__ = ["EventFile", "FileFormat", "FileRecord"]

STANDARD_INPUT: Final = "-"
LONGEST_LINE_BYTES: Final = 16 * 1024 * 1024
"""What a line may hold in memory. A longer one is cut here: it is far beyond any limit for a record, and is refused."""
_BUFFER_BYTES: Final = 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class FileFormat(StrEnum):
    """The kinds of files that hold events; NDJSON and CSV may be compressed with gzip."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


_FORMAT_OF_SUFFIX: Final = {
    ".ndjson": FileFormat.NDJSON,
    ".jsonl": FileFormat.NDJSON,
    ".json": FileFormat.NDJSON,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
}


class EventFile:
    """One file of events, as the user named it.

    Args:
        path: The file, or "-" for the standard input.
        file_format: "ndjson", "csv" or "parquet"; None decides by the name's ending. The standard input and pipes are
            NDJSON unless this says otherwise.
        standard_input: What "-" reads; None is that of the process.

    Attributes:
        file_format: What it is read as.
        total_bytes: Its size (bytes as it lies there); None where that cannot be known: standard input, pipes.

    Raises:
        InputError: There is no such file, it is a folder, may not be read, or its format cannot be told.
        UsageError: `file_format` is none of the three.
    """

    def __init__(self, path: str, file_format: str | None = None, *, standard_input: BinaryIO | None = None) -> None:
        self.path = path
        self.total_bytes: int | None = None
        self._standard_input = standard_input
        self._counter: _CountedBytes | None = None
        self._share_read = 0.0
        regular = False
        if path != STANDARD_INPUT:
            mode, size = _look_at(path)
            regular = stat.S_ISREG(mode)
            self.total_bytes = size if regular else None
        self.file_format = _format_of(path, file_format, regular=regular)
        if self.file_format is FileFormat.PARQUET and not regular:
            raise InputError(path, "Parquet cannot be read from a pipe; name a file")

    @property
    def bytes_read(self) -> int:
        """Return how much has been read so far (bytes of the file as it lies there; never more than `total_bytes`)."""
        if self.file_format is FileFormat.PARQUET:
            return int(self._share_read * (self.total_bytes or 0))
        return self._counter.count if self._counter is not None else 0

    def records(self) -> Iterator[FileRecord]:
        """Yield its records in order, each with its line (NDJSON, CSV) or row (Parquet) number, counted from 1.

        Holds one line, or one small batch of rows, at a time. A file can be read again, the standard input cannot.

        Raises:
            InputError: It cannot be read on: a damaged archive, no CSV header, not Parquet, a failing disk, UTF-16.
        """
        if self.file_format is FileFormat.PARQUET:
            yield from parquet_records(self.path, self._note_share)
            return
        with self._opened() as stream:
            lines = _lines(self.path, stream)
            if self.file_format is FileFormat.CSV:
                yield from csv_records(self.path, lines)
            else:
                yield from (FileRecord(line.number, line.value) for line in lines if line.value.strip())

    def _note_share(self, share: float) -> None:
        self._share_read = share

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if self.path == STANDARD_INPUT:
            source: BinaryIO = self._standard_input if self._standard_input is not None else sys.stdin.buffer
            with self._decompressed(source) as stream:
                yield stream
            return
        with ExitStack() as stack:
            try:
                file = stack.enter_context(Path(self.path).open("rb"))
            except OSError as error:
                raise InputError(self.path, _advice_on(error)) from error
            yield stack.enter_context(self._decompressed(file))

    @contextmanager
    def _decompressed(self, source: BinaryIO) -> Iterator[BinaryIO]:
        self._counter = _CountedBytes(source)
        stream = io.BufferedReader(self._counter, _BUFFER_BYTES)
        try:
            first_bytes = stream.peek(2)[:2]
        except OSError as error:
            raise InputError(self.path, _advice_on(error)) from error
        if first_bytes in _UTF_16_MARKS:
            raise InputError(self.path, "the text is UTF-16; save it as UTF-8")
        if first_bytes != _GZIP_MAGIC:
            yield stream
            return
        yield io.BufferedReader(gzip.GzipFile(fileobj=stream), _BUFFER_BYTES)


class _CountedBytes(io.RawIOBase):
    """A raw stream that counts what is read through it; reads of a pipe return as soon as there is something."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._read_into = getattr(source, "readinto1", None) or source.readinto  # type: ignore[attr-defined]
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count: int = self._read_into(buffer) or 0
        self.count += count
        return count


def _look_at(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except (OSError, ValueError) as error:
        raise InputError(path, _advice_on(error)) from error
    if stat.S_ISDIR(found.st_mode):
        raise InputError(path, "this is a folder; name a file of events in it")
    return found.st_mode, found.st_size


def _format_of(path: str, file_format: str | None, *, regular: bool) -> FileFormat:
    if file_format is not None:
        if file_format not in set(FileFormat):
            raise UsageError(f"--format {file_format}: there is no such format; write {', '.join(FileFormat)}")
        return FileFormat(file_format)
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    known = _FORMAT_OF_SUFFIX.get(suffixes[-1]) if suffixes else None
    if known is None and not regular:
        return FileFormat.NDJSON
    if known is None:
        endings = ", ".join(_FORMAT_OF_SUFFIX)
        advice = f"the name does not say what is in it (known are {endings}); say --format {' or '.join(FileFormat)}"
        raise InputError(path, advice)
    return known


def _lines(path: str, stream: BinaryIO) -> Iterator[TextLine]:
    """Yield the lines of a stream without their ends, numbered from 1, none longer than `LONGEST_LINE_BYTES`."""
    number = 0
    try:
        while line := stream.readline(LONGEST_LINE_BYTES):
            number += 1
            complete = line.endswith(b"\n") or len(line) < LONGEST_LINE_BYTES
            rest = b"" if complete else stream.readline(LONGEST_LINE_BYTES)
            cut = bool(rest.rstrip(b"\r\n"))
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(LONGEST_LINE_BYTES)
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            yield TextLine(number, line.removesuffix(b"\n").removesuffix(b"\r"), cut)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(path, _advice_on(error), number + 1) from error


def _advice_on(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "it may not be read; check its permissions"
    if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
        return f"the gzip archive is damaged or cut off ({error})"
    return f"it cannot be read: {error.strerror or error if isinstance(error, OSError) else error}"
