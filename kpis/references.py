"""References to records of the log, one small integer each: kept with each fact, so that its record can be looked up.

The partition is the state's own; the topic is a number of `kpis.names`. No number of a report depends on a reference.
"""

from __future__ import annotations

from typing import Final

TOPIC_BITS: Final = 4
#: Topics that can be told apart in one partition, for as long as its tables live (count).
TOPICS: Final = 1 << TOPIC_BITS
#: Offsets from here on would not fit into a state.
OFFSETS: Final = 1 << 44


def reference_of(offset: int, topic: int) -> int:
    """Return the reference of a record.

    Args:
        offset: In its partition, below OFFSETS.
        topic: Its number, below TOPICS.
    """
    return offset << TOPIC_BITS | topic


def offset_of(reference: int) -> int:
    """Return the offset that a reference holds."""
    return reference >> TOPIC_BITS


def topic_of(reference: int) -> int:
    """Return the number of the topic that a reference holds."""
    return reference & (TOPICS - 1)
