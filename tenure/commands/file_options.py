"""Options of every command that reads a file of events: its format, its notation, and the system that it is from."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from streams.errors import UsageError
from tenure.files.notation import MoneyForm, Notation, TimeForm

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from schemas.adapters.adapter import Adapter
    from schemas.adapters.confluent import SchemaOf
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
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="The file holds records of this system, such as stripe: docs/adapters.md.",
        show_default="events",
    ),
]
Map = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Options of adapters (TOML), with --as.",
        show_default="the setting adapter_options",
    ),
]
Query = Annotated[
    str | None,
    typer.Option(
        "--query", metavar="SQL", help="Rows of this query of DuckDB instead of the file's own, with --as table."
    ),
]


class FileOptions(NamedTuple):
    """The values of these options, as given; where a command has none of them, those of our own events."""

    file_format: str | None = None
    money: MoneyForm = MoneyForm.MINOR
    times: TimeForm = TimeForm.RFC3339
    time_zone: str | None = None
    adapter: str | None = None
    adapter_options: Path | None = None
    query: str | None = None


def checked_notation(settings: Settings, options: FileOptions) -> Notation:
    """Return the notation of a file that options ask for.

    Raises:
        UsageError: There is no such time zone or adapter, an option of the adapter is wrong, or options do not go
            together.
    """
    zone, adapter = _zone(options.time_zone), _adapter(settings, options)
    return Notation(
        options.file_format, options.money, options.times, zone, settings.default_currency, adapter, options.query
    )


def check_unused(options: FileOptions) -> None:
    """Refuse options of a file where none is named.

    Raises:
        UsageError: One of them is given.
    """
    given = {"--format": options.file_format, **_of_notation(options), "--as": options.adapter}
    for option, value in {**given, "--map": options.adapter_options, "--query": options.query}.items():
        if value is not None:
            raise UsageError(f"{option} {value}: name the file with --file, or leave it out")


def topic_adapter(settings: Settings, options: FileOptions, schema_of: SchemaOf | None) -> Adapter | None:
    """Return the adapter of topics that options ask for; the options of files are refused.

    Args:
        settings: They name the file of options where the command does not.
        options: As given.
        schema_of: Where the schemas of framed values are had.

    Raises:
        UsageError: An option of files is given, there is no such adapter, or an option of the adapter is wrong.
    """
    given = {"--format": options.file_format, **_of_notation(options), "--query": options.query}
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} {value}: it is for a file; leave it out with --topic")
    return _adapter(settings, options, schema_of)


def _of_notation(options: FileOptions) -> dict[str, str | None]:
    return {
        "--money": None if options.money is MoneyForm.MINOR else options.money.value,
        "--time": None if options.times is TimeForm.RFC3339 else options.times.value,
        "--time-zone": options.time_zone,
    }


def _adapter(settings: Settings, options: FileOptions, schema_of: SchemaOf | None = None) -> Adapter | None:
    from schemas.adapters.adapter import OptionsFault
    from schemas.adapters.registry import ADAPTERS
    from streams.settings.adapter_options import adapters_named

    if options.adapter is None:
        if options.adapter_options is not None:
            raise UsageError(f"--map {options.adapter_options}: say whose records these are, with --as")
        if options.query is not None:
            raise UsageError("--query: say what its rows are, with --as table")
        return None
    if options.query is not None and options.file_format is not None:
        raise UsageError(f"--format {options.file_format} and --query: leave one out")
    for option, value in _of_notation(options).items():
        if value is not None:
            raise UsageError(f"{option} {value}: the adapter knows how {options.adapter} writes it; leave it out")
    file = options.adapter_options or settings.adapter_options
    try:
        return adapters_named([options.adapter], file, schema_of)[options.adapter]
    except OptionsFault as fault:
        if file is None or options.adapter not in ADAPTERS:
            raise UsageError(f"--as {fault}") from fault
        named = "--map" if options.adapter_options is not None else "TENURE_ADAPTER_OPTIONS"
        raise UsageError(f"{named} {fault}") from fault


def _zone(name: str | None) -> ZoneInfo | None:
    from zoneinfo import ZoneInfo

    from streams.settings.buckets import check_time_zone

    try:
        return None if name is None else ZoneInfo(check_time_zone(name))
    except ValueError as error:
        raise UsageError(f"--time-zone {name}: {error}") from error
