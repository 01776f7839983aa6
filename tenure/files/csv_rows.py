"""Rows of CSV: a quoted cell may go over several lines; a quote that is never closed costs the line that it began with.

Quoting is that of the `csv` module in its strict mode. Not here: what cells mean (`tenure.files.tables`).
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple


class TextLine(NamedTuple):
    """One line of a text file: its number counted from 1, its bytes without the end, and whether it had to be cut."""

    number: int
    value: bytes
    cut: bool


class CsvRow(NamedTuple):
    """One row: the lines that it stands in, and its cells; None where they cannot be told apart."""

    lines: list[TextLine]
    cells: list[str] | None


class CsvRows:
    """Rows out of lines; bytes that are not UTF-8 survive in their cells as lone surrogates.

    A row ends on a later line where a quote is open at the end of its first. Nothing says where it ends if that quote
    is never closed (the data ends, the cell exceeds `csv.field_size_limit`, there are more cells than columns), or if
    what follows a closing quote is no delimiter. Then the first line alone is a row without cells, and the others are
    read again. A line is read `columns` times at most: those that open a quote by themselves add a cell to each row
    that goes on over them.

    Args:
        lines: The lines after the header.
        delimiter: What separates cells.
        columns: How many cells a row may have while it goes on (count).
    """

    def __init__(self, lines: Iterator[TextLine], *, delimiter: str, columns: int) -> None:
        # Made once: `csv` would make it out of options for each line anew, which takes longer than reading the line.
        self._dialect = csv.reader((), delimiter=delimiter, strict=True).dialect
        self._lines = lines
        self._again: deque[TextLine] = deque()
        self._columns = columns

    def __iter__(self) -> Iterator[CsvRow]:
        while (first := self._next_line()) is not None:
            taken = [first]
            cells = self._read_row(taken)
            if cells is None:
                self._again.extendleft(reversed(taken[1:]))
                del taken[1:]
            yield CsvRow(taken, cells)

    def _next_line(self) -> TextLine | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _read_row(self, taken: list[TextLine]) -> list[str] | None:
        """Return the cells of the row that begins with the line taken, and take its other lines; None: see above."""
        cells: list[str] = []
        parts: list[str] = []
        characters = 0
        while True:
            read = self._read_line(taken[-1], in_quotes=bool(parts))
            if read is None:
                return None
            found, is_open = read
            if parts:
                parts.append(found.pop(0))
                characters += len(parts[-1])
                if characters > csv.field_size_limit():
                    return None
                if found or not is_open:
                    cells.append("".join(parts))
                    parts.clear()
            cells += found
            if not is_open:
                return cells
            if not parts:
                parts.append(cells.pop())
                characters = len(parts[0])
            following = self._next_line() if len(cells) < self._columns else None
            if following is None:
                return None
            taken.append(following)

    def _read_line(self, line: TextLine, *, in_quotes: bool) -> tuple[list[str], bool] | None:
        """Return the cells of one line, and whether a quote is open at its end; None where it breaks the rules."""
        text = line.value.decode("utf-8", "surrogateescape")
        # A quote alone closes what is open at the end, and is not read otherwise.
        reader = csv.reader((f'"{text}\n' if in_quotes else f"{text}\n", '"\n'), self._dialect)
        try:
            return next(reader), reader.line_num == 2
        except csv.Error:
            return None
