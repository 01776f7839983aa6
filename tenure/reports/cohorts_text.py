"""Cohorts in the terminal: a table whose cells are the warmer the more customers, or the more of their MRR, is left.

Pure: a report in, something that rich prints out. The shares are written out, so that nothing depends on colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from schemas.catalogue.cohort_measures import CohortMeasure
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
_MOST_PERCENT: Final = 999


_MEANINGS: Final = {
    CohortMeasure.CUSTOMERS: "per cent active so many {period}s later",
    CohortMeasure.NET: "per cent of their first MRR that they pay so many {period}s later",
    CohortMeasure.GROSS: "per cent of their first MRR that is left so many {period}s later, growth not counted",
}


class Room(NamedTuple):
    """The room there is: columns of the terminal, and cohorts of one table; None shows all of them."""

    width: int
    cohorts: int | None = None


def cohort_tables(report: CohortReport, room: Room, shown: CohortMeasure = CohortMeasure.CUSTOMERS) -> RenderableType:
    """Return a report as tables: that of all customers, then one for each of the largest segments.

    Args:
        report: The cohorts.
        room: What fits; each table says what it leaves out.
        shown: What the cells are a share of.
    """
    period = report.period
    heading = formats.heading(report.as_of, report.where)
    heading.append(f"Customers by the {period} in which they were first active ({report.time_zone});\n")
    heading.append(_MEANINGS[shown].format(period=period) + "\n")
    look = _Look(room, period, shown, report.currency)
    parts: list[RenderableType] = [heading, _table("All customers", report.all, look)]
    segments = {} if report.segments is UNSET else report.segments
    for dimension, values in segments.items():
        by_size = sorted(values.items(), key=lambda pair: (-pair[1].size, pair[0]))
        parts += [_table(f"{dimension} {name}", table, look) for name, table in by_size[:SHOWN_VALUES]]
        if len(by_size) > SHOWN_VALUES:
            left = len(by_size) - SHOWN_VALUES
            parts.append(Text(f"{left} smaller values of {dimension} are left out: --json has them.\n", style="dim"))
    return Group(*parts)


class _Look(NamedTuple):
    """The common part of the tables of one report."""

    room: Room
    period: str
    shown: CohortMeasure
    currency: str


def _table(title: str, table: CohortTable, look: _Look) -> Text:
    room, period, of = look.room, look.period, "size" if look.shown is CohortMeasure.CUSTOMERS else "MRR"
    cohorts = table.cohorts
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{title}: {table.size:,}\n", style="bold")
    if not cohorts:
        return text.append("no customers so far\n", style="dim")
    shown = cohorts if room.cohorts is None else cohorts[-room.cohorts :]
    longest = max(len(cohort.periods) for cohort in shown)
    fitting = max(1, (room.width - _NAME_WIDTH - _SIZE_WIDTH) // _CELL_WIDTH)
    columns = min(longest, fitting)
    text.append(f"{period:<{_NAME_WIDTH}}{of:>{_SIZE_WIDTH - 1}} ", style="dim")
    text.append("".join(f"{k:>{_CELL_WIDTH - 1}} " for k in range(1, columns + 1)) + "\n", style="dim")
    for cohort in shown:
        _add_row(text, cohort.cohort, cohort, columns, look)
    _add_row(text, "all", table, columns, look)
    for line in _left_out(table, shown, columns, longest, period):
        text.append(line + "\n", style="dim")
    return text


def _add_row(text: Text, name: str, row: CohortRow | CohortTable, columns: int, look: _Look) -> None:
    text.append(f"{name:<{_NAME_WIDTH}}", style="bold" if name == "all" else "")
    first = formats.short(row.size)
    if look.shown is not CohortMeasure.CUSTOMERS:
        first = formats.short_money(row.mrr_start, look.currency, unit=False)
    text.append(f"{first:>{_SIZE_WIDTH - 1}} ")
    for entry in row.periods[:columns]:
        mark = "~" if name != "all" and entry.matured < row.size else " "
        part, of = _fraction(entry, look.shown)
        text.append(f"{percent(part, of):>{_CELL_WIDTH - 1}}{mark}", style=_style(part, of))
    text.append("\n")


def _fraction(entry: CohortPeriod, what: CohortMeasure) -> tuple[int, int]:
    """Return what is left, and of what."""
    if what is CohortMeasure.CUSTOMERS:
        return entry.active, entry.matured
    return (entry.mrr_net if what is CohortMeasure.NET else entry.mrr_gross), entry.mrr_start


def percent(part: int, of: int) -> str:
    """Return a share as whole per cent: 0 and 100 only where it is nothing and all; a dash where all is nothing."""
    if not of:
        return formats.ABSENT
    if part in (0, of):
        return "0" if part == 0 else "100"
    rounded = round(Fraction(100 * part, of))
    within = min(99, max(1, rounded)) if part < of else max(101, rounded)
    return str(within) if within <= _MOST_PERCENT else f">{_MOST_PERCENT}"


def _style(part: int, of: int) -> Style:
    if not of:
        return Style.null()
    share = min(1.0, part / of)
    low, high, place = (_COLD, _MIDDLE, share * 2) if share < 0.5 else (_MIDDLE, _WARM, share * 2 - 1)
    red, green, blue = (round(a + (b - a) * place) for a, b in zip(low, high, strict=True))
    return Style.parse(f"{'white' if share < _DARK_BELOW else 'black'} on rgb({red},{green},{blue})")


def _left_out(table: CohortTable, shown: Sequence[CohortRow], columns: int, longest: int, period: str) -> list[str]:
    """Return what the reader has to know: the mark, and what is not shown."""
    lines = []
    if any(entry.matured < table.size for entry in table.periods[:columns]):
        lines.append(f"~ of those only who were first active so many {period}s ago; the row `all` likewise")
    if longest > columns:
        lines.append(f"{period}s {columns + 1} to {longest} do not fit: a wider terminal, --csv or --json has them")
    if len(shown) < len(table.cohorts):
        older = len(table.cohorts) - len(shown)
        lines.append(f"{older} older cohorts do not fit: --csv or --json has them; `all` counts them in")
    return lines
