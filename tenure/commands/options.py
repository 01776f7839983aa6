"""Options that several commands have, and the checks that belong to them.

Not the settings: those are in `streams.settings.settings`, and an option of the same name wins over them.
"""

# ruff: noqa: PLC0415 - imports wait until the command runs.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.catalogue.lenses import Lens
from schemas.catalogue.windows import MONTH
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.wording import in_words, nearest_name
from streams.errors import UsageError
from streams.settings.did_you_mean import nearest_window
from tenure.commands.completion import complete_dimension, complete_window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kpis.filters import Filter
    from streams.settings.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file (TOML) instead of the one that TENURE_CONFIG names, or ./tenure.toml.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else there.")]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="T",
        help="As of T: a date, or an instant such as 2026-03-01T00:00:00Z, on a bucket boundary. Repeatable.",
    ),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="DIM",
        help=f"Also by {', '.join(BUILT_IN_DIMENSIONS)} or another dimension. Repeatable.",
        autocompletion=complete_dimension,
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Only customers of these values, such as 'plan = pro and not channel = ads': docs/filters.md.",
    ),
]
Windows = Annotated[
    list[str] | None,
    typer.Option(
        "--window",
        metavar="D",
        help="Only this window, such as 30d or month. Repeatable.",
        autocompletion=complete_window,
    ),
]
Lenses = Annotated[
    list[Lens] | None,
    typer.Option(
        "--lens",
        metavar="L",
        help=f"Only this definition of churn: {in_words(Lens, 'or')}. Repeatable.",
    ),
]


def checked_dimensions(by: Sequence[str] | None, settings: Settings) -> tuple[str, ...]:
    """Return the dimensions of `--by`, each once.

    Raises:
        UsageError: A name that is no dimension of the settings.
    """
    return checked_names("--by", by, (*BUILT_IN_DIMENSIONS, *settings.dimensions))


def checked_filter(where: str | None, settings: Settings) -> Filter | None:
    """Return the condition of `--where`.

    Raises:
        UsageError: It is none, or names no dimension of the settings.
    """
    if where is None:
        return None
    from kpis.filters import FilterError, parse_filter

    try:
        return parse_filter(where, (*BUILT_IN_DIMENSIONS, *settings.dimensions))
    except FilterError as error:
        raise UsageError(f"--where: {error}") from error


def checked_windows(windows: Sequence[str] | None, settings: Settings) -> tuple[str, ...]:
    """Return the windows of `--window` by the names of reports ("30d", "month"), each once; "30" means "30d".

    Raises:
        UsageError: A window that the settings do not count.
    """
    named = [f"{window}d" if window.isdecimal() else window for window in windows or ()]
    return checked_names("--window", named, (*(f"{days}d" for days in settings.windows_days), MONTH), nearest_window)


def checked_names(
    option: str,
    values: Iterable[str] | None,
    known: Sequence[str],
    hint: Callable[[str, Sequence[str]], str] = nearest_name,
) -> tuple[str, ...]:
    """Return the values of an option that has to name something known, each once.

    Args:
        option: By which they were given, for messages.
        values: As they were given.
        known: The names that there are.
        hint: Returns what may have been meant by another one.

    Raises:
        UsageError: One of them is not known.
    """
    chosen = tuple(dict.fromkeys(values or ()))
    for value in chosen:
        if value not in known:
            raise UsageError(f"{option} {value}: there is only {', '.join(known)}{hint(value, known)}")
    return chosen


def checked_span(settings: Settings, since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Return the span [since, until) of `--since` and `--until` (ms since 1970); None where an end is not given.

    Raises:
        UsageError: One of them is no instant, or nothing lies between them.
    """
    from streams.clock import WallClock
    from tenure.reports.instants import parse_instant_ms

    now_ms, zone = WallClock().now_ms(), settings.business_time_zone
    since_ms = None if since is None else parse_instant_ms(since, time_zone=zone, option="--since", now_ms=now_ms)
    until_ms = None if until is None else parse_instant_ms(until, time_zone=zone, option="--until", now_ms=now_ms)
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise UsageError(f"--since {since} is not before --until {until}: nothing lies between them")
    return since_ms, until_ms
