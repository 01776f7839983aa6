"""`python -m bench.capacity FILE`: what a file of events costs in Redis, by customer and by counter cell.

Runs the file through the agents on the embedded log into a Redis of its own, and asks that Redis for the memory of each
key. Not a benchmark of time. Its figures: docs/operating.md, section Capacity.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter, defaultdict
from typing import Any, Final

from bench.embedded import embedded_stream
from kpis.counting.cells import segment_of
from kpis.counting.spans import cells_in
from streams.redis.tables import RedisTables
from streams.redo import cells_of, states_of
from streams.settings.meaning import names_of
from streams.settings.settings import Settings
from tenure.files.reader import EventFile

PREFIX: Final = "capacity"
_PAUSE_SECONDS: Final = 0.2
_KINDS: Final = {"s": "states", "c": "cells", "n": "names", "w": "redo logs", "r": "restatements", "h": "heads"}


async def measure(path: str, settings: Settings, *, partitions: int) -> list[str]:
    """Return lines that say what a file of events costs.

    Args:
        path: NDJSON, CSV or Parquet.
        settings: What numbers mean.
        partitions: Into how many (count).
    """
    async with embedded_stream(PREFIX, partitions=partitions) as stream:
        empty = (await stream.client.info("memory"))["used_memory"]
        async with stream.worker(settings) as worker:
            await stream.apply(worker, EventFile(path).records(), settings)
            for number in range(partitions):
                while await _has_unwritten(stream.tables, number):
                    await asyncio.sleep(_PAUSE_SECONDS)
        used = (await stream.client.info("memory"))["used_memory"] - empty
        return await _lines(stream.client, settings, used_bytes=used)


async def _has_unwritten(tables: RedisTables, number: int) -> bool:
    """Return whether anything is in the redo log of a partition; a worker without events writes it to its place."""
    entries = (await tables.read_redo(number)).entries
    return any(states_of(entry) or len(cells_of(entry).keys) for entry in entries)


async def _lines(client: Any, settings: Settings, *, used_bytes: int) -> list[str]:
    keys: Counter[str] = Counter()
    occupied: Counter[str] = Counter()
    cells: Counter[str] = Counter()
    values: dict[str, set[int]] = defaultdict(set)
    dimensions = names_of(settings).dimensions
    async for key in client.scan_iter(f"{PREFIX}:{{*", count=1000):
        kind, _, rest = key.partition(b"}:")[2].decode().partition(":")
        size = await client.memory_usage(key, samples=0)
        keys[kind] += 1
        occupied[kind] += size
        if kind == "c":
            number, value = segment_of(int(rest))
            cells[dimensions[number]] += sum(map(cells_in, await client.hvals(key)))
            values[dimensions[number]].add(value)
    customers, count = max(1, keys["s"]), max(1, sum(cells.values()))
    lines = [
        f"{used_bytes:,} bytes in all, {used_bytes / customers:,.0f} a customer ({keys['s']:,} customers)",
        *(f"{kind}: {occupied[short]:,} bytes in {keys[short]:,} keys" for short, kind in _KINDS.items()),
        f"a customer's state: {occupied['s'] / customers:,.0f} bytes; a cell: {occupied['c'] / count:,.1f} bytes",
    ]
    lines += [f"cells of {name}: {cells[name]:,} in {len(values[name]):,} values" for name in cells]
    return lines


def main() -> None:
    """Measure a file, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("file", help="events: NDJSON, CSV or Parquet")
    parser.add_argument("--partitions", type=int, default=4)
    options = parser.parse_args()
    for line in asyncio.run(measure(options.file, Settings(), partitions=options.partitions)):
        print(line)


if __name__ == "__main__":
    main()
