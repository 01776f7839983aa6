"""Names that were misspelt: which one may have been meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.wording import nearest_name

_WINDOW: Final = re.compile(r"(\d{1,9}) ?d?(?:ays?)?")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "did you mean X?" for the closest known name, or a pointer to the list where none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "docs/settings.md lists what there is"


def nearest_window(name: str, known: Sequence[str]) -> str:
    """Return "; did you mean 30d?" for the known window that is written otherwise; "" where another length is meant.

    Args:
        name: Of a window that is not known. One of another length is never meant: whoever wants 31 days wants no 30.
        known: Names of windows, such as "30d" and "month".
    """
    written = _WINDOW.fullmatch(name)
    of_days = {window: int(window[:-1]) for window in known if window[:-1].isdecimal()}
    if written is None or not of_days:
        return nearest_name(name, known)
    meant = next((window for window, days in of_days.items() if days == int(written[1])), None)
    return f"; did you mean {meant}?" if meant else ""
