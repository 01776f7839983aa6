"""The witness: metadata of the group's committed offsets that says from which offset on the tables were counted.

The tables lie in Redis alone; this is the one word of them that Redis cannot lose. It stands in the metadata of each
committed offset, is written before anything of a partition is stored for the first time, and is read where nothing is
stored. Not here: when it is written and read (`streams.batching.locating`).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TEXT: Final = re.compile(
    r"tenure/\d+ first=(?P<first>-?\d+)\b(?: resumed=(?P<resumed>\d+)\b)?(?: counted=(?P<counted>\d+)\b)?"
)
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
        resumed: Where Redis has lost its tables once and somebody gave up what Kafka did not have either: the offset
            from which they were counted then. None where that never happened.
        counted: While a partition is counted again: the offset up to which it was counted when its tables were lost.
    """

    first: int
    resumed: int | None = None
    counted: int | None = None

    @property
    def counted_from(self) -> int:
        """The first offset that is in the tables."""
        return self.first if self.resumed is None else self.resumed

    @property
    def text(self) -> str:
        """As it stands in the metadata of a committed offset."""
        more = {"resumed": self.resumed, "counted": self.counted}
        said = "".join(f" {name}={offset}" for name, offset in more.items() if offset is not None)
        return f"tenure/{_VERSION} first={self.first}{said}"


FROM_THE_BEGINNING: Final = Witness(0)
"""What an offset stands for whose metadata says nothing: earlier versions wrote none."""


def witness_of(metadata: str | None) -> Witness:
    """Return what the metadata of a committed offset says; an offset without any stands for all from 0 on."""
    found = _TEXT.match(metadata or "")
    if found is None:
        return FROM_THE_BEGINNING
    more = {name: int(found[name]) for name in ("resumed", "counted") if found[name] is not None}
    return Witness(int(found["first"]), **more)
