"""References of the records of a batch, for customers' states (see `kpis.references`)."""

from __future__ import annotations

from collections.abc import Sequence

from kpis.names import Names
from kpis.references import OFFSETS, reference_of
from streams.records import Record


def references_of(records: Sequence[Record], names: Names) -> list[int]:
    """Return the reference of each record; `names` are the tables in which their topics have numbers."""
    # Sorted, so that a batch gives the same numbers however it is hashed.
    numbers = {topic: names.topic(topic) for topic in sorted({record.topic for record in records})}
    return [reference_of(record.offset, numbers[record.topic]) if record.offset < OFFSETS else 0 for record in records]
