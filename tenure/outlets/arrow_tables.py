"""Rows of relations as tables of Arrow, which DuckDB reads and Parquet is written from.

pyarrow is an extra, and loaded only here. The columns: `schemas.relations`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

from schemas.relations import Column, ColumnKind, RelationRow
from streams.errors import UsageError

ROWS_A_BATCH: Final = 65_536


def module_of_extra(module: str, named: str) -> Any:
    """Return a module of an extra.

    Args:
        module: Its name.
        named: The extra that has it.

    Raises:
        UsageError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed; install tenure[{named}], which has it") from error


class ArrowRows:
    """Takes rows of a relation, batch by batch, and makes a table of them."""

    def __init__(self, columns: Sequence[Column], *, zoned: bool) -> None:
        """Begin without rows.

        Args:
            columns: Of the relation.
            zoned: Whether instants say that they are of UTC; DuckDB counts with them more simply where they do not.
        """
        self._arrow = module_of_extra("pyarrow", "duckdb")
        self.schema = schema_of(self._arrow, columns, zoned=zoned)
        self._rows: list[RelationRow] = []
        self._batches: list[Any] = []

    def take(self, rows: Iterable[RelationRow]) -> None:
        """Take some rows."""
        self._rows.extend(rows)
        if len(self._rows) >= ROWS_A_BATCH:
            self._pack()

    def _pack(self) -> None:
        columns = zip(*self._rows, strict=True)
        arrays = [self._arrow.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
        self._batches.append(self._arrow.record_batch(arrays, schema=self.schema))
        self._rows = []

    def table(self) -> Any:
        """Return all rows that were taken."""
        if self._rows:
            self._pack()
        return self._arrow.Table.from_batches(self._batches, self.schema)


def schema_of(arrow: Any, columns: Sequence[Column], *, zoned: bool) -> Any:
    """Return the schema of columns."""
    types = {
        ColumnKind.TEXT: arrow.string(),
        ColumnKind.INTEGER: arrow.int64(),
        ColumnKind.FLAG: arrow.bool_(),
        ColumnKind.FRACTION: arrow.float64(),
        ColumnKind.INSTANT: arrow.timestamp("ms", tz="UTC" if zoned else None),
    }
    return arrow.schema([arrow.field(each.name, types[each.kind], nullable=each.nullable) for each in columns])
