"""Parquet files of events, read in batches of rows with pyarrow, which is only needed here and loaded only then.

A column is a member and null is an absent one. Instants become RFC 3339 with Z; those without a time zone are taken as
UTC. Integers in a text column's place become text, so that a numeric customer id is an id.
"""

import datetime as dt
import importlib
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from schemas.instants import DAY_MS, EPOCH
from streams.errors import InputError
from tenure.files.tables import BOOLEAN_MEMBERS, INTEGER_MEMBERS, FileRecord, check_columns, member_of_text

_ROWS_A_BATCH: Final = 4096
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)  # arithmetic on UTC, the Z is written as text


def parquet_records(path: str, note_share: Callable[[float], None]) -> Iterator[FileRecord]:
    """Yield the rows of a Parquet file as events.

    Args:
        path: The file.
        note_share: Is told after each batch which share of the rows has been read, in [0, 1].

    Raises:
        InputError: pyarrow is not installed, the file is not Parquet or damaged, or it is no table of events.
    """
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError(path, "reading Parquet needs pyarrow, which is not installed: pip install pyarrow") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            check_columns(path, list(file.schema_arrow.names))
            rows = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=_ROWS_A_BATCH):
                for members in _rows(arrow, batch):
                    number += 1
                    yield FileRecord(number, msgspec.json.encode(members, enc_hook=str))
                note_share(number / rows)
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(path, f"it cannot be read as Parquet: {reason}", number + 1 if number else None) from error
    note_share(1.0)


def _rows(arrow: Any, batch: Any) -> Iterator[dict[str, object]]:
    # Tables of several event types are sparse: most columns of a batch may hold nothing.
    filled = [
        (name, column)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if column.null_count < len(column)
    ]
    names = [name for name, _ in filled]
    columns = [_cells(arrow, name, column) for name, column in filled]
    for cells in zip(*columns, strict=True):
        yield {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}


def _cells(arrow: Any, member: str, column: Any) -> list[object]:
    """Return a column's values as what JSON and the member want; None where there is none."""
    kind = column.type
    if arrow.types.is_timestamp(kind):
        microseconds = column.cast(arrow.timestamp("us", tz=kind.tz), safe=False).cast(arrow.int64()).to_pylist()
        return [None if value is None else _instant_text(value) for value in microseconds]
    if arrow.types.is_date(kind):
        days = column.cast(arrow.date32()).cast(arrow.int32()).to_pylist()
        return [None if value is None else _instant_text(value * 1000 * DAY_MS) for value in days]
    values: list[object] = column.to_pylist()
    typed = member in INTEGER_MEMBERS or member in BOOLEAN_MEMBERS
    if arrow.types.is_integer(kind) if member in INTEGER_MEMBERS else arrow.types.is_string(kind) and not typed:
        return values
    return [_member(member, value) for value in values]


def _member(member: str, value: object) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        # A column of integers with gaps is one of floats once it has been through pandas.
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and member not in INTEGER_MEMBERS:
        value = str(value)
    return member_of_text(member, value) if isinstance(value, str) else value


def _instant_text(microseconds: int) -> str:
    """Return microseconds since 1970 UTC as RFC 3339, or as their digits where no calendar has such a day."""
    try:
        return (_NAIVE_EPOCH + dt.timedelta(microseconds=microseconds)).isoformat() + "Z"
    except OverflowError:
        return str(microseconds)
