"""Parquet files of events, read in batches of rows with pyarrow, which is only needed here and loaded only then.

A column is a member and null is an absent one. Instants become RFC 3339 with Z; those without a time zone are local
times of the file's zone. Integers in a text column's place become text, so that a numeric customer id is an id. Money
in a column whose type has decimals is an amount in major units, or refused.
"""

import importlib
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from schemas.instants import DAY_MS
from schemas.local_times import instant_text
from streams.errors import InputError
from tenure.files.members import (
    BOOLEAN_MEMBERS,
    INSTANT_MEMBERS,
    INTEGER_MEMBERS,
    MONEY_MEMBERS,
    Members,
    without_idle_zeros,
)
from tenure.files.notation import MoneyForm, Notation
from tenure.files.tables import FileRecord, check_columns, check_names

_ROWS_A_BATCH: Final = 4096


def parquet_records(path: str, notation: Notation, note_share: Callable[[float], None]) -> Iterator[FileRecord]:
    """Yield the rows of a Parquet file as events.

    Args:
        path: The file.
        notation: Of its values.
        note_share: Is told after each batch which share of the rows has been read, in [0, 1].

    Raises:
        InputError: pyarrow is not installed, the file is not Parquet or damaged, or it is no table of events.
    """
    table: _RowsOfColumns | None = None
    number = 0
    for arrow, batch in _batches(path, check_columns, note_share):
        table = table or _RowsOfColumns(arrow, notation)
        for members in table.rows(batch):
            number += 1
            yield FileRecord(number, msgspec.json.encode(members, enc_hook=str))


def parquet_objects(path: str, note_share: Callable[[float], None]) -> Iterator[FileRecord]:
    """Yield the rows of any Parquet file as JSON objects, each value as its column has it; null is left out.

    Args: As of `parquet_records`.

    Raises:
        InputError: pyarrow is not installed, or the file is not Parquet or damaged.
    """
    number = 0
    for _, batch in _batches(path, check_names, note_share):
        for row in rows_of_batch(batch):
            number += 1
            yield FileRecord(number, row)


def rows_of_batch(batch: Any) -> Iterator[bytes]:
    """Yield the rows of a batch of pyarrow as JSON objects, each value as its column has it; null is left out.

    A decimal is a text of all its digits, a float the shortest number that it is, a date and a time ISO 8601, without
    an offset where the column has no time zone.
    """
    names = batch.schema.names
    for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
        found = {name: _json_of(cell) for name, cell in zip(names, cells, strict=True) if cell is not None}
        yield msgspec.json.encode({name: cell for name, cell in found.items() if cell is not None}, enc_hook=str)


def _json_of(cell: Any) -> Any:
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")
    if isinstance(cell, int) and not -(2**63) <= cell < 2**64:
        return str(cell)
    return cell


def _batches(
    path: str, check: Callable[[str, list[str]], None], note_share: Callable[[float], None]
) -> Iterator[tuple[Any, Any]]:
    """Yield the module pyarrow with each batch of the rows of a file whose columns pass a check."""
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError(path, "reading Parquet needs pyarrow, which is not installed: pip install pyarrow") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            check(path, list(file.schema_arrow.names))
            rows = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=_ROWS_A_BATCH):
                yield arrow, batch
                number += len(batch)
                note_share(number / rows)
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(path, f"it cannot be read as Parquet: {reason}", number + 1 if number else None) from error
    note_share(1.0)


class _RowsOfColumns:
    """Rows out of batches of columns.

    Args:
        arrow: The module pyarrow.
        notation: Of the values.
    """

    def __init__(self, arrow: Any, notation: Notation) -> None:
        self._arrow = arrow
        self._members = Members(notation)
        self._is_major = notation.money is MoneyForm.MAJOR

    def rows(self, batch: Any) -> Iterator[dict[str, object]]:
        """Yield the members of each row of a batch."""
        # Tables of several event types are sparse: most columns of a batch may hold nothing.
        filled = [
            (name, column)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
            if column.null_count < len(column)
        ]
        names = [name for name, _ in filled]
        columns = [self._cells(name, column) for name, column in filled]
        for cells in zip(*columns, strict=True):
            members = {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}
            self._members.settle_money(members)
            yield members

    def _cells(self, member: str, column: Any) -> list[Any]:
        """Return a column's values as what JSON and the member want; None where there is none."""
        types = self._arrow.types
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        kind = column.type
        if types.is_timestamp(kind) or types.is_date(kind):
            return self._instants(column)
        if types.is_floating(kind) and member in INSTANT_MEMBERS.union(MONEY_MEMBERS):
            texts = [_float_text(value) for value in column.to_numpy(zero_copy_only=False)]
            return self._money(texts) if member in MONEY_MEMBERS else self._read(member, texts)
        values: list[Any] = column.to_pylist()
        has_decimals = types.is_decimal(kind) and kind.scale > 0
        if member in INSTANT_MEMBERS:
            return self._read(member, [_exact_text(value, has_decimals=has_decimals) for value in values])
        if member in MONEY_MEMBERS and not types.is_string(kind) and (self._is_major or not types.is_integer(kind)):
            return self._money([_exact_text(value, has_decimals=has_decimals) for value in values])
        typed = member in INTEGER_MEMBERS or member in BOOLEAN_MEMBERS
        if types.is_integer(kind) if member in INTEGER_MEMBERS else types.is_string(kind) and not typed:
            return values
        return self._read(member, [_plain(member, value) for value in values])

    def _instants(self, column: Any) -> list[Any]:
        arrow, zone = self._arrow, getattr(column.type, "tz", None)
        if arrow.types.is_date(column.type):
            days = column.cast(arrow.date32()).cast(arrow.int32()).to_pylist()
            microseconds = [None if value is None else value * 1000 * DAY_MS for value in days]
        else:
            microseconds = column.cast(arrow.timestamp("us", tz=zone), safe=False).cast(arrow.int64()).to_pylist()
        texts = [None if value is None else instant_text(value) or str(value) for value in microseconds]
        if zone is not None:
            return texts
        return [None if text is None else self._members.instant(text.removesuffix("Z")) for text in texts]

    def _money(self, texts: list[str | None]) -> list[Any]:
        """Return amounts as decimals where the file's are in major units, else as integers or what is refused."""
        if not self._is_major:
            return self._read(MONEY_MEMBERS[0], texts)
        return [None if text is None else _amount(text) for text in texts]

    def _read(self, member: str, values: list[Any]) -> list[Any]:
        read = self._members.reader(member)
        if read is None:
            return values
        return [read(value) if isinstance(value, str) and value else value for value in values]


def _exact_text(value: Any, *, has_decimals: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal) and value.is_finite():
        return format(value if has_decimals else value.to_integral_value(), "f")
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _amount(text: str) -> Decimal | str:
    # The type of the column says how many decimals there are: zeros at their end say nothing.
    try:
        amount = Decimal(text)
    except ArithmeticError:
        return text
    return without_idle_zeros(amount) if amount.is_finite() else text


def _float_text(value: Any) -> str | None:
    """Return the shortest decimal number that is this float among those of its size; None for what is no number."""
    return None if np.isnan(value) else np.format_float_positional(value, unique=True, trim="0")


def _plain(member: str, value: Any) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        # A column of integers with gaps is one of floats once it has been through pandas.
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and member not in INTEGER_MEMBERS:
        return str(value)
    return value
