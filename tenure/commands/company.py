"""`tenure company`: the events of the demo's company, as NDJSON."""

# ruff: noqa: PLC0415 - imports wait until the command runs.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenure.commands.options import Config

if TYPE_CHECKING:
    from tenure.demo.company.company import Company


def company(
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed is the same company.")] = 1,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=3650, help="How many days of its life, from the first.")
    ] = 365,
    customers: Annotated[
        int, typer.Option("--customers", metavar="N", min=1, max=10_000_000, help="About how many pay at the end.")
    ] = 1000,
    end: Annotated[
        str, typer.Option("--end", metavar="DATE", help="The day after the last one, in UTC.")
    ] = "2026-01-01",
    live: Annotated[
        bool,
        typer.Option("--live", help="Send to Kafka: all events until now, past --end too, then each when it happens."),
    ] = False,
    config: Config = None,
) -> None:
    """Print the events of a simulated company as NDJSON.

    Its customers try it or use a free plan, pay by month or year, buy add-ons, pause, leave and come back. Events come
    in the order of their arrival, and as in life some are late, repeated or damaged. With --live they go to Kafka
    instead. For example:
    tenure company --days 90 | tenure replay - --by plan || [ $? -eq 1 ]
    """
    import sys

    from tenure.demo.company.company import Company
    from tenure.reports.instants import parse_day

    story = Company(seed, parse_day(end, option="--end"), customers=customers, history_days=days, founded_days=days)
    if live:
        _send(story, config)
        return
    write = sys.stdout.buffer.write
    for arrival in story.events():
        if arrival.arrived_at_ms >= story.start_ms:
            break
        # A damaged record may hold line ends; in a file of lines it must stay one record.
        write(arrival.value.replace(b"\n", b" ") + b"\n")
    sys.stdout.flush()


def _send(story: Company, config: Path | None) -> None:
    """Send a company's events until the process is stopped, which is how it ends."""
    from streams.clock import WallClock
    from streams.settings.loading import load_settings
    from tenure.worker.signals import Stopped, run_until_stopped

    settings = load_settings(config)
    from tenure.demo.company.live import send_as_it_happens  # slow to import, so not before the settings are checked

    try:
        run_until_stopped(send_as_it_happens(settings, story.events(), WallClock()))
    except Stopped:
        return
