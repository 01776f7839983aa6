"""Where the records of a batch lie, as customers' states keep it (see `kpis.places`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kpis.names import Names
from kpis.places import TOPIC_BITS
from streams.records import Record


class Places(Sequence[int]):
    """The place of each record of a batch; worked out when it is asked for, which for activity it never is."""

    def __init__(self, records: Sequence[Record], names: Names) -> None:
        """Take records, and the tables in which their topics have numbers."""
        self._records = records
        # Sorted, so that a batch gives the same numbers however it is hashed.
        self._numbers = {topic: names.topic(topic) for topic in sorted({record.topic for record in records})}

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._records)

    def __getitem__(self, n: Any) -> Any:
        """Return the place of one record."""
        record = self._records[n]
        return record.offset << TOPIC_BITS | self._numbers[record.topic]
