"""`tenure kpi`: the KPIs of a running system, read from its Redis."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.options import AsJson, At, By, Config, Lenses, Windows, checked_dimensions, checked_windows


def kpi(
    at: At = None,
    by: By = None,
    window: Windows = None,
    lens: Lenses = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print the KPIs of a running stream, from its Redis.

    Without --at, they are as of the end of the running bucket, as /metrics shows them. With --at they are restated:
    everything that arrived since, late or not, is in them.
    """
    from streams.clock import WallClock
    from streams.settings_loading import load_settings
    from tenure.commands.printing import print_report
    from tenure.commands.quiet import quiet_logs
    from tenure.instants import end_of_bucket_ms, parse_boundary_ms
    from tenure.running import run_until_stopped

    settings = load_settings(config)
    dimensions, windows = checked_dimensions(by, settings), checked_windows(window, settings)
    instants = [
        parse_boundary_ms(text, bucket_minutes=settings.bucket_minutes, time_zone=settings.business_time_zone)
        for text in at or ()
    ] or [end_of_bucket_ms(WallClock().now_ms(), settings.bucket_minutes)]
    from tenure.reading import read_report  # slow to import, so not before the arguments are checked

    with quiet_logs():
        report = run_until_stopped(read_report(settings, at_ms=instants, by=dimensions))
    print_report(report, settings, windows=windows, lenses=lens or (), as_json=as_json)
