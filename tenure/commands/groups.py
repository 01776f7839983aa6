"""Groups of commands, such as `tenure target …`: alone, each prints its help."""

from __future__ import annotations

import typer


def group_of(name: str, *, about: str) -> typer.Typer:
    """Return a group without commands.

    Args:
        name: Behind which its commands stand.
        about: What it is for, in a sentence.
    """
    group = typer.Typer(
        name=name, help=about, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
    )

    @group.callback(invoke_without_command=True)
    def _begin(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return group
