"""Files of events: NDJSON, CSV and Parquet, read as a bounded stream of records with progress.

Reads; does not judge. A line that is no event is passed on as its bytes, so that it becomes a dead letter with a
reason instead of vanishing. What a record has to hold: docs/events.md. How cells become members: `tenure.files.tables`.
For its user: docs/files.md.
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
from typing import Any, BinaryIO, Final

from schemas.wording import counted
from streams.errors import InputError, UsageError
from tenure.files import recognition
from tenure.files.csv_rows import TextLine
from tenure.files.json_array import ArrayCutOff, JsonArrays, MoreThanArrays
from tenure.files.json_documents import documents, records_in
from tenure.files.members import Members
from tenure.files.notation import Notation
from tenure.files.parquet import parquet_objects, parquet_records
from tenure.files.table_rows import query_rows
from tenure.files.tables import FileRecord, csv_objects, csv_records
from tenure.files.translation import FileTranslator

__all__ = ["EventFile", "FileFormat", "FileRecord"]

STANDARD_INPUT: Final = "-"
LONGEST_LINE_BYTES: Final = 16 * 1024 * 1024
"""What a line may hold in memory. A longer one is cut here: it is far beyond any limit for a record, and is refused."""
_BUFFER_BYTES: Final = 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_BITS: Final = 31  # the largest window, in the framing of gzip
_OF_EVENTS: Final = Notation()


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
        notation: How its values are written. Where it says no format, the name's ending decides; the standard input
            and pipes are then NDJSON.
        standard_input: What "-" reads; None is that of the process.

    Attributes:
        notation: As given.
        file_format: What it is read as.
        total_bytes: Its size (bytes as it lies there); None where that cannot be known: standard input, pipes.
        place: What the numbers of its records count: line, row, element (of a JSON array), or record (of an export
            over several lines).
        translator: Translates its records, where the notation has an adapter; its counts are complete at the end.

    Raises:
        InputError: There is no such file, it is a folder, may not be read, or its format cannot be told.
        UsageError: The format is none of the three.
    """

    def __init__(self, path: str, notation: Notation = _OF_EVENTS, *, standard_input: BinaryIO | None = None) -> None:
        self.path = path
        self.notation = notation
        self.total_bytes: int | None = None
        self.translator = None if notation.adapter is None else FileTranslator(notation.adapter)
        self._standard_input = standard_input
        self._counter: _CountedBytes | None = None
        self._share_read = 0.0
        if notation.query is not None:  # DuckDB knows what is at the path; its rows come in batches, as Parquet's do
            self.file_format, self.place = FileFormat.PARQUET, "row"
            return
        regular = False
        if path != STANDARD_INPUT:
            mode, size = _look_at(path)
            regular = stat.S_ISREG(mode)
            self.total_bytes = size if regular else None
        self.file_format = _format_of(path, notation.file_format, regular=regular)
        self.place = "row" if self.file_format is FileFormat.PARQUET else "line"
        if self.file_format is FileFormat.PARQUET and not regular:
            raise InputError(path, "Parquet cannot be read from a pipe; name a file")

    @property
    def bytes_read(self) -> int:
        """Return how much has been read so far (bytes of the file as it lies there; never more than `total_bytes`)."""
        if self.file_format is FileFormat.PARQUET:
            return int(self._share_read * (self.total_bytes or 0))
        return self._counter.count if self._counter is not None else 0

    @property
    def is_table(self) -> bool:
        """Tell whether its values are cells, which have no quotes of their own."""
        return self.file_format is not FileFormat.NDJSON

    def place_of(self, number: int) -> str:
        """Return where a record is, in words, by its number."""
        return f"{self.place} {number:,}"

    def records(self) -> Iterator[FileRecord]:
        """Yield its records in order, each with its number, counted from 1; see `place`.

        Holds one line, one element, one document, or one small batch of rows, at a time. A file can be read again, the
        standard input cannot. Records of another system come as the events that they say, under the number of the
        record; one that its adapter does not understand comes as it is.

        Raises:
            InputError: It cannot be read on: a damaged archive, no CSV header, not Parquet, a failing disk, UTF-16.
        """
        if self.translator is not None:
            self.translator.begin()
            for record in self.rows():
                yield from self.translator.translated(record)
        elif self.file_format is FileFormat.PARQUET:
            _check_parquet(self.path)
            yield from parquet_records(self.path, self.notation, self._note_share)
        else:
            with self._opened() as stream:
                if self.file_format is FileFormat.CSV:
                    yield from csv_records(self.path, _lines(self.path, stream), self.notation)
                else:
                    yield from self._json_events(stream)

    def rows(self) -> Iterator[FileRecord]:
        """Yield the rows of a table of any columns as JSON objects of its cells, and what JSON holds as it is.

        Raises:
            InputError: As of `records`, but for columns that are not those of events.
        """
        if self.notation.query is not None:
            yield from query_rows(self.path, self.notation.query)
        elif self.file_format is FileFormat.PARQUET:
            _check_parquet(self.path)
            yield from parquet_objects(self.path, self._note_share)
        elif self.file_format is FileFormat.CSV:
            with self._opened() as stream:
                yield from csv_objects(self.path, _lines(self.path, stream))
        else:
            with self._opened() as stream:
                for number, value in self._json_values(stream):
                    for record in records_in(value):
                        yield FileRecord(number, record)

    def _json_events(self, stream: io.BufferedReader) -> Iterator[FileRecord]:
        read = Members(self.notation).of_json
        for number, value in self._json_values(stream):
            yield FileRecord(number, read(value))

    def _json_values(self, stream: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
        """Yield the values of a file of JSON, each with its number."""
        beginning = stream.peek(1).removeprefix(recognition.BYTE_ORDER_MARK)
        if beginning.lstrip()[:1] == b"[":
            self.place = "element"
            yield from enumerate(_elements(self.path, stream), 1)
        elif self.translator is not None and recognition.is_over_lines(beginning):
            self.place = "record"
            yield from enumerate(self._records_of_documents(stream), 1)
        else:
            for line in _lines(self.path, stream):
                if line.value.strip():
                    yield line.number, line.value

    def _records_of_documents(self, stream: io.BufferedReader) -> Iterator[bytes]:
        for value in _documents(self.path, stream):
            yield from records_in(value)

    def _note_share(self, share: float) -> None:
        self._share_read = share

    @contextmanager
    def _opened(self) -> Iterator[io.BufferedReader]:
        """Open the text of a file that is recognised as what it is said to be, with line feeds at the ends of lines.

        Raises:
            InputError: It cannot be opened, or looks like something else.
        """
        if self.path == STANDARD_INPUT:
            source: BinaryIO = self._standard_input if self._standard_input is not None else sys.stdin.buffer
            yield self._text_of(source)
            return
        with ExitStack() as stack:
            try:
                file = stack.enter_context(Path(self.path).open("rb"))
            except OSError as error:
                raise InputError(self.path, _advice_on(error)) from error
            yield self._text_of(file)

    def _text_of(self, source: BinaryIO) -> io.BufferedReader:
        self._counter = _CountedBytes(source)
        stream = _buffered(self._counter)
        beginning, where = _peek(self.path, stream), ""
        if beginning.startswith(_GZIP_MAGIC):
            stream = _buffered(gzip.GzipFile(fileobj=stream))
            beginning, where = _peek(self.path, stream), "what the gzip archive holds cannot be read: "
        look = beginning[: recognition.LOOKED_AT_BYTES]
        advice = recognition.unreadable(look) or recognition.not_text(look) or self._looks_like_another(look)
        if advice is not None:
            raise InputError(self.path, where + advice)
        return _buffered(_PlainLines(stream)) if _has_bare_returns(beginning) else stream

    def _looks_like_another(self, look: bytes) -> str | None:
        """Return what the file looks like that is not what it is said to be, and what to do; None where it does not."""
        if self.file_format is FileFormat.CSV:
            return recognition.not_csv(look)
        if self.translator is not None:
            return recognition.not_json(look)
        return recognition.of_another_system(look) or recognition.not_ndjson(look)


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


class _PlainLines(io.RawIOBase):
    """A raw stream in which each carriage return, with or without a line feed, has become a line feed."""

    def __init__(self, source: io.BufferedReader) -> None:
        super().__init__()
        self._source = source
        self._ended_in_return = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        text = b""
        while not text:
            read = self._source.read1(len(buffer))
            if not read:
                return 0
            # Its line has ended already.
            text = read.removeprefix(b"\n") if self._ended_in_return else read
            self._ended_in_return = read.endswith(b"\r")
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        buffer[: len(text)] = text
        return len(text)


def _buffered(source: Any) -> io.BufferedReader:
    return io.BufferedReader(source, _BUFFER_BYTES)


def _has_bare_returns(beginning: bytes) -> bool:
    """Tell whether the first line ends with a carriage return alone, as on Macs of the last century."""
    at = beginning.find(b"\r")
    return 0 <= at < len(beginning) - 1 and b"\n" not in beginning[: at + 2]


def _peek(path: str, stream: io.BufferedReader) -> bytes:
    try:
        return stream.peek(1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(path, _advice_on(error)) from error


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
        beginning = _beginning_of(path)
        likely = recognition.likely_format(beginning)
        endings = ", ".join(_FORMAT_OF_SUFFIX)
        advice = f"the name does not say what is in it (known are {endings}); say --format "
        if likely is not None:
            advice = f"the name does not say what is in it, which looks like {likely}; say --format "
        raise InputError(path, recognition.unreadable(beginning) or advice + (likely or " or ".join(FileFormat)))
    return known


def _check_parquet(path: str) -> None:
    """Refuse a file that is said to be Parquet and looks like something else."""
    beginning = _beginning_of(path)
    likely = recognition.likely_format(beginning)
    if likely != FileFormat.PARQUET:
        advice = recognition.unreadable(beginning) or (likely and f"this looks like {likely}; say --format {likely}")
        if advice:
            raise InputError(path, advice)


def _beginning_of(path: str) -> bytes:
    """Return the first bytes of a file, or of what it holds where it is compressed with gzip."""
    try:
        with Path(path).open("rb") as file:
            beginning = file.read(recognition.LOOKED_AT_BYTES)
            if beginning.startswith(_GZIP_MAGIC):
                beginning = zlib.decompressobj(_GZIP_BITS).decompress(beginning, recognition.LOOKED_AT_BYTES)
    except (OSError, zlib.error) as error:
        raise InputError(path, _advice_on(error)) from error
    return beginning


def _elements(path: str, stream: io.BufferedReader) -> Iterator[bytes]:
    """Yield the elements of a JSON array, none longer than `LONGEST_LINE_BYTES`."""
    stream.read(stream.peek(1).index(b"["))
    number = 0
    try:
        for value in JsonArrays(lambda: stream.read1(_BUFFER_BYTES), longest_bytes=LONGEST_LINE_BYTES):
            number += 1
            yield value
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(path, f"after {counted(number, 'elements')}: {_advice_on(error)}") from error
    except ArrayCutOff as error:
        whole = counted(number, "whole elements")
        advice = f"it is a JSON array without an end: it is cut off after {whole}; write it again"
        raise InputError(path, advice) from error
    except MoreThanArrays as error:
        advice = (
            f"it begins with a JSON array of {counted(number, 'elements')}, and something else follows; "
            "write one array, or one event in each line"
        )
        raise InputError(path, advice) from error


def _documents(path: str, stream: io.BufferedReader) -> Iterator[bytes]:
    """Yield the JSON objects of an export, over however many lines."""
    if stream.peek(1).startswith(recognition.BYTE_ORDER_MARK):
        stream.read(len(recognition.BYTE_ORDER_MARK))
    number = 0
    try:
        for value in documents(lambda: stream.read1(_BUFFER_BYTES)):
            number += 1
            yield value
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(path, f"after {number:,} objects: {_advice_on(error)}") from error
    except ArrayCutOff as error:
        raise InputError(
            path, f"it is cut off within a JSON object, after {number:,} whole ones; write it again"
        ) from error
    except MoreThanArrays as error:
        advice = f"after {number:,} JSON objects a bracket closes what was never opened; write it again"
        raise InputError(path, advice) from error


def _lines(path: str, stream: io.BufferedReader) -> Iterator[TextLine]:
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
                line = line.removeprefix(recognition.BYTE_ORDER_MARK)
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
