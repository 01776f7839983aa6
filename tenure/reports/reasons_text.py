"""Reasons and features in the terminal. Pure: what `tenure.reports.reasons` returns in, tables out."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.reasons import Ranked, ReasonsReport
from tenure.reports import formats

TITLES: Final = {
    "cancellations": "Cancellations by reason",
    "survey_answers": "Survey answers by reason",
    "features": "Engaged customers by feature",
}
COLUMNS: Final = ("count", "voluntary", "involuntary", "lost_mrr", "before", "change")


def reasons_tables(report: ReasonsReport, *kinds: str) -> RenderableType:
    """Return some kinds of a report (keys of TITLES) as tables."""
    ends = f"from {report.start} up to {report.as_of}; the one before begins at {report.before}"
    parts: list[RenderableType] = [Text(f"{formats.only_where(report.where)}Window {report.window}: {ends}")]
    segments = {} if report.segments is UNSET else report.segments
    for kind in kinds:
        parts += [Text(f"\n{TITLES[kind]}", style="bold"), _table(getattr(report, kind))]
        for dimension, found in segments.items():
            for value, ranked in getattr(found, kind).items():
                parts += [Text(f"\n{TITLES[kind]}, {dimension} {value}", style="bold"), _table(ranked)]
    return Group(*parts)


def _table(ranked: Ranked) -> RenderableType:
    if not ranked.lines:
        return Text("none")
    columns = [column for column in COLUMNS if getattr(ranked.total, column) is not UNSET]
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for column in columns:
        table.add_column(column.replace("lost_mrr", "lost MRR"), justify="right")
    for line in ranked.lines:
        numbers = [(column, getattr(line, column)) for column in columns]
        cells = [f"{number:+,}" if column == "change" else f"{number:,}" for column, number in numbers]
        table.add_row("" if line.name is UNSET else line.name, *cells)
    return table
