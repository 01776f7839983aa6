"""Options of the commands that look at customers one by one, of a running stream or of a file, as of one instant."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tenure.commands.file_options import FileOptions, check_unused, checked_notation
from tenure.commands.options import checked_dimensions, checked_filter
from tenure.commands.say import say_error

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


def checked_scope(
    settings: Settings,
    *,
    at: str | None,
    by: Sequence[str] | None,
    file: str | None,
    options: FileOptions,
    where: str | None = None,
) -> Scope:
    """Return what these options ask for; a file is looked at before anything is slow.

    Raises:
        UsageError: A name that is no dimension of the settings, an instant, time zone or condition that is none, or
            options of a file without one.
        InputError: The file is not there, or its format cannot be told.
    """
    from tenure.files.reader import EventFile
    from tenure.reports.instants import parse_boundary_ms

    dimensions, condition = checked_dimensions(by, settings), checked_filter(where, settings)
    if file is None:
        check_unused(options)
    notation = checked_notation(settings, options)
    at_ms = None
    if at is not None:
        at_ms = parse_boundary_ms(at, bucket_minutes=settings.bucket_minutes, time_zone=settings.business_time_zone)
    if file is not None:
        EventFile(file, notation)
    from tenure.reports.customers import Scope

    return Scope(at_ms, dimensions, file, notation, say_error, condition)
