"""Options of the commands that say why a number is what it is: one window, one dimension, one of its values."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.dimensions import BUILT_IN_DIMENSIONS
from streams.errors import CheckFailed, UsageError
from tenure.commands.completion import complete_dimension, complete_window
from tenure.commands.options import checked_windows
from tenure.commands.scanned import checked_scope

if TYPE_CHECKING:
    from schemas.documents.explanation import Explanation, LensComparison
    from streams.settings.settings import Settings
    from tenure.commands.file_options import FileOptions
    from tenure.reports.explain import ExplainQuery

OneWindow = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="D",
        help="The window, such as 7d or month.",
        show_default="30d",
        autocompletion=complete_window,
    ),
]
OneBy = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="DIM",
        help=f"Also by {', '.join(BUILT_IN_DIMENSIONS)} or another dimension.",
        autocompletion=complete_dimension,
    ),
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Name so many customers of each kind at most.")]
_USUAL: Final = "30d"


def checked_window(window: str | None, settings: Settings) -> str:
    """Return the window that is asked for; the usual one where none is, if the settings count it.

    Raises:
        UsageError: A window that the settings do not count.
    """
    if window is None:
        return _USUAL if _USUAL in {f"{days}d" for days in settings.windows_days} else "month"
    return checked_windows([window], settings)[0]


def checked_query(
    settings: Settings,
    *,
    window: str | None,
    at: str | None,
    by: str | None,
    value: str | None,
    limit: int,
    file: str | None,
    options: FileOptions,
    where: str | None = None,
) -> ExplainQuery:
    """Return what options ask for.

    Raises:
        UsageError: An option does not fit the settings, or another option.
        InputError: The file is not there, or its format cannot be told.
    """
    if value is not None and by is None:
        raise UsageError(f"--value {value}: say of which dimension, with --by")
    chosen = checked_window(window, settings)
    scope = checked_scope(settings, at=at, by=[] if by is None else [by], file=file, options=options, where=where)
    from tenure.reports.explain import ExplainQuery

    return ExplainQuery(scope, chosen, value, limit)


def check_agreement(answer: Explanation | LensComparison, fault: str) -> None:
    """Raise CheckFailed where members and counters disagree, and say what can be done."""
    if answer.agrees:
        return
    if answer.moved:
        raise CheckFailed(f"{fault}; the stream went on while it was read: ask again, or for an earlier T with --at")
    raise CheckFailed(f"{fault}; one of the two is wrong: this is a fault of tenure, please report it")
