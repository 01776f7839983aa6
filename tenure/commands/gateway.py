"""`tenure gateway`: events and webhooks over HTTP, answered when Kafka has them."""

# ruff: noqa: PLC0415 - imports wait until the command runs, and options are read when it is declared.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.options import Config


def gateway(
    config: Config = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for all.", show_default="127.0.0.1"
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="PORT", min=0, max=65535, help="Port to listen on; 0 takes any.", show_default="8464"
        ),
    ] = None,
) -> None:
    """Take events and webhooks over HTTP, and send them to Kafka.

    A request is answered when Kafka has all of its events. Producers show a token (`gateway_tokens`), webhooks are
    signed (`gateway_webhook_secrets`); without either of the two it does not start. Ctrl-C or SIGTERM ends it when what
    is in flight is answered. docs/gateway.md says more.
    """
    from streams.errors import UsageError
    from streams.settings.loading import load_settings

    settings = load_settings(config, gateway_host=host, gateway_port=port)
    try:
        from tenure.gateway.server import serve
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed; install tenure[gateway], which has it") from error

    serve(settings)
