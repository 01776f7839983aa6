"""Printing of lines for people, with terminal escapes made visible."""

from __future__ import annotations

import typer

from streams.readable import visible


def say(text: str, *, err: bool = False) -> None:
    """Print a line, or a block of lines whose names are readable already.

    Args:
        text: Without the last line end.
        err: On standard error instead of standard output.
    """
    typer.echo(visible(text, keep="\n"), err=err)


def say_error(text: str) -> None:
    """Print a line on standard error."""
    say(text, err=True)
