"""Printing of JSON, for `--json`."""

# ruff: noqa: PLC0415 - imports wait until a command prints.

from __future__ import annotations

import json
from typing import Any

import typer

from streams.readable import json_text


def print_json(found: Any) -> None:
    """Print documents, or plain objects, on standard output, whatever its encoding; every number is finite."""
    from schemas.documents.document import plain

    typer.echo(json_text(json.dumps(plain(found), ensure_ascii=False, allow_nan=False, indent=2)))
