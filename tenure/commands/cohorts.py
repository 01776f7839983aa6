"""`tenure cohorts`: customers by the month or week in which they were first active, and what of them stays."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from schemas.catalogue.cohort_measures import CohortMeasure
from tenure.commands.as_json import print_json
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, By, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope
from tenure.files.notation import MoneyForm, TimeForm


class PeriodLength(StrEnum):
    """Length of the periods."""

    MONTH = "month"
    WEEK = "week"


def cohorts(
    period: Annotated[
        PeriodLength, typer.Option("--period", help="month, by the calendar, or week, by ISO 8601.")
    ] = PeriodLength.MONTH,
    show: Annotated[
        CohortMeasure,
        typer.Option(
            "--show",
            help="What the cells are a share of: customers, or their first MRR, with growth (net) or without (gross).",
        ),
    ] = CohortMeasure.CUSTOMERS,
    by: By = None,
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
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV on standard output: one line for each cohort and period.")
    ] = False,
    config: Config = None,
) -> None:
    """Print how many stay of each month's new customers.

    A cohort is everyone who was first active in one calendar month, or ISO week, of the business time zone. Column k is
    the share of them who are active k periods after that, or of the MRR that they paid at first.
    docs/cohorts-and-lifetime.md says more. For example:
    tenure cohorts --file docs/examples/golden.ndjson --period week --by plan
    """
    import sys

    from streams.errors import UsageError
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    if as_json and as_csv:
        raise UsageError("--json and --csv: leave one out")
    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=by, file=file, options=options, where=where)
    from tenure.commands.printing import print_losses
    from tenure.reports import cohorts
    from tenure.reports.cohorts_text import Room, cohort_tables
    from tenure.reports.formats import standard_console

    with quiet_logs():
        report = run_until_stopped(cohorts.read_cohorts(settings, scope, period=period.value))
    if as_json:
        print_json(report)
        return
    if as_csv:
        cohorts.write_csv(report, sys.stdout)
        return
    console = standard_console()
    rows = max(12, console.height - 10) if console.is_terminal else None
    console.print(cohort_tables(all_readable(report), Room(console.width, rows), show))
    print_losses(report)
