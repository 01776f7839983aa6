"""The witness: metadata of the group's committed offsets that says from which offset on the tables were counted.

The tables lie in Redis alone; this is the one word of them that Redis cannot lose. It stands in the metadata of each
committed offset, is written before anything of a partition is stored for the first time, and is read where nothing is
stored. Not here: when it is written and read (`streams.batching.locating`).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TEXT: Final = re.compile(r"tenure/(\d+) first=(-?\d+)\b")
_VERSION: Final = 1
NEVER_AGAIN: Final = -1
"""Instead of a first offset: what was counted first is gone for good, so that nobody can count it again."""


class Committed(NamedTuple):
    """An offset of the group in Kafka, with its metadata."""

    offset: int
    metadata: str = ""


class Witness(NamedTuple):
    """Knowledge of how a partition of a topic was counted.

    Attributes:
        first: The first offset that the stream has counted; `NEVER_AGAIN` where the log cannot have it any more.
    """

    first: int

    @property
    def text(self) -> str:
        """As it stands in the metadata of a committed offset."""
        return f"tenure/{_VERSION} first={self.first}"


FROM_THE_BEGINNING: Final = Witness(0)
"""What an offset stands for whose metadata says nothing: earlier versions wrote none."""


def witness_of(metadata: str | None) -> Witness:
    """Return what the metadata of a committed offset says; an offset without any stands for all from 0 on."""
    found = _TEXT.match(metadata or "")
    return FROM_THE_BEGINNING if found is None else Witness(int(found[2]))
