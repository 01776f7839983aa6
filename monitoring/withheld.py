"""Recording rules of what boards say in place of numbers: since when they are withheld.

Numbers are withheld while they are incomplete; and boards do not show them while history is being loaded, since they
then grow from nothing to what they were. A rule that says so carries the time as a label, too: a panel of Grafana can
print a label anywhere, and a date only where its number stands.
"""

from collections.abc import Iterator
from typing import Final

from monitoring.alerts.rule import Recording

LAST_SHOWN: Final = "stream:last_shown:timestamp_seconds"
"""The last instant at which numbers were complete and no history was being loaded."""
WITHHELD: Final = "stream:withheld:timestamp_seconds"
"""There while numbers are withheld: since when, by `state`, and in words as `since`."""
WITHHELD_STATE: Final = "withheld"
LOADING_STATE: Final = "history is loading"
THE_START: Final = "the start"
"""In place of a time where numbers were never shown: since Prometheus began to look."""
_SHOWN: Final = "(stream:complete:bool unless on () stream:backfill:bool)"
#: A Prometheus that was away for longer has lost the beginning.
_REMEMBERED: Final = "6h"
_PARTS: Final = {"month": "month", "day": "day_of_month", "hour": "hour", "minute": "minute"}


def rules() -> Iterator[Recording]:
    """Yield when numbers were last shown, and since when they are not; after the rules of completeness."""
    yield Recording(LAST_SHOWN, f"time() * {_SHOWN}\nor last_over_time({LAST_SHOWN}[{_REMEMBERED}])")
    since = f"({LAST_SHOWN} unless on () {_SHOWN})"
    began = f'min(min_over_time({WITHHELD}{{since="{THE_START}"}}[{_REMEMBERED}])) or vector(time())'
    never = f'label_replace({began}, "since", "{THE_START}", "", "") unless on () {LAST_SHOWN}'
    known = f"{in_words(since)}\nor {never}"
    yield Recording(WITHHELD, f"({known})\nunless on () stream:complete:bool", {"state": WITHHELD_STATE})
    yield Recording(WITHHELD, f"({known})\nand on () stream:complete:bool", {"state": LOADING_STATE})


def in_words(instant: str, label: str = "since") -> str:
    """Return an instant with a label that says it: month, day and time of day, in UTC.

    Args:
        instant: One series without labels, in seconds since 1970.
        label: Its name.
    """
    text = instant
    for part, function in _PARTS.items():
        text += f"\n* on () group_left ({part}) {_two_digits(part, f'{function}({instant})')}"
    joined = f'label_join({text},\n"date", "-", "month", "day")'
    joined = f'label_join({joined},\n"clock", ":", "hour", "minute")'
    joined = f'label_join({joined},\n"{label}", " ", "date", "clock")'
    return f'max by ({label}) (label_replace({joined},\n"{label}", "$1 UTC", "{label}", "(.*)"))'


def _two_digits(label: str, value: str) -> str:
    """Return a series of 1 whose label is a number below 100."""
    return f'label_replace(count_values("{label}", {value}), "{label}", "0$1", "{label}", "(.)")'
