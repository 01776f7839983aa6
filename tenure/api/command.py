"""`tenure api`: all reports over HTTP, or as tools of an assistant; read only."""

# ruff: noqa: PLC0415 - imports wait until the command runs, and options are read when it is declared.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.options import Config


def api(
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
            "--port", metavar="PORT", min=0, max=65535, help="Port to listen on; 0 takes any.", show_default="8465"
        ),
    ] = None,
    mcp: Annotated[
        bool,
        typer.Option("--mcp", help="Serve an assistant on standard input and output (Model Context Protocol) instead."),
    ] = False,
) -> None:
    """Answer with all reports over HTTP, read only, as JSON.

    It listens on this machine alone unless it is told otherwise, and then wants tokens (`api_tokens`). With --mcp an
    assistant can ask, and have numbers explained. Ctrl-C or SIGTERM ends it. docs/api.md says more.
    """
    from streams.errors import UsageError
    from streams.settings.loading import load_settings

    if mcp and (host is not None or port is not None):
        raise UsageError("--mcp speaks on standard input and output; leave --host and --port out")
    settings = load_settings(config, api_host=host, api_port=port)
    try:
        if mcp:
            from tenure.api.mcp_server import serve_mcp as serve
        else:
            from tenure.api.server import serve_api as serve
    except ModuleNotFoundError as error:
        named = "mcp" if mcp else "gateway"
        raise UsageError(f"{error.name} is not installed; install tenure[{named}], which has it") from error
    serve(settings)
