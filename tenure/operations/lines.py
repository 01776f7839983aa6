"""Texts that people give with a command, to be kept and printed later: one line each."""

from __future__ import annotations

import re
from typing import Final

from streams.errors import UsageError

_UNPRINTED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What moves a terminal's cursor, and what bytes become that are not UTF-8."""
LONGEST_NAME: Final = 100
LONGEST_NOTE: Final = 500


def one_line(option: str, text: str, *, least: int = 0, most: int = LONGEST_NOTE) -> str:
    """Return a text without the blanks around it.

    Args:
        option: By which it was given, for the message.
        text: As it was given.
        least: Characters that it must have (count).
        most: And may have.

    Raises:
        UsageError: It has fewer or more, or is not one line of text.
    """
    stripped = text.strip()
    if not least <= len(stripped) <= most or _UNPRINTED.search(stripped):
        shown = text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"
        raise UsageError(f"{option} {shown!r}: {least} to {most} characters on one line are needed, in UTF-8")
    return stripped
