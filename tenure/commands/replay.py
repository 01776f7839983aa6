"""`tenure replay FILE`: the KPIs of a file, computed by the same agents as the live stream's."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.options import AsJson, At, By, Config, Lenses, Windows, checked_dimensions, checked_windows


def replay(
    file: Annotated[str, typer.Argument(metavar="FILE", help="NDJSON, CSV or Parquet; - is standard input.")],
    at: At = None,
    by: By = None,
    window: Windows = None,
    lens: Lenses = None,
    file_format: Annotated[
        str | None, typer.Option("--format", metavar="F", help="ndjson, csv or parquet.", show_default="by the name")
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print the KPIs of a file of events.

    The file runs through the agents of the live stream on an embedded log. Without --at, the KPIs are as of the end of
    the bucket of the latest event; a scheduled cancel does not count as the latest.
    """
    from streams.settings.loading import load_settings
    from tenure.commands.printing import print_report
    from tenure.commands.quiet import quiet_logs
    from tenure.files.reader import EventFile
    from tenure.reports.instants import parse_boundary_ms
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    dimensions, windows = checked_dimensions(by, settings), checked_windows(window, settings)
    instants = [
        parse_boundary_ms(text, bucket_minutes=settings.bucket_minutes, time_zone=settings.business_time_zone)
        for text in at or ()
    ]
    # The file is looked at before the slow imports: a wrong name is answered at once.
    EventFile(file, file_format)
    from tenure.reports.kpi import replay as replay_file

    with quiet_logs():
        report = run_until_stopped(replay_file(file, settings, at_ms=instants, by=dimensions, file_format=file_format))
    print_report(report, settings, windows=windows, lenses=lens or (), as_json=as_json)
