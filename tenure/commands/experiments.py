"""`tenure experiments`: whether a measure keeps customers, by a test that may be looked at every day."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm

_Measure = Annotated[
    list[str] | None,
    typer.Option("--measure", metavar="NAME", help="This measure alone; may be repeated.", show_default="all"),
]
_Control = Annotated[
    str | None,
    typer.Option(
        "--control",
        metavar="VARIANT",
        help="The variant that the others are compared with.",
        show_default="control, holdout, or the first by name",
    ),
]


def experiments(
    measure: _Measure = None,
    control: _Control = None,
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
    """Print whether measures keep customers: how long those stay who saw each variant, and how variants compare.

    A customer belongs to the first variant of a measure that they saw (event `exposure`). The p-value and the range are
    always valid: with no difference at all, 5 % of measures ever show one, however often somebody looks.
    docs/experiments.md says more. For example: tenure experiments --file docs/examples/care.ndjson
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.reports.experiments import read_experiments
    from tenure.reports.experiments_text import experiments_tables

    print_scanned(
        read_experiments(settings, scope, measures=measure or (), control=control), experiments_tables, as_json=as_json
    )
