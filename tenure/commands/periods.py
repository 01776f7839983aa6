"""`tenure periods`: months and years, how often late events restated them, and which events did."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config


def periods(
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Print the latest N restatements at most.")
    ] = 10,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print the latest months and years with their revisions, and the latest restatements.

    A period that is over is restated by each late event that changes a number of it; its revision counts them.
    docs/periods.md says more. One period in full: tenure kpi --period 2026-10.
    """
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from tenure.commands.printing import print_losses
    from tenure.reports.formats import standard_console
    from tenure.reports.periods import read_list
    from tenure.reports.periods_text import period_list

    with quiet_logs():
        found = run_until_stopped(read_list(settings, limit=limit))
    if as_json:
        print_json(found)
        return
    standard_console().print(period_list(all_readable(found), settings.default_currency))
    print_losses(found)
