"""`tenure marks`: what happened, with churn before and after."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm

_Days = Annotated[
    int, typer.Option("--days", metavar="N", min=1, max=365, help="Days before and after that are compared.")
]


def marks(
    days: _Days = 30,
    where: Where = None,
    at: AtOne = None,
    file: File = None,
    file_format: FileFormat = None,
    money: Money = MoneyForm.MINOR,
    times: Times = TimeForm.RFC3339,
    time_zone: TimeZone = None,
    adapter: As = None,
    adapter_options: Map = None,
    query: Query = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print the marks, each with churn in the days before and after it, and the range that holds the difference.

    A mark says what happened, not what came of it. docs/marks.md says more.
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.reports.marks import read_marked
    from tenure.reports.marks_text import marks_tables

    print_scanned(read_marked(settings, scope, days=days), marks_tables, as_json=as_json)
