"""References to records of the log, one small integer each: kept with each fact, so that its record can be looked up.

The topic is a number of `kpis.names`. The partition is the state's own, unless the state was moved to another one since
(`tenure rebuild --partitions`): then the reference holds it. No number of a report depends on a reference.
"""

from __future__ import annotations

from typing import Final

TOPIC_BITS: Final = 4
#: Topics that can be told apart in one partition, for as long as its tables live (count).
TOPICS: Final = 1 << TOPIC_BITS
_OFFSET_BITS: Final = 32
#: Offsets from here on would not fit into a state.
OFFSETS: Final = 1 << _OFFSET_BITS
_OFFSET_MASK: Final = OFFSETS - 1
#: Partitions from here on would not, either.
PARTITIONS: Final = (1 << 12) - 1


def reference_of(offset: int, topic: int) -> int:
    """Return the reference of a record.

    Args:
        offset: In its partition, below OFFSETS.
        topic: Its number, below TOPICS.
    """
    return offset << TOPIC_BITS | topic


def offset_of(reference: int) -> int:
    """Return the offset that a reference holds."""
    return reference >> TOPIC_BITS & _OFFSET_MASK


def partition_of(reference: int) -> int | None:
    """Return the partition that a reference holds; None where it is that of the state."""
    found = reference >> TOPIC_BITS + _OFFSET_BITS
    return found - 1 if found else None


def moved_from(reference: int, partition: int, topic: int) -> int:
    """Return a reference for a state that moves to another partition; 0, which says nothing, where it does not fit.

    Args:
        reference: As it was.
        partition: That the state moves away from; what the reference holds already stays.
        topic: The number of its topic where the state goes.
    """
    known = partition_of(reference)
    origin = partition if known is None else known
    if origin >= PARTITIONS:
        return 0
    return (origin + 1) << TOPIC_BITS + _OFFSET_BITS | reference_of(offset_of(reference), topic)


def topic_of(reference: int) -> int:
    """Return the number of the topic that a reference holds."""
    return reference & (TOPICS - 1)
