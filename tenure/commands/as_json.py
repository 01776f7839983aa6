"""How commands print what `--json` asks for."""

from __future__ import annotations

import json
from typing import Any

import typer

from streams.readable import json_text


def print_json(found: Any) -> None:
    """Print on standard output, whatever its encoding; every number is finite."""
    typer.echo(json_text(json.dumps(found, ensure_ascii=False, allow_nan=False, indent=2)))
