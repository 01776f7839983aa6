"""Tables of events: what a cell becomes as an event's member, and CSV.

A column is a member; its type follows from the event structs, so that there is one truth about which members are
integers or booleans. What cannot be read as its type stays text, and is refused later with the reason.
"""

import csv
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from schemas.events import COMMON_MEMBERS, EVENT_TYPES, REQUIRED_MEMBERS
from streams.errors import InputError
from tenure.files.csv_rows import CsvRows, TextLine


class FileRecord(NamedTuple):
    """One record of a file.

    Args:
        number: Its line (of NDJSON and CSV) or row (of Parquet), counted from 1.
        value: Its bytes: the event as JSON, or what stands there instead.
    """

    number: int
    value: bytes


def _members_of(kind: type[msgspec.inspect.Type]) -> frozenset[str]:
    infos = (msgspec.inspect.type_info(event) for event in EVENT_TYPES)
    return frozenset(
        field.encode_name
        for info in infos
        if isinstance(info, msgspec.inspect.StructType)
        for field in info.fields
        if isinstance(field.type, kind)
    )


INTEGER_MEMBERS: Final = _members_of(msgspec.inspect.IntType)
BOOLEAN_MEMBERS: Final = _members_of(msgspec.inspect.BoolType)

# Tables that passed through other programs hold integers as 4900.0 where a column has gaps.
_INTEGER: Final = re.compile(r"\s*([+-]?\d{1,18})(?:\.0*)?\s*")
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
_DELIMITERS: Final = (",", ";", "\t")


def member_of_text(member: str, text: str) -> str | int | bool:
    """Return a cell's text as what its member is: an integer, a boolean, or the text itself.

    Args:
        member: The column's name.
        text: The cell, not empty.
    """
    if member in INTEGER_MEMBERS:
        integer = _INTEGER.fullmatch(text)
        return int(integer[1]) if integer else text
    if member in BOOLEAN_MEMBERS:
        return _BOOLEANS.get(text.strip().lower(), text)
    return text


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
            f"{', '.join(COMMON_MEMBERS)}, and those of the event types",
        )
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise InputError(path, f"two columns are named {twice[0]!r}; rename or remove one")


def csv_records(path: str, lines: Iterator[TextLine]) -> Iterator[FileRecord]:
    """Yield the rows of a CSV file as events; an empty cell is an absent member, a row of empty cells is none.

    The delimiter is a comma, a semicolon or a tab, whichever the header has. A row that cannot be read (number of
    cells, not UTF-8) is passed on as it stands; where quoting does not say where a row ends, its first line is.

    Args:
        path: The file's name, for messages.
        lines: Its lines.

    Raises:
        InputError: There is no header row, or it is not one of events.
    """
    header = next(lines, None)
    if header is None:
        raise InputError(path, "the file is empty; the first row of CSV names the columns")
    delimiter, columns = _read_header(path, header)
    for taken, row in CsvRows(lines, delimiter=delimiter, columns=len(columns)):
        if row is None:
            yield _as_it_stands(taken)
            continue
        if not any(row):
            continue
        if len(row) != len(columns) or any(line.cut for line in taken):
            yield _as_it_stands(taken)
            continue
        members = {column: member_of_text(column, cell) for column, cell in zip(columns, row, strict=True) if cell}
        try:
            value = msgspec.json.encode(members)
        except UnicodeEncodeError:
            yield _as_it_stands(taken)
            continue
        yield FileRecord(taken[0].number, value)


def _read_header(path: str, header: TextLine) -> tuple[str, list[str]]:
    try:
        text = header.value.decode()
    except UnicodeDecodeError as error:
        raise InputError(path, "the header row is not UTF-8; save the file as UTF-8", header.number) from error
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        columns = [column.strip() for column in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise InputError(path, f"the header row cannot be read: {error}", header.number) from error
    check_columns(path, columns)
    return delimiter, columns


def _as_it_stands(taken: list[TextLine]) -> FileRecord:
    return FileRecord(taken[0].number, b"\n".join(line.value for line in taken))
