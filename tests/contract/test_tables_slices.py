"""Large tables on Redis: read in slices, so that nobody waits for a reader, and as of one instant all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import redis

from services.redis import Redis
from streams.errors import Overtaken, StateUnreadable
from streams.redis.reading import SLICE, SPANS
from streams.redis.tables import RedisTables
from streams.tables import Commit, decode_head
from streams.tasks import cancel_and_wait
from tests.contract.tables import a_commit, a_head, amounts_of, names_of, redis_tables, write_all

CELLS: Final = 60_000
#: buckets from one cell to the next: some spans hold four
STEP: Final = 64
#: one is larger than a slice by far; the others are small, and many
GROUPS: Final = (0, *range(1 << 16, (1 << 16) + 400))
PLANS: Final = 3 * SLICE + 7


@pytest.fixture(params=["redis", "cluster"])
async def tables(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[RedisTables]:
    """Tables with one commit in them, a large one."""
    servers = {"redis": "redis_server", "cluster": "redis_cluster"}
    async with redis_tables(request.getfixturevalue(servers[request.param]).url, prefix) as under_test:
        await under_test.commit(0, write_all([large()]))
        yield under_test


def large() -> Commit:
    """Return a commit of many cells and names."""
    cells = {0: dict.fromkeys(range(0, CELLS * STEP, STEP), 1), **{group: {0: 1, 1: 1} for group in GROUPS[1:]}}
    return a_commit(None, a_head(1), cells=cells, names={"plan": [f"plan {n}" for n in range(PLANS)]})


def nth(n: int, *, fields: int) -> Commit:
    """Return a commit that sets cells to its number: hot ones each time, others in turn, and one of a new group."""
    at = n * fields % CELLS * STEP
    cold = dict.fromkeys(range(at, at + fields * STEP, STEP), n)
    cells = {0: {0: n, (CELLS - 1) * STEP: n, **cold}, GROUPS[1]: {0: n}, GROUPS[-1]: {0: n}, 2 << 16 | n: {7: n}}
    return a_commit(a_head(n - 1), a_head(n), cells=cells, names={"plan": [f"new {n}"]})


@pytest.mark.parametrize("fields", [1, 2 * SLICE])
async def test_large_snapshot_ends_under_steady_writing_and_is_of_one_instant(fields: int, tables: RedisTables) -> None:
    """A stream never pauses: a reader that waits for a quiet moment would never be done, or mix two commits."""
    applied, written = 1, [large()]
    expected = amounts_of(written[0].cells)

    async def write() -> None:
        while True:
            written.append(nth(len(written) + 1, fields=fields))
            await tables.commit(0, written[-1] if len(written) % 10 else write_all(written, kept=500))
            await asyncio.sleep(0.005)  # more than any partition commits

    writing = asyncio.create_task(write())
    seen: list[int] = []
    for _ in range(4):
        before = await tables.load(0)
        known = [*GROUPS, *(2 << 16 | n for n in range(2, commits_of(before.head) + 1))]
        stored, cells = await tables.snapshot(0, known, before)
        seen.append(commits_of(stored.head))
        for commit in written[applied : seen[-1]]:
            for group, amounts in amounts_of(commit.cells).items():
                expected.setdefault(group, {}).update(amounts)
        applied = seen[-1]
        assert amounts_of(cells) == expected
        assert len(stored.names["plan"]) == PLANS + applied - 1
    await cancel_and_wait([writing])
    assert seen == sorted(set(seen))


def commits_of(head: bytes | None) -> int:
    """Return how many commits there were."""
    return decode_head(head or b"").commits


async def test_names_beyond_a_slice_are_read_in_their_order(tables: RedisTables) -> None:
    """A name's number is its place, wherever the slices were cut."""
    before = await tables.load(0)
    assert names_of(before) == {"plan": [f"plan {n}" for n in range(PLANS)]}
    await tables.commit(0, nth(2, fields=1))
    assert await tables.load(0, before) == await tables.load(0)


@contextmanager
def overheard(client: redis.Redis) -> Iterator[list[list[bytes]]]:
    """Collect the commands that Redis is told, with those of scripts."""
    client.config_set("slowlog-log-slower-than", 0)
    client.config_set("slowlog-max-len", 100_000)
    client.slowlog_reset()
    told: list[list[bytes]] = []
    yield told
    entries: Any = client.slowlog_get(100_000)
    told += [bytes(entry["command"]).split(b" ") for entry in entries]


async def test_no_call_asks_for_a_large_hash_or_list_at_once(redis_server: Redis) -> None:
    """Redis serves one at a time: who asks for a million cells holds up all workers for a second."""
    async with redis_tables(redis_server.url, "t") as tables:
        await tables.commit(0, write_all([large()]))
        with redis_server.client() as client, overheard(client) as told:
            await tables.snapshot(0, GROUPS)
            await tables.read_group(0, 0)
    whole = [command for command in told if command[0].upper() == b"HGETALL" and command[1].endswith(b":c:0")]
    lists = [command for command in told if command[0].upper() == b"LRANGE" and command[1].endswith(b":n:plan")]
    scans = [command for command in told if command[0].upper() == b"HSCAN"]
    assert whole == []
    assert len(scans) >= 2 * CELLS // 4 // (2 * SPANS)
    assert max(int(last) - int(first) for _, _, first, last in lists if int(last) > 0) < SLICE


async def test_a_reader_that_is_overtaken_says_so(redis_server: Redis) -> None:
    """What was read first would be of another instant; whoever asked begins anew."""
    async with redis_tables(redis_server.url, "t") as tables:
        commits = [large(), nth(2, fields=1), nth(3, fields=1)]
        await tables.commit(0, write_all(commits[:1]))
        before = await tables.load(0)
        await tables.commit(0, commits[1])
        stored, cells = await tables.snapshot(0, GROUPS, before)
        found = amounts_of(cells)
        assert (commits_of(stored.head), found[GROUPS[1]], found[2 << 16 | 2]) == (2, {0: 2, 1: 1}, {7: 2})
        await tables.commit(0, write_all(commits))
        with pytest.raises(Overtaken):
            await tables.snapshot(0, GROUPS, before)
        assert commits_of((await tables.snapshot(0, GROUPS))[0].head) == 3


async def test_damaged_cells_halt_their_partition(redis_server: Redis) -> None:
    """Half of a span that was taken for the whole would be another number."""
    async with redis_tables(redis_server.url, "t") as tables:
        await tables.commit(0, write_all([large()]))
        with redis_server.client() as client:
            field, packed = next(iter(client.hscan_iter("t:{0}:c:0")))
            client.hset("t:{0}:c:0", field, packed[:-1])
        for call in (tables.read_group(0, 0), tables.snapshot(0, GROUPS)):
            with pytest.raises(StateUnreadable, match="damaged"):
                await call


async def test_a_key_of_another_kind_halts_its_partition_with_advice(redis_server: Redis) -> None:
    """Waiting mends nothing there, and it is no fault of the program: somebody has written our key."""
    async with redis_tables(redis_server.url, "t") as tables:
        await tables.commit(0, large())
        with redis_server.client() as client:
            client.delete("t:{0}:c:0")
            client.set("t:{0}:c:0", "x")
        calls = [tables.read_group(0, 0), tables.read_spans(0, [0]), tables.snapshot(0, GROUPS)]
        for call in calls:
            with pytest.raises(StateUnreadable, match="somebody else has written a key that begins with t "):
                await call
