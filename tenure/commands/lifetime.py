"""`tenure lifetime`: how long customers stay."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.options import AsJson, By, Config, checked_dimensions
from tenure.commands.scanned import AtOne, File, FileFormat, scanned_at_ms


def lifetime(
    by: By = None,
    at: AtOne = None,
    file: File = None,
    file_format: FileFormat = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print how long customers stay, as a survival curve.

    With it come the median, the mean and the shares that last longer than 7, 30, 90 and 365 days. It is the
    Kaplan-Meier estimate, which counts stays that go on for as long as they have been seen; the range below a share
    holds it with 95 % confidence. docs/cohorts-and-lifetime.md says more. For example:
    tenure lifetime --file docs/examples/golden.ndjson --by plan
    """
    import json
    import sys

    from streams.settings_loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.running import run_until_stopped

    settings = load_settings(config)
    dimensions = checked_dimensions(by, settings)
    at_ms = scanned_at_ms(at, file, file_format, settings)
    from tenure import lifetime_report
    from tenure.screen_formats import standard_console
    from tenure.survival_chart import lifetime_tables

    with quiet_logs():
        report = run_until_stopped(
            lifetime_report.read_lifetime(settings, by=dimensions, at_ms=at_ms, file=file, file_format=file_format)
        )
    if as_json:
        json.dump(report, sys.stdout, ensure_ascii=False, allow_nan=False, indent=2)
        sys.stdout.write("\n")
        return
    console = standard_console()
    console.print(lifetime_tables(report, console.width))
