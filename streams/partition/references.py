"""References of the records of a batch, for customers' states (see `kpis.references`)."""

from __future__ import annotations

from collections.abc import Sequence

from kpis.names import Names
from kpis.references import TOPIC_BITS
from streams.records import Record


def references_of(records: Sequence[Record], names: Names) -> list[int]:
    """Return the reference of each record; `names` are the tables in which their topics have numbers."""
    # Sorted, so that a batch gives the same numbers however it is hashed.
    numbers = {topic: names.topic(topic) for topic in sorted({record.topic for record in records})}
    return [record.offset << TOPIC_BITS | numbers[record.topic] for record in records]
