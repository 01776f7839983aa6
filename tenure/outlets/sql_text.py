"""An answer of `tenure sql` for people, as a table, and for spreadsheets, as CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

from rich.table import Table

from streams.readable import readable, spreadsheet_cell

if TYPE_CHECKING:
    from schemas.documents.sql import SqlAnswer

WIDEST = 100_000
"""No column is broken: a terminal wraps lines, and a pager can scroll them (characters)."""
_NUMBERS = ("int", "double", "decimal", "float")


def answer_table(answer: SqlAnswer) -> Table:
    """Return an answer as a table; numbers stand at the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in answer.columns:
        is_number = any(kind in column.type for kind in _NUMBERS)
        table.add_column(readable(column.name), justify="right" if is_number else "left", no_wrap=True)
    for row in answer.rows:
        table.add_row(*(_shown(value) for value in row))
    return table


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else readable(str(value))


def write_answer(answer: SqlAnswer, output: TextIO) -> None:
    """Write an answer as CSV; names are cells that no spreadsheet takes for a formula, numbers stay as they are."""
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([spreadsheet_cell(column.name) for column in answer.columns])
    for row in answer.rows:
        writer.writerow([spreadsheet_cell(value) if isinstance(value, str) else _shown(value) for value in row])
