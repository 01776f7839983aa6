"""Widths of text on boards, estimated: what does not fit is cut, and no test can look at a screen.

Grafana writes in Inter; these are its letters' widths, rounded. Calibrated on the picture of the board Executive.
"""

from typing import Final

_EMS: Final = {
    "fijlt.,:;'|!·/()[] -": 0.31,
    "rI": 0.39,
    "mwMW%—": 0.87,
    "+−≥≤=<>": 0.66,
    "0123456789": 0.62,
}
_OTHER_SMALL: Final = 0.58
_OTHER_CAPITAL: Final = 0.69
_BY_LETTER: Final = {letter: em for letters, em in _EMS.items() for letter in letters}


def width(text: str, size: float) -> float:
    """Return about how wide a text is in a font of a size (both in pixels)."""
    return size * sum(_BY_LETTER.get(letter, _OTHER_CAPITAL if letter.isupper() else _OTHER_SMALL) for letter in text)
