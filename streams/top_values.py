"""The values of a dimension that are exported by name: one list for all workers, so that they can be added up.

Each worker notes how large the values of its partitions are; the owner of partition 0 adds the notes up and notes the
largest values; all workers show those and fold the rest into `other`. The order is by active customers, then by name:
no chance in it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from kpis.names import OTHER
from streams.giving_way import giving_way
from streams.partition.stream import Stream

_SHOWN = "shown"


async def elect_top_values(stream: Stream, *, limit: int) -> None:
    """Note the sizes of this worker's values, decide where it is ours to decide, and show what was decided.

    Args:
        stream: The worker's stream; all its counters are in memory.
        limit: Values of each dimension that are shown by name (count).

    Raises:
        TablesUnavailable: The notes cannot be read or written.
    """
    tables, partitions = stream.context.tables, stream.context.partitions
    sizes = await giving_way(stream.live.sizes())
    for number, by_dimension in sizes.items():
        await tables.note(f"sizes:{number}", msgspec.json.encode(by_dimension))
    if 0 in sizes:
        total: dict[str, Counter[str]] = {}
        for number in range(partitions):
            noted = await tables.note(f"sizes:{number}", None)
            by_value: dict[str, Any] = msgspec.json.decode(noted) if noted else {}
            for dimension, counts in by_value.items():
                total.setdefault(dimension, Counter()).update(counts)
        decided = {dimension: largest(counts, limit) for dimension, counts in total.items()}
        await tables.note(_SHOWN, msgspec.json.encode(decided))
    shown = await tables.note(_SHOWN, None)
    if shown is not None:
        stream.live.show(msgspec.json.decode(shown))


def largest(sizes: Counter[str], limit: int) -> list[str]:
    """Return the largest values by name, sorted by name, so that a change of rank alone changes nothing.

    What a partition counts as `other`, beyond its limit of values, is never among them.
    """
    named = [pair for pair in sizes.items() if pair[0] != OTHER]
    ranked = sorted(named, key=lambda pair: (-pair[1], pair[0]))
    return sorted(name for name, _ in ranked[:limit])
