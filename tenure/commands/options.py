"""Options that several commands have, and the checks that belong to them.

Not the settings: those are in `streams.settings.settings`, and an option of the same name wins over them.
"""

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
    return _checked("--by", by, (*BUILT_IN_DIMENSIONS, *settings.dimensions))


def checked_windows(windows: Sequence[str] | None, settings: Settings) -> tuple[str, ...]:
    """Return the windows of `--window` by the names of reports ("30d", "month"), each once; "30" means "30d".

    Raises:
        UsageError: A window that the settings do not count.
    """
    named = [f"{window}d" if window.isdecimal() else window for window in windows or ()]
    return _checked("--window", named, (*(f"{days}d" for days in settings.windows_days), MONTH), nearest_window)


def _checked(
    option: str,
    values: Iterable[str] | None,
    known: Sequence[str],
    hint: Callable[[str, Sequence[str]], str] = nearest_name,
) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(values or ()))
    for value in chosen:
        if value not in known:
            raise UsageError(f"{option} {value}: there is only {', '.join(known)}{hint(value, known)}")
    return chosen
