"""`tenure worker`: one worker of the stream, against Kafka and Redis."""

# ruff: noqa: PLC0415 - imports wait until the command runs, and options are read when it is declared.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.options import Config


def worker(
    config: Config = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="NAME",
            help="Consumer group; workers of one group share the work.",
            show_default="tenure",
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Port of /metrics; 0 takes any free one.",
            show_default="9464",
        ),
    ] = None,
    instance_id: Annotated[
        str | None,
        typer.Option(
            "--instance-id", metavar="NAME", help="A name that outlives the process; it then keeps its partitions."
        ),
    ] = None,
) -> None:
    """Run one worker of the stream against Kafka and Redis.

    Start as many as there is work for, up to one for each partition. Ctrl-C or SIGTERM ends it cleanly: what is
    committed stays, what is not is read again by whoever takes over. Everything else is in the settings.
    """
    from streams.settings.loading import load_settings
    from tenure.worker.loading import without_extras

    settings = load_settings(config, group=group, metrics_port=metrics_port, instance_id=instance_id)
    with without_extras():
        from tenure.worker.worker import serve  # slow to import, so not before the settings are checked

    serve(settings)
