"""Options of the commands that look at customers one by one, of a running stream or of a file, as of one instant."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.errors import UsageError
from tenure.commands.options import checked_dimensions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.settings.settings import Settings
    from tenure.reports.customers import Scope

AtOne = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="T",
        help="As of T: a date, or an instant such as 2026-03-01T00:00:00Z, on a bucket boundary.",
        show_default="now, or the end of the file",
    ),
]
File = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Read this file (NDJSON, CSV or Parquet; - is standard input) instead of the running stream.",
    ),
]
FileFormat = Annotated[
    str | None, typer.Option("--format", metavar="F", help="ndjson, csv or parquet.", show_default="by the name")
]


def checked_scope(
    settings: Settings, *, at: str | None, by: Sequence[str] | None, file: str | None, file_format: str | None
) -> Scope:
    """Return what these options ask for; a file is looked at before anything is slow.

    Raises:
        UsageError: A name that is no dimension of the settings, an instant that is none, or a format without a file.
        InputError: The file is not there, or its format cannot be told.
    """
    from tenure.files.reader import EventFile
    from tenure.reports.instants import parse_boundary_ms

    dimensions = checked_dimensions(by, settings)
    if file is None and file_format is not None:
        raise UsageError(f"--format {file_format}: name the file with --file, or leave it out")
    at_ms = None
    if at is not None:
        at_ms = parse_boundary_ms(at, bucket_minutes=settings.bucket_minutes, time_zone=settings.business_time_zone)
    if file is not None:
        EventFile(file, file_format)
    from tenure.reports.customers import Scope

    return Scope(at_ms, dimensions, file, file_format)
