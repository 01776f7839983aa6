"""Instants of a file as RFC 3339: epochs, and local times of a named zone, by the file's notation.

What it cannot read it leaves as it is, to be refused with the reason. Text with an offset is the decoder's affair.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.local_times import LOCAL_TIME, instant_of_local_time, instant_text
from tenure.files.notation import Notation, TimeForm

EPOCH_TIME: Final = re.compile(r"\s*(-?\d{1,18})(?:\.(\d*))?\s*", re.ASCII)
_DECIMALS_TO_MICROSECOND: Final = {TimeForm.EPOCH_S: 6, TimeForm.EPOCH_MS: 3}


def instant_of(text: str, notation: Notation) -> str:
    """Return a time as RFC 3339 in UTC where the notation says how to read it, else the text as it is.

    How local times are read: `schemas.local_times`.
    """
    if notation.time is not TimeForm.RFC3339 and (epoch := EPOCH_TIME.fullmatch(text)):
        return instant_text(_microseconds(epoch[1], epoch[2] or "", _DECIMALS_TO_MICROSECOND[notation.time])) or text
    if notation.time_zone is not None and (local := LOCAL_TIME.fullmatch(text)):
        return instant_of_local_time(local, notation.time_zone) or text
    return text


def _microseconds(whole: str, decimals: str, places: int) -> int:
    kept = int(whole + decimals[:places].ljust(places, "0"))
    # Cut means earlier, before 1970 too.
    return kept - (whole.startswith("-") and decimals[places:].strip("0") != "")
