"""Lines on standard error that say how far a long command is, not more than one in some seconds."""

from __future__ import annotations

import time
from typing import Final

from tenure.commands.say import say_error

_TELL_SECONDS: Final = 5.0


class ProgressLines:
    """Tells how far a command is; the first line after some seconds."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def tell(self, line: str) -> None:
        """Tell a line, unless one was told just before."""
        now = time.monotonic()
        if now - self._told_at >= _TELL_SECONDS:
            self._told_at = now
            say_error(line)
