"""`tenure digest`: a week in numbers, and what was corrected of the last one."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.file_options import As, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, By, Config
from tenure.commands.scanned import File, checked_scope
from tenure.files.notation import MoneyForm, TimeForm


class DigestFormat(StrEnum):
    """The forms of the text."""

    MARKDOWN = "markdown"
    HTML = "html"
    SLACK = "slack"


def digest(
    week: Annotated[
        str | None,
        typer.Option("--week", metavar="W", help="An ISO week, such as 2026-W47.", show_default="the last one over"),
    ] = None,
    form: Annotated[
        DigestFormat, typer.Option("--format", help="markdown, html (a page of its own) or slack (mrkdwn).")
    ] = DigestFormat.MARKDOWN,
    issue: Annotated[
        bool,
        typer.Option("--issue", help="Note the numbers as shown, so that the next digest tells what was corrected."),
    ] = False,
    by: By = None,
    file: File = None,
    file_format: Annotated[
        str | None, typer.Option("--file-format", metavar="F", help="Of the file.", show_default="by the name")
    ] = None,
    money: Money = MoneyForm.MINOR,
    times: Times = TimeForm.RFC3339,
    time_zone: TimeZone = None,
    adapter: As = None,
    adapter_options: Map = None,
    query: Query = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print a week in numbers, beside the week before and the targets.

    With it come the segments that moved most, why customers left, and how the numbers of the last digest have been
    corrected since it was issued. docs/digest.md says more. For example:
    tenure digest --week 2025-W12 --file docs/examples/golden.ndjson
    """
    from streams.errors import UsageError
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.say import say
    from tenure.worker.signals import run_until_stopped

    if issue and file is not None:
        raise UsageError("--issue and --file: leave one out; what is noted is a running stream's")
    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=None, by=by, file=file, options=options)
    from tenure.reports.digest import read_digest
    from tenure.reports.digest_text import FORMATS

    with quiet_logs():
        found = run_until_stopped(read_digest(settings, scope, week, issue=issue))
    if as_json:
        print_json(found)
    else:
        say(FORMATS[form.value](found).rstrip("\n"))
