"""Options of every command that reads a file of events: its format, and how its money and times are written."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from streams.errors import UsageError
from tenure.files.notation import MoneyForm, Notation, TimeForm

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from streams.settings.settings import Settings

FileFormat = Annotated[
    str | None, typer.Option("--format", metavar="F", help="ndjson, csv or parquet.", show_default="by the name")
]
Money = Annotated[
    MoneyForm,
    typer.Option("--money", help="Unit of the file's money: minor is cents, major is dollars with decimals."),
]
Times = Annotated[
    TimeForm,
    typer.Option("--time", help="Form of the file's times: text, or seconds or milliseconds since 1970."),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        help="Zone of times without an offset, such as Europe/Bucharest.",
        show_default="they are refused",
    ),
]


class FileOptions(NamedTuple):
    """The values of these options, as given."""

    file_format: str | None
    money: MoneyForm
    times: TimeForm
    time_zone: str | None


def checked_notation(settings: Settings, options: FileOptions) -> Notation:
    """Return the notation of a file that options ask for.

    Raises:
        UsageError: There is no such time zone.
    """
    return Notation(
        options.file_format, options.money, options.times, _zone(options.time_zone), settings.default_currency
    )


def check_unused(options: FileOptions) -> None:
    """Refuse options of a file where none is named.

    Raises:
        UsageError: One of them is given.
    """
    given = {
        "--format": options.file_format,
        "--money": None if options.money is MoneyForm.MINOR else options.money.value,
        "--time": None if options.times is TimeForm.RFC3339 else options.times.value,
        "--time-zone": options.time_zone,
    }
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} {value}: name the file with --file, or leave it out")


def _zone(name: str | None) -> ZoneInfo | None:
    from zoneinfo import ZoneInfo

    from streams.settings.buckets import check_time_zone

    try:
        return None if name is None else ZoneInfo(check_time_zone(name))
    except ValueError as error:
        raise UsageError(f"--time-zone {name}: {error}") from error
