"""Walking through a Redis or a Redis Cluster in search of customers: one pass, whatever number of partitions is wanted.

Every node is asked for all its keys, a few at a time, while others read and write. A key that is there all the time is
found; Redis may name it twice, which is not passed on.
Not here: states (`streams.redis.tables`), and what the scan is for.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

import numpy as np
from redis.asyncio.cluster import RedisCluster

from kpis.arrays import Ints
from streams.redis.connection import asked

_STEP: Final = 1000
"""Keys that Redis looks at in one go (count): others wait for it some 0.3 ms."""
_TOGETHER: Final = 2500
"""Customers of a partition that are passed on together (count): reading their states takes some 3 ms."""
_WAITING: Final = 50_000
"""Customers that wait to be passed on, at most, over all partitions (count)."""
_LONG: Final = 100_000
"""Hashes that take long to sort: it is done beside the event loop (count)."""


class Seen:
    """The set of keys that came before: eight bytes a key, as sorted runs of hashes.

    Two keys of one hash are taken for one. With ten million keys that happens in one scan of 400,000.
    """

    def __init__(self) -> None:
        self._runs: list[Ints] = []

    async def fresh(self, keys: Sequence[bytes]) -> list[bytes]:
        """Return the keys that are new, each once and in their order, and remember them."""
        hashes = np.fromiter(map(hash, keys), np.int64, len(keys))
        mine, first = np.unique(hashes, return_index=True)
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, mine), len(run) - 1)
            new = run[place] != mine
            mine, first = mine[new], first[new]
        if not len(mine):
            return []
        self._runs.append(mine)
        # Each run stays more than twice as long as the next: few of them, and few are sorted again.
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            pair = self._runs[-2:]
            length = sum(map(len, pair))
            self._runs[-2:] = [_merged(pair) if length < _LONG else await asyncio.to_thread(_merged, pair)]
        return [keys[n] for n in np.sort(first).tolist()]


def _merged(runs: Sequence[Ints]) -> Ints:
    return np.sort(np.concatenate(runs), kind="stable")  # which knows runs that are sorted already


async def scan_customers(
    client: Any, *, prefix: str, partitions: Collection[int], seen: Seen
) -> AsyncIterator[tuple[int, list[str]]]:
    """Yield the customers who have states, some of one partition at a time; each once, in no order.

    On a cluster that is moving slots meanwhile customers may be missing.

    Args:
        client: Of `streams.redis.connection.connect`.
        prefix: Of all keys.
        partitions: Whose customers are wanted.
        seen: Keys of states whose customers are not wanted any more.

    Raises:
        TablesUnavailable: Redis does not answer.
    """
    waiting: dict[bytes, list[str]] = {b"%d" % partition: [] for partition in partitions}
    start = f"{prefix}:{{"
    pattern = f"{start}{next(iter(partitions)) if len(waiting) == 1 else '*'}}}:s:*"
    count = 0
    async for keys in scan_keys(client, pattern, [f"{start}{partition}}}" for partition in partitions]):
        for key in await seen.fresh(keys):
            number, _, customer = key[len(start) :].partition(b"}:s:")
            mine = waiting.get(number)
            if mine is not None:
                mine.append(customer.decode())
                count += 1
        for number, customers in waiting.items():
            if len(customers) >= _TOGETHER or (customers and count >= _WAITING):
                count -= len(customers)
                waiting[number] = []
                yield int(number), customers
    for number, customers in waiting.items():
        if customers:
            yield int(number), customers


async def scan_keys(client: Any, pattern: str, places: Sequence[str]) -> AsyncIterator[list[bytes]]:
    """Yield all keys like a pattern, some of them twice, from the nodes on which the places lie."""
    nodes: list[Any] = [None]
    if isinstance(client, RedisCluster):
        await asked(client.initialize)
        found = (client.get_node_from_key(place) for place in places)
        nodes = list({node.name: node for node in found if node is not None}.values())
    for node in nodes:
        there = {} if node is None else {"target_nodes": node}
        cursor: Any = 0
        while True:
            cursor, keys = await asked(functools.partial(client.scan, cursor, match=pattern, count=_STEP, **there))
            if node is not None:
                (cursor,) = cursor.values()
            if keys:
                yield keys
            if not cursor:
                break
