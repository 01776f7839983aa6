"""`tenure sql`: a query over customers, subscriptions, movements and counters."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Times, TimeZone
from tenure.commands.file_options import Query as FileQuery
from tenure.commands.options import AsJson, Config
from tenure.commands.scanned import AtOne, File, checked_scope
from tenure.files.notation import MoneyForm, TimeForm


def sql(
    statement: Annotated[
        str, typer.Argument(metavar="SQL", help="One SELECT of DuckDB over the relations of docs/sql.md.")
    ],
    at: AtOne = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Print so many rows at most.")] = 1_000,
    file: File = None,
    file_format: FileFormat = None,
    money: Money = MoneyForm.MINOR,
    times: Times = TimeForm.RFC3339,
    time_zone: TimeZone = None,
    adapter: As = None,
    adapter_options: Map = None,
    query: FileQuery = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV on standard output.")] = False,
    config: Config = None,
) -> None:
    """Answer a query over customers, subscriptions, movements, surveys and counters.

    Nothing can be changed, and nothing else can be read. Counts by SQL are those of `tenure kpi`. docs/sql.md lists the
    relations. It needs DuckDB (tenure[duckdb]). For example:
    tenure sql "SELECT plan, count(*) FROM customers WHERE active GROUP BY plan" --file docs/examples/golden.ndjson
    """
    import sys

    from streams.errors import UsageError
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.say import say
    from tenure.worker.signals import run_until_stopped

    if as_json and as_csv:
        raise UsageError("--json and --csv: leave one out")
    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options)
    from tenure.commands.printing import print_losses
    from tenure.outlets.sql import answer_sql, checked_sql
    from tenure.outlets.sql_text import WIDEST, answer_table, write_answer
    from tenure.reports.formats import standard_console

    checked = checked_sql(statement, limit)
    with quiet_logs():
        answer = run_until_stopped(answer_sql(settings, scope, checked))
    if as_json:
        print_json(answer)
    elif as_csv:
        write_answer(answer, sys.stdout)
    else:
        standard_console().print(answer_table(answer), width=WIDEST, crop=False)
        print_losses(answer)
    if answer.truncated and not as_json:
        say(f"there are more than {limit} rows; --limit prints more", err=True)
