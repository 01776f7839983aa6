"""`tenure replay FILE`: the KPIs of a file, computed by the same agents as the live stream's."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.file_options import (
    As,
    FileFormat,
    FileOptions,
    Map,
    Money,
    Query,
    Times,
    TimeZone,
    checked_notation,
)
from tenure.commands.options import (
    AsJson,
    At,
    By,
    Config,
    Lenses,
    Where,
    Windows,
    checked_dimensions,
    checked_filter,
    checked_windows,
)
from tenure.files.notation import MoneyForm, TimeForm


def replay(
    file: Annotated[str, typer.Argument(metavar="FILE", help="NDJSON, CSV or Parquet; - is standard input.")],
    at: At = None,
    by: By = None,
    where: Where = None,
    window: Windows = None,
    lens: Lenses = None,
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
    """Print the KPIs of a file of events.

    The file runs through the agents of the live stream on an embedded log. Without --at, the KPIs are as of the end of
    the bucket of the latest event; a scheduled cancel does not count as the latest. What was refused and mended is told
    on standard error, with examples; ends with 1 if any event was refused, or all was ignored. docs/files.md says more.
    """
    from streams.readable import readable
    from streams.settings.loading import load_settings
    from tenure.commands.file_findings import check_anything_translated, check_nothing_refused, say_findings
    from tenure.commands.printing import print_report
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.say import say
    from tenure.files.reader import EventFile
    from tenure.reports.instants import parse_boundary_ms
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    dimensions, windows = checked_dimensions(by, settings), checked_windows(window, settings)
    condition = checked_filter(where, settings)
    instants = [
        parse_boundary_ms(text, bucket_minutes=settings.bucket_minutes, time_zone=settings.business_time_zone)
        for text in at or ()
    ]
    notation = checked_notation(
        settings, FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    )
    # The file is looked at before the slow imports: a wrong name is answered at once.
    EventFile(file, notation)
    from tenure.reports.kpi import replay as replay_file

    with quiet_logs():
        found = run_until_stopped(replay_file(file, settings, notation, at_ms=instants, by=dimensions, where=condition))
    events, translation = found.reports[0].events, found.reports[0].translation
    refused = sum(events.dead_letters.values())
    tests = "test" if events.test == 1 else "tests"
    counts = {"applied": events.applied, "repeated": events.duplicate, tests: events.test, "refused": refused}
    understood = sum(counts.values()) - refused
    # Where nothing is understood, a page of zeros would look like an answer.
    if as_json or understood or not (refused or translation):
        print_report(found.reports, settings, windows=windows, lenses=lens or (), as_json=as_json)
    else:
        say(f"{readable(file)}: nothing in it is counted; there are no numbers to print", err=True)
    say_findings(file, counts, found.findings, translation)
    check_nothing_refused(refused, sum(counts.values()))
    check_anything_translated(translation)
