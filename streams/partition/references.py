"""References of the records of a batch, for customers' states (see `kpis.references`)."""

from __future__ import annotations

import numpy as np

from kpis.fold.reading import PackedDecoded
from kpis.names import Names
from kpis.references import OFFSETS, TOPIC_BITS, reference_of
from schemas.decoding.decoder import Decoded
from streams.packed import is_packed
from streams.records import Record


def references_of(decoded: Decoded[Record], names: Names) -> list[int]:
    """Return the reference of each event's record; `names` are the tables in which their topics have numbers."""
    if isinstance(decoded, PackedDecoded) and is_packed(decoded.batch.records):
        topics = decoded.batch.records.topics
        offsets, places = decoded.batch.places()
        used = {topics[place] for place in np.flatnonzero(np.bincount(places)).tolist()}
        numbers = {topic: names.topic(topic) for topic in sorted(used)}
        of_topics = np.array([numbers.get(topic, 0) for topic in topics] or [0], np.int64)
        found: list[int] = np.where(offsets < OFFSETS, offsets << TOPIC_BITS | of_topics[places], 0).tolist()
        return found
    records = decoded.records
    # Sorted, so that a batch gives the same numbers however it is hashed.
    numbers = {topic: names.topic(topic) for topic in sorted({record.topic for record in records})}
    return [reference_of(record.offset, numbers[record.topic]) if record.offset < OFFSETS else 0 for record in records]
