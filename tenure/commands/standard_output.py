"""Standard output of the process: in UTF-8, and a write that fails is an error with one line.

Not here: what is written there. A closed pipe is no error of this kind, because `| head` is a sensible thing to do.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.errors import OutputFailed

if TYPE_CHECKING:
    from typing_extensions import Buffer

_DESCRIPTOR: Final = 1


class _CheckedFile(io.FileIO):
    """The file behind standard output; its errors are the product's own, and so told from those of other files."""

    def write(self, data: Buffer) -> int:
        """Write as every file does.

        Raises:
            OutputFailed: The bytes are not there, and not for a closed pipe.
        """
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputFailed(error.strerror or str(error)) from error


def use_checked_output() -> None:
    """Have the process write UTF-8 on both standard streams, and learn of writes on standard output that fail.

    UTF-8, because neither what tables are drawn with nor the names of plans fit into less.
    """
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors=sys.stderr.errors)
    found = sys.stdout
    if found is None:  # it was closed before the process began: nobody wants to read
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    elif isinstance(found, io.TextIOWrapper):
        found.flush()
        file = io.BufferedWriter(_CheckedFile(found.fileno(), "w", closefd=False))
        sys.stdout = io.TextIOWrapper(file, encoding="utf-8", errors=found.errors, line_buffering=found.line_buffering)


def give_up_output() -> None:
    """Forget what was not written yet: Python would try again when the process ends, and print that it failed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
