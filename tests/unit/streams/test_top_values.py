"""All workers show the same values, those with the most customers."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from streams.metrics.meters import Meters
from streams.partition.stream import Stream
from streams.top_values import elect_top_values, largest
from tests.property.rolling import counts_as_of
from tests.unit.kpis.counting.test_rolling import SIGNUPS
from tests.unit.streams.partitions import Surroundings
from tests.unit.streams.snapshots import BOUNDARY, live_counts, snapshot_of


@pytest.mark.parametrize(
    ("sizes", "limit", "shown"),
    [
        ({"a": 1, "b": 3, "c": 2}, 2, ["b", "c"]),
        ({"b": 1, "a": 1, "c": 1}, 2, ["a", "b"]),
        ({"a": 5, "b": 3, "c": 2}, 2, ["a", "b"]),
        ({"a": 3, "b": 5, "c": 2}, 2, ["a", "b"]),
        ({"a": 0}, 3, ["a"]),
        ({}, 3, []),
        ({"a": 1, "other": 7}, 1, ["a"]),
    ],
)
def test_largest_values_are_shown_in_the_order_of_their_names(
    sizes: dict[str, int], limit: int, shown: list[str]
) -> None:
    """Ties are no matter of chance, and a change of rank among the shown changes nothing."""
    assert largest(Counter(sizes), limit) == shown


def _stream(around: Surroundings, *, partitions: tuple[int, ...]) -> Stream:
    _, live = live_counts(SIGNUPS, partitions=2)
    for number in {0, 1} - set(partitions):
        live.drop(number)
    snapshot_of(live)
    return Stream(around.context, live=live, meters=Meters())


def test_owner_of_partition_0_decides_for_all() -> None:
    """Two workers that decide for themselves would fold different values into `other`: their sum means nothing."""
    around = Surroundings()
    first, second = _stream(around, partitions=(0,)), _stream(around, partitions=(1,))

    async def test() -> None:
        await elect_top_values(second, limit=1)
        assert await around.tables.note("shown", None) is None
        await elect_top_values(first, limit=1)
        await elect_top_values(second, limit=1)
        noted = await around.tables.note("shown", None)
        assert noted is not None
        assert msgspec.json.decode(noted) == {"plan": ["basic"], "country": ["DE"], "channel": ["none"]}
        for stream in (first, second):
            snapshot = await counts_as_of(stream.live, BOUNDARY)
            assert {name: block.values for name, block in snapshot.blocks.items()} == {
                "all": [""],
                "plan": ["basic", "other"],
                "country": ["DE", "other"],
                "channel": ["none", "other"],
            }

    asyncio.run(test())
