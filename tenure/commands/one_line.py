"""Faults of the world as one line on standard error, and the exit status that belongs to them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from streams.errors import ConfigurationError, OutputFailed, TenureError
from tenure.commands.say import say
from tenure.commands.standard_output import give_up_output

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with one line, without a traceback, where the block fails for what is no fault of ours.

    Raises:
        SystemExit: The block has raised an error of `streams.errors`; the line is printed.
    """
    try:
        yield
    except OutputFailed as error:
        give_up_output()
        complain(str(error), error.exit_status)
    except ConfigurationError as error:
        complain(_as_written(error), error.exit_status)
    except TenureError as error:
        complain(str(error), error.exit_status)


def complain(message: str, status: int) -> NoReturn:
    """Print a message as one line on standard error, and leave the process with a status."""
    say(f"tenure: {' '.join(message.split())}", err=True)
    sys.exit(status)


def _as_written(error: ConfigurationError) -> str:
    """Return its message with the setting as the user wrote it; what is found out later knows the variable only."""
    from streams.settings.loading import written_as  # noqa: PLC0415 - slow, and only needed here

    return str(error).replace(error.setting, written_as(error.setting), 1)
