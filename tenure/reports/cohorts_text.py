"""Cohorts in the terminal: a table whose cells are the warmer the more customers have stayed.

Pure: a report in, something that rich prints out. The shares are written out, so that nothing depends on colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from schemas.documents.cohorts import CohortPeriod, CohortReport, CohortRow, CohortTable
from tenure.reports import formats

#: Segments that a dimension shows, the largest first.
SHOWN_VALUES: Final = 10
_NAME_WIDTH: Final = 9
_SIZE_WIDTH: Final = 8
_CELL_WIDTH: Final = 5
#: Backgrounds from nobody to everybody, as red, green, blue; the text on them is black from the middle on.
_COLD: Final = (68, 1, 84)
_MIDDLE: Final = (33, 145, 140)
_WARM: Final = (253, 231, 37)
_DARK_BELOW: Final = 0.55


class Room(NamedTuple):
    """The room there is: columns of the terminal, and cohorts of one table; None shows all of them."""

    width: int
    cohorts: int | None = None


def cohort_tables(report: CohortReport, room: Room) -> RenderableType:
    """Return a report as tables: that of all customers, then one for each of the largest segments.

    Args:
        report: The cohorts.
        room: What fits; each table says what it leaves out.
    """
    instant = datetime.fromisoformat(report.as_of)
    period = report.period
    heading = Text()
    heading.append(f"As of {instant:%A, %Y-%m-%d %H:%M} UTC\n", style="bold")
    heading.append(f"Customers by {period} of first signup ({report.time_zone}); ")
    heading.append(f"per cent active so many {period}s later\n")
    parts: list[RenderableType] = [heading, _table("All customers", report.all, room, period)]
    segments = {} if report.segments is UNSET else report.segments
    for dimension, values in segments.items():
        by_size = sorted(values.items(), key=lambda pair: (-pair[1].size, pair[0]))
        parts += [_table(f"{dimension} {name}", table, room, period) for name, table in by_size[:SHOWN_VALUES]]
        if len(by_size) > SHOWN_VALUES:
            left = len(by_size) - SHOWN_VALUES
            parts.append(Text(f"{left} smaller values of {dimension} are left out: --json has them.\n", style="dim"))
    return Group(*parts)


def _table(title: str, table: CohortTable, room: Room, period: str) -> Text:
    cohorts = table.cohorts
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{title}: {table.size:,}\n", style="bold")
    if not cohorts:
        return text.append("no customers so far\n", style="dim")
    shown = cohorts if room.cohorts is None else cohorts[-room.cohorts :]
    longest = max(len(cohort.periods) for cohort in shown)
    fitting = max(1, (room.width - _NAME_WIDTH - _SIZE_WIDTH) // _CELL_WIDTH)
    columns = min(longest, fitting)
    text.append(f"{period:<{_NAME_WIDTH}}{'size':>{_SIZE_WIDTH - 1}} ", style="dim")
    text.append("".join(f"{k:>{_CELL_WIDTH - 1}} " for k in range(1, columns + 1)) + "\n", style="dim")
    for cohort in shown:
        _add_row(text, cohort.cohort, cohort, columns)
    _add_row(text, "all", table, columns)
    for line in _left_out(table, shown, columns, longest, period):
        text.append(line + "\n", style="dim")
    return text


def _add_row(text: Text, name: str, row: CohortRow | CohortTable, columns: int) -> None:
    text.append(f"{name:<{_NAME_WIDTH}}", style="bold" if name == "all" else "")
    text.append(f"{formats.short(row.size):>{_SIZE_WIDTH - 1}} ")
    for entry in row.periods[:columns]:
        mark = "~" if name != "all" and entry.matured < row.size else " "
        text.append(f"{percent(entry):>{_CELL_WIDTH - 1}}{mark}", style=_style(entry))
    text.append("\n")


def percent(entry: CohortPeriod) -> str:
    """Return a share as whole per cent; 0 and 100 only where it is nobody and everybody."""
    active, matured = entry.active, entry.matured
    if active in (0, matured):
        return "0" if active == 0 else "100"
    return str(min(99, max(1, round(100 * (entry.share or 0.0)))))


def _style(entry: CohortPeriod) -> Style:
    share = entry.share or 0.0
    low, high, part = (_COLD, _MIDDLE, share * 2) if share < 0.5 else (_MIDDLE, _WARM, share * 2 - 1)
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
    return Style.parse(f"{'white' if share < _DARK_BELOW else 'black'} on rgb({red},{green},{blue})")


def _left_out(table: CohortTable, shown: Sequence[CohortRow], columns: int, longest: int, period: str) -> list[str]:
    """Return what the reader has to know: the mark, and what is not shown."""
    lines = []
    if any(entry.matured < table.size for entry in table.periods[:columns]):
        lines.append(f"~ of those only who signed up so many {period}s ago; the row `all` likewise")
    if longest > columns:
        lines.append(f"{period}s {columns + 1} to {longest} do not fit: a wider terminal, --csv or --json has them")
    if len(shown) < len(table.cohorts):
        older = len(table.cohorts) - len(shown)
        lines.append(f"{older} older cohorts do not fit: --csv or --json has them; `all` counts them in")
    return lines
