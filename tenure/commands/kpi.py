"""`tenure kpi`: the KPIs of a running system, read from its Redis."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.errors import UsageError
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.settings.settings import Settings

Periods = Annotated[
    list[str] | None,
    typer.Option(
        "--period",
        metavar="P",
        help="A month such as 2026-10, or a year such as 2026, as of its own end, with its revision. Repeatable.",
    ),
]


def kpi(
    at: At = None,
    period: Periods = None,
    by: By = None,
    where: Where = None,
    window: Windows = None,
    lens: Lenses = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print the KPIs of a running stream, from its Redis.

    Without --at, they are as of the end of the running bucket, as /metrics shows them. With --at they are restated:
    everything that arrived since, late or not, is in them. With --period they are those of a calendar month or year,
    and what late events have changed of it since it was over: docs/periods.md.
    """
    from kpis.instants import end_of_bucket_ms
    from streams.clock import WallClock
    from streams.settings.loading import load_settings
    from tenure.commands.printing import print_report
    from tenure.commands.quiet import quiet_logs
    from tenure.reports.instants import parse_boundary_ms
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    dimensions, windows = checked_dimensions(by, settings), checked_windows(window, settings)
    condition = checked_filter(where, settings)
    if period:
        if at or window:
            raise UsageError(f"--period and {'--at' if at else '--window'}: leave one out; a period is its own window")
        if condition is not None:
            raise UsageError("--period and --where: leave one out; what late events changed is kept of all customers")
        _print_periods(settings, period, by=dimensions, lenses=lens or (), as_json=as_json)
        return
    instants = [
        parse_boundary_ms(text, bucket_minutes=settings.bucket_minutes, time_zone=settings.business_time_zone)
        for text in at or ()
    ] or [end_of_bucket_ms(WallClock().now_ms(), settings.bucket_minutes)]
    from tenure.reports.kpi import read_report  # slow to import, so not before the arguments are checked

    with quiet_logs():
        report = run_until_stopped(read_report(settings, at_ms=instants, by=dimensions, where=condition))
    print_report(report, settings, windows=windows, lenses=lens or (), as_json=as_json)


def _print_periods(
    settings: Settings, names: Sequence[str], *, by: Sequence[str], lenses: Sequence[str], as_json: bool
) -> None:
    from streams.readable import all_readable
    from tenure.commands.printing import print_report
    from tenure.commands.quiet import quiet_logs
    from tenure.reports.formats import standard_console
    from tenure.reports.periods import read_periods
    from tenure.reports.periods_text import period_heading, period_restated
    from tenure.worker.signals import run_until_stopped

    with quiet_logs():
        found = run_until_stopped(read_periods(settings, names, by=by))
    if as_json:
        print_report(found, settings, windows=(), lenses=lenses, as_json=True)
        return
    console = standard_console()
    for entry in found:
        console.print(period_heading(entry))
        print_report([entry], settings, windows=(), lenses=lenses, as_json=False)
        console.print(period_restated(all_readable(entry), settings.default_currency))
