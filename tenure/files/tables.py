"""Tables of events: their columns, and the rows of CSV. What cells become: `tenure.files.members`."""

import csv
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from schemas.events import COMMON_MEMBERS, REQUIRED_MEMBERS
from schemas.wording import counted
from streams.errors import InputError
from streams.records import NO_HEADERS, Headers
from tenure.files.csv_rows import CsvRows, TextLine
from tenure.files.members import Members
from tenure.files.notation import Notation


class FileRecord(NamedTuple):
    """One record of a file.

    Args:
        number: Its line (of NDJSON and CSV), row (of Parquet) or place (in a JSON array), counted from 1.
        value: Its bytes: the event as JSON, or what stands there instead.
        fault: Why it is no event, as the file says it; empty where only its bytes can tell.
        headers: Under which it is sent, where an adapter does not understand it (`schemas.decoding.adapted`).
    """

    number: int
    value: bytes
    fault: str = ""
    headers: Headers = NO_HEADERS


_DELIMITERS: Final = (",", ";", "\t")
_NAMES_OF_DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_SEPARATOR_LINE: Final = "sep="
"""Excel writes and reads a first line such as `sep=;`, which is no row."""
#: What databases write for no value at all: MySQL and COPY of Postgres.
_NO_VALUE: Final = frozenset({"", "NULL", "\\N"})


def check_columns(path: str, columns: list[str]) -> None:
    """Refuse a table that cannot be one of events.

    Raises:
        InputError: A column that every event needs is missing, or two have one name.
    """
    missing = [column for column in REQUIRED_MEMBERS if column not in columns]
    if missing:
        raise InputError(
            path,
            f"the column {missing[0]!r} is missing; columns are named like the members of events: "
            f"{', '.join(COMMON_MEMBERS)}, and those of the event types; say --as table if each row is a subscription",
        )
    check_names(path, columns)


def check_names(path: str, columns: list[str]) -> None:
    """Refuse a table of which two columns have one name; those without a name are not read.

    Raises:
        InputError: Two have.
    """
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise InputError(path, f"two columns are named {twice[0]!r}; rename or remove one")


def csv_records(path: str, lines: Iterator[TextLine], notation: Notation) -> Iterator[FileRecord]:
    r"""Yield the rows of a CSV file as events; an empty cell, `NULL` and `\N` are absent members.

    Args:
        path: The file's name, for messages.
        lines: Its lines.
        notation: Of its values.

    Raises:
        InputError: There is no header row, or it is not one of events.
    """
    delimiter, columns = _read_header(path, lines)
    check_columns(path, columns)
    members_of = Members(notation)
    readers = [(column, members_of.reader(column)) for column in columns]

    def event_of(row: list[str]) -> dict[str, Any]:
        members: dict[str, Any] = {
            column: cell if read is None else read(cell)
            for (column, read), cell in zip(readers, row, strict=True)
            if cell not in _NO_VALUE
        }
        members_of.settle_money(members)
        return members

    yield from _rows(lines, delimiter, len(columns), event_of)


def csv_objects(path: str, lines: Iterator[TextLine]) -> Iterator[FileRecord]:
    r"""Yield the rows of any CSV file as JSON objects of texts; an empty cell, `NULL` and `\N` are left out.

    Args:
        path: The file's name, for messages.
        lines: Its lines.

    Raises:
        InputError: There is no header row, or two columns have one name.
    """
    delimiter, columns = _read_header(path, lines)
    check_names(path, columns)

    def object_of(row: list[str]) -> dict[str, Any]:
        return {column: cell for column, cell in zip(columns, row, strict=True) if column and cell not in _NO_VALUE}

    yield from _rows(lines, delimiter, len(columns), object_of)


def _rows(
    lines: Iterator[TextLine], delimiter: str, columns: int, members_of: Callable[[list[str]], dict[str, Any]]
) -> Iterator[FileRecord]:
    """Yield the rows of CSV as the JSON objects that a function makes of their cells.

    The delimiter is a comma, a semicolon or a tab, whichever the header has, or the one that a first line `sep=;`
    names. A row of empty cells is none. A row that cannot be read (number of cells, not UTF-8) is passed on as it
    stands; where quoting does not say where a row ends, its first line is.
    """
    for taken, row in CsvRows(lines, delimiter=delimiter, columns=columns):
        if row is None:
            yield _as_it_stands(taken, "its quotes do not say where cells end; close them, or double those inside")
            continue
        if not any(row):
            continue
        if any(line.cut for line in taken):
            yield _as_it_stands(taken, "the line is too long to be an event")
            continue
        if len(row) != columns:
            yield _as_it_stands(taken, _fault_of_cells(len(row), columns, delimiter))
            continue
        try:
            value = msgspec.json.encode(members_of(row))
        except UnicodeEncodeError:
            yield _as_it_stands(taken, "it is not UTF-8; save the file as UTF-8")
            continue
        yield FileRecord(taken[0].number, value)


def _read_header(path: str, lines: Iterator[TextLine]) -> tuple[str, list[str]]:
    """Return the delimiter and the columns."""
    header = next(lines, None)
    separator = None if header is None else _separator_of(header)
    if separator is not None:
        header = next(lines, None)
    if header is None:
        raise InputError(path, "the file is empty; the first row of CSV names the columns")
    try:
        text = header.value.decode()
    except UnicodeDecodeError as error:
        raise InputError(path, "the header row is not UTF-8; save the file as UTF-8", header.number) from error
    delimiter = separator or max(_DELIMITERS, key=text.count)
    try:
        columns = [column.strip() for column in next(csv.reader([text], delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise InputError(path, f"the header row cannot be read: {error}", header.number) from error
    return delimiter, columns


def _separator_of(line: TextLine) -> str | None:
    """Return the delimiter that a line `sep=;` names; None where it is none."""
    text = line.value.decode("utf-8", "replace").strip(" ").strip('"')
    separator = text[len(_SEPARATOR_LINE) :]
    is_one = text[: len(_SEPARATOR_LINE)].lower() == _SEPARATOR_LINE and len(separator) == 1
    return separator if is_one and separator not in '"\r\n ' else None


def _fault_of_cells(cells: int, columns: int, delimiter: str) -> str:
    advice = "leave a cell empty where there is no value, and leave out no cell"
    if cells > columns:
        advice = f"put a cell that holds {_NAMES_OF_DELIMITERS.get(delimiter, delimiter)} in double quotes"
    return f"it has {counted(cells, 'cells')}, and the header {columns:,}; {advice}"


def _as_it_stands(taken: list[TextLine], fault: str) -> FileRecord:
    return FileRecord(taken[0].number, b"\n".join(line.value for line in taken), fault)
