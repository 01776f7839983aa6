"""Looking for cycles of garbage: not while the program is loaded, which makes none, and seldom in a worker.

Importing what a worker consists of makes a hundred thousand objects, of which some fifty are garbage; Python's
collector would look at them again and again, for an eighth of the start's CPU.
"""

from __future__ import annotations

import gc
from typing import Final

_WHILE_LOADING: Final = 250_000
"""More objects than the program consists of (count): none of them is looked at before there is work."""
_YOUNG_OBJECTS: Final = 200_000
"""In a worker, so many objects are made before the youngest are looked at (count); a batch makes some ten thousand."""
_USUAL: Final = gc.get_threshold()


def spare_loading() -> None:
    """Do not look for garbage while a command is loaded; `end_loading` is due when its work begins."""
    gc.set_threshold(_WHILE_LOADING, *_USUAL[1:])


def end_loading() -> None:
    """Look for garbage as Python does, but not in what was loaded; do nothing where no loading was spared."""
    if gc.get_threshold()[0] == _WHILE_LOADING:
        gc.freeze()
        gc.set_threshold(*_USUAL)


def look_seldom() -> None:
    """Look for garbage seldom, and not in what is there: batches make none, and looking takes a sixth of all CPU."""
    gc.collect()  # what was tried while Kafka or Redis was away; what was loaded is not looked at
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
