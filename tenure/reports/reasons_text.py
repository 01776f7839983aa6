"""Reasons and features in the terminal. Pure: what `tenure.reports.reasons` returns in, tables out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Json = Mapping[str, Any]
TITLES: Final = {
    "cancellations": "Cancellations by reason",
    "survey_answers": "Survey answers by reason",
    "features": "Engaged customers by feature",
}


def reasons_tables(report: Json, *kinds: str) -> RenderableType:
    """Return some kinds of a report (keys of TITLES) as tables."""
    ends = f"from {report['start']} up to {report['as_of']}; the one before begins at {report['before']}"
    parts: list[RenderableType] = [Text(f"Window {report['window']}: {ends}")]
    for kind in kinds:
        parts += [Text(f"\n{TITLES[kind]}", style="bold"), _table(report[kind])]
        for dimension, found in report.get("segments", {}).items():
            for value, ranking in found[kind].items():
                parts += [Text(f"\n{TITLES[kind]}, {dimension} {value}", style="bold"), _table(ranking)]
    return Group(*parts)


def _table(ranking: Json) -> RenderableType:
    if not ranking["lines"]:
        return Text("none")
    columns = [
        column for column in ("count", "voluntary", "involuntary", "before", "change") if column in ranking["total"]
    ]
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for line in ranking["lines"]:
        cells = [f"{line[column]:+,}" if column == "change" else f"{line[column]:,}" for column in columns]
        table.add_row(line["name"], *cells)
    return table
