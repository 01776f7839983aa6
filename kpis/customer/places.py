"""The place of a record in the log, as one small integer: kept with each fact, so that its record can be looked up.

The partition is the state's own; the topic is a number of `kpis.names`. No number of a report depends on a place.
"""

from __future__ import annotations

from typing import Final

TOPIC_BITS: Final = 4
#: Topics that can be told apart in one partition, for as long as its tables live (count).
TOPICS: Final = 1 << TOPIC_BITS
#: Offsets from here on would not fit into a state.
OFFSETS: Final = 1 << 44


def place_of(offset: int, topic: int) -> int:
    """Return the place of a record.

    Args:
        offset: In its partition, below OFFSETS.
        topic: Its number, below TOPICS.
    """
    return offset << TOPIC_BITS | topic


def offset_of(place: int) -> int:
    """Return the offset that a place holds."""
    return place >> TOPIC_BITS


def topic_of(place: int) -> int:
    """Return the number of the topic that a place holds."""
    return place & (TOPICS - 1)
