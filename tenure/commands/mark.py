"""`tenure mark`: a marker of something that happened, for boards and reports."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say


def mark(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What it is called on boards and in reports.")],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="release, price, campaign, incident or other.")
    ] = "other",
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="T", help="When it happened: a date, an instant, or an age as 2h.", show_default="now"
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="T", help="When it ended, likewise.", show_default="it took no time"),
    ] = None,
    corrects: Annotated[
        str | None,
        typer.Option("--corrects", metavar="ID", help="Take the place of this mark.", show_default="a new one"),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Mark what happened to all customers at once, such as a release or a price change, on every board and report.

    It is sent to Kafka as an event `mark`. The same title, kind and time are one mark, however often they are sent.
    docs/marks.md says more. For example: tenure mark "Prices rise by 10 %" --kind price --at 2026-03-01
    """
    from streams.clock import WallClock
    from streams.readable import readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.operations.marks import mark_of, send_mark
    from tenure.reports.instants import parse_instant_ms
    from tenure.worker.signals import run_until_stopped

    settings, now_ms = load_settings(config), WallClock().now_ms()

    def instant_ms(text: str, option: str) -> int:
        return parse_instant_ms(text, time_zone=settings.business_time_zone, option=option, now_ms=now_ms)

    found = mark_of(
        title,
        kind=kind,
        at_ms=now_ms if at is None else instant_ms(at, "--at"),
        until_ms=None if until is None else instant_ms(until, "--until"),
        corrects=corrects,
        now_ms=now_ms,
    )
    with quiet_logs():
        run_until_stopped(send_mark(settings, found))
    if as_json:
        print_json(found)
        return
    say(f"Marked {found.at}: {readable(found.title)} ({found.kind}), id {readable(found.id)}")
