"""Marks in the terminal. Pure: a report in, something that rich prints out."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.marks import MarkChurn, MarkedChurn, MarksReport
from schemas.documents.named_marks import NamedMark
from tenure.reports import formats

_MINUTE = len("2026-03-01T09:30")


def marks_tables(report: MarksReport) -> RenderableType:
    """Return a report as a table."""
    heading = formats.heading(report.as_of, report.where)
    heading.append(f"Churn in the {report.days} days before and after each mark\n")
    if not report.marks:
        return Group(heading, Text("There is no mark so far; set one: tenure mark TITLE"))
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("at", "kind", "title"):
        table.add_column(column, header_style="bold")
    for column in ("before", "after", "difference"):
        table.add_column(column, justify="right", no_wrap=True, header_style="bold")
    for mark in report.marks:
        row = (mark.at[:_MINUTE].replace("T", " "), mark.kind, mark.title)
        table.add_row(*row, _churn(mark.before), _churn(mark.after), _difference(mark))
    return Group(heading, table, Text("\nWhat came after a mark need not come of it.", style="dim"))


def mark_line(mark: NamedMark) -> Text:
    """Return a mark as a line beside the numbers of another report."""
    until = "" if mark.until is None else f" to {mark.until[:_MINUTE].replace('T', ' ')}"
    return Text(f"Mark {mark.at[:_MINUTE].replace('T', ' ')}{until}: {mark.title} ({mark.kind})")


def _churn(found: MarkChurn | None) -> Text:
    if found is None:
        return Text("not over yet", style="dim")
    cell = Text(formats.percent(found.share, 1), style="bold")
    cell.append(f"\n{found.lost:,} of {found.customers:,}", style="not bold dim")
    return cell


def _difference(mark: MarkedChurn) -> Text:
    if mark.difference is None or mark.low is None or mark.high is None:
        return Text(formats.ABSENT)
    cell = Text(f"{100 * mark.difference:+.1f} points", style="bold")
    cell.append(f"\n{100 * mark.low:+.1f} to {100 * mark.high:+.1f}", style="not bold dim")
    return cell
