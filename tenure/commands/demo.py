"""`tenure demo`: the whole product in one process tree, fed by a company that does not exist."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.options import Config


def demo(
    metrics_port: Annotated[
        int,
        typer.Option(
            "--metrics-port", metavar="PORT", min=0, max=65535, help="Port of /metrics; 0 takes any free one."
        ),
    ] = 9464,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", metavar="S", min=0.1, help="End after so long.", show_default="until Ctrl-C"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed is the same company.")] = 1,
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="X",
            min=1,
            max=31_536_000,
            help="Simulated seconds a second; 86400 is a day a second, and a year a second is the most.",
        ),
    ] = 86_400,
    plain: Annotated[
        bool, typer.Option("--plain", help="Lines instead of the live screen, also on a terminal.")
    ] = False,
    config: Config = None,
) -> None:
    """Watch live KPIs of a simulated SaaS company. Needs neither Kafka, nor Redis, nor Docker.

    A log and a Redis of its own live and end with the command. /metrics can be scraped meanwhile.
    """
    from streams.settings.loading import load_settings
    from tenure.demo.screen.screen import open_screen
    from tenure.worker.signals import Stopped, run_until_stopped

    settings = load_settings(config, metrics_port=metrics_port)
    from tenure.demo.demo import run  # slow to import, so not before the settings are checked

    screen = open_screen(currency=settings.default_currency, plain=plain)
    try:
        run_until_stopped(run(settings, screen, seconds=seconds, seed=seed, speed=speed))
    except Stopped:
        # Ctrl-C is how a demo ends: nothing went wrong.
        return
