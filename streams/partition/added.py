"""Partitions that the topics got after the tables of a stream were begun.

They have no customers: which partition a customer lies on follows from the count in the stream's mark, for good. But
what comes to them is refused, is a test, or is forwarded, and their heads count it; who reads the tables must know how
many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streams.tables import StreamMark, Tables

_NOTED: Final = "partitions"


async def note_added(tables: Tables, mark: StreamMark, numbers: Iterable[int]) -> None:
    """Note partitions beyond those of the mark, before anything is stored of them.

    Args:
        tables: Of the stream.
        mark: That of the stream.
        numbers: Of partitions that a worker has.

    Raises:
        TablesUnavailable: The store does not answer.
    """
    count = max(numbers, default=-1) + 1
    # A log, and no value: two workers that note different counts at once lose none of them.
    if count > mark.partitions and count > await partitions_in_use(tables, mark):
        await tables.append(_NOTED, str(count).encode())


async def partitions_in_use(tables: Tables, mark: StreamMark) -> int:
    """Return how many partitions may have something stored, those of the mark and those that were added (count).

    Raises:
        TablesUnavailable: The store does not answer.
    """
    return max([mark.partitions, *map(int, await tables.entries(_NOTED))])
