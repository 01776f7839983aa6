"""Commands that look at customers one by one, of a running stream or of a file: their options, and their printing."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from tenure.commands.as_json import print_json
from tenure.commands.file_options import FileOptions, check_unused, checked_notation
from tenure.commands.options import checked_dimensions, checked_filter
from tenure.commands.say import say_error

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from rich.console import RenderableType

    from streams.settings.settings import Settings
    from tenure.commands.printing import Lacking
    from tenure.reports.customers import Scope

_Scanned = TypeVar("_Scanned", bound="Lacking")

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


def print_scanned(
    reading: Coroutine[Any, Any, _Scanned], tables: Callable[[_Scanned], RenderableType], *, as_json: bool
) -> None:
    """Read a report and print it, with what stands beside its numbers.

    Args:
        reading: Returns the report.
        tables: Returns it as the terminal shows it; of a report in which nothing is unprintable.
        as_json: Print JSON of the contract instead.

    Raises:
        TenureError: As `reading` does.
    """
    from streams.readable import all_readable
    from tenure.commands.printing import print_losses
    from tenure.commands.quiet import quiet_logs
    from tenure.reports.formats import standard_console
    from tenure.worker.signals import run_until_stopped

    with quiet_logs():
        report = run_until_stopped(reading)
    if as_json:
        print_json(report)
        return
    standard_console().print(tables(all_readable(report)))
    print_losses(report)
