"""`tenure history`: past KPIs for Prometheus, out of a running system's Redis."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.options import By, Config, checked_dimensions


def history(
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help="The first day, or an instant.", show_default="a year before --to"),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="T", help="The last day, or an instant.", show_default="3 hours ago"),
    ] = None,
    by: By = None,
    job: Annotated[str, typer.Option("--job", metavar="NAME", help="The job that Prometheus reads workers as.")] = (
        "tenure"
    ),
    instance: Annotated[
        str | None,
        typer.Option(
            "--instance",
            metavar="ADDRESS",
            help="The instance that Prometheus knows a worker by.",
            show_default="metrics_host:metrics_port",
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Print past KPIs as OpenMetrics, one sample a day, so that dashboards begin with last year.

    Each sample is as of a midnight in the business time zone, restated with all that arrived since. The recorded ratios
    are in it. docs/history.md says how to load it and what that costs. For example:
    tenure history --by plan > history.om
    """
    import sys

    from streams.clock import WallClock
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.reports.instants import parse_boundary_ms
    from tenure.worker.signals import run_until_stopped

    settings, now_ms = load_settings(config), WallClock().now_ms()
    dimensions = checked_dimensions(by, settings)
    ends = [
        None
        if text is None
        else parse_boundary_ms(
            text, bucket_minutes=settings.bucket_minutes, time_zone=settings.business_time_zone, option=option
        )
        for option, text in (("--from", from_), ("--to", to))
    ]
    from tenure.reports.history import midnights, read_past  # slow to import, so not before the arguments are checked
    from tenure.reports.openmetrics import openmetrics_of

    at_ms = midnights(*ends, time_zone=settings.business_time_zone, now_ms=now_ms)
    with quiet_logs():
        past = run_until_stopped(read_past(settings, at_ms=at_ms, by=dimensions))
    address = instance or f"{settings.metrics_host}:{settings.metrics_port}"
    sys.stdout.writelines(openmetrics_of(past, job=job, instance=address))
    sys.stdout.flush()
