"""Rights in Redis: those that the page lists are enough, and without any of them something fails."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from services.redis import Redis
from services.redis_cluster import RedisCluster
from services.redis_sentinel import RedisSentinel
from streams import rights
from streams.errors import ConfigurationError, Conflict, TablesUnavailable
from streams.redis.connection import check_durability, connect
from streams.redis.tables import RedisTables
from streams.rights import RedisRights, principals
from streams.settings.settings import Settings
from streams.tables import Erasure, PeriodUpdate, StreamMark, Tables
from tests.contract.tables import a_commit, a_head, amounts_of, tear, write_all

PREFIX: Final = "t"
#: at the connection, and of a command later on
REFUSED: Final = (ConfigurationError, TablesUnavailable)
RESTATED: Final = PeriodUpdate("2025-01", [b"entry"], 1, {"customers_at_start": 1})
FIRST: Final = write_all(
    [
        a_commit(
            None,
            a_head(1, signup=1),
            states={"a": b"1"},
            cells={0: {0: 1}},
            names={"plan": ["pro"]},
            restated=[RESTATED],
        )
    ]
)


def rights_of(name: str) -> RedisRights:
    """Return the rights of one of the principals, under the prefix of these tests."""
    (found,) = (each.redis for each in principals(Settings(redis_prefix=PREFIX)) if each.name == name)
    assert found is not None
    return found


def let_in(server: Redis, user: str, rules: Sequence[str]) -> str:
    """Make a user with rules, and nothing else, and return the URL of the server for that user."""
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", user, "reset", "on", ">pw", *rules)
        client.script_flush()
        client.flushdb()
    return f"redis://{user}:pw@127.0.0.1:{server.port}/0"


@contextlib.asynccontextmanager
async def tables_at(url: str) -> AsyncIterator[RedisTables]:
    """Connect as a worker does, and let go of it at the end."""
    client = await connect(url)
    tables = RedisTables(client, prefix=PREFIX)
    try:
        await check_durability(client, address="redis", allow_unsafe=False)
        yield tables
    finally:
        await tables.close()


async def read(tables: Tables) -> None:
    """Do all that a reader does, after somebody wrote."""
    await tables.read_mark()
    assert (await tables.load(0)).head == FIRST.head
    assert await tables.read_states(0, ["a"]) == [b"1"]
    assert await tables.read_written(0, ["a"]) == [b"1"]
    assert len((await tables.read_redo(0)).entries) == 1
    for cells in (await tables.read_spans(0, [0]), await tables.read_group(0, 0), (await tables.snapshot(0, [0]))[1]):
        assert amounts_of(cells) == {0: {0: 1}}
    assert (await tables.restated(0, ["2025-01"]))["2025-01"].entries == [b"entry"]
    assert await tables.restatements(0, "2025-01") == [b"entry"]
    assert [pair async for pair in tables.scan_states([0])] == [(0, [("a", b"1")])]
    assert [pair async for pair in tables.scan_customers([0])] == [(0, ["a"])]
    assert await tables.forget_requests(0) == {}
    await tables.note("shown", None)
    await tables.entries("targets")


async def write(tables: Tables) -> None:
    """Do all that a worker does."""
    await tables.mark(StreamMark("group", 1, "{}", "id"))
    await tables.commit(0, FIRST)
    with pytest.raises(Conflict):
        await tables.commit(0, FIRST._replace(expected=a_head(7), head=a_head(8)))
    await tables.commit(1, FIRST)
    await tables.commit(1, a_commit(FIRST.head, a_head(2))._replace(erasure=Erasure(["a"], {}, {"a": None})))
    await tear(tables, 1)
    await tables.clear(1)
    await tables.note("shown", b"{}")


async def finish_a_switch(tables: Tables) -> None:
    """Do all that a worker does which finishes what a rebuild has left."""
    await tables.beside(1).ask_to_forget(0, "b", b"request")
    await tables.beside(1).commit(0, FIRST)
    await tables.beside(1).discard(0, held=FIRST.head)
    await tables.append("rebuilds", b"{}")


async def live(url: str) -> None:
    """Write, and read what was written."""
    async with tables_at(url) as tables:
        await write(tables)
        await read(tables)


async def test_rights_of_a_worker_are_enough(redis_server: Redis) -> None:
    """Who follows the page has a worker that works, today and after a fail-over of its scripts."""
    url = let_in(redis_server, "worker", rights_of("worker").rules())
    await live(url)
    async with tables_at(url) as tables:
        await finish_a_switch(tables)


@pytest.mark.parametrize("missing", rights_of("worker").commands)
async def test_worker_without_one_of_its_rights_is_told_which(missing: str, redis_server: Redis) -> None:
    """A right that nobody misses stands on the list for nothing; one that is missing is told by its name."""
    rules = [rule for rule in rights_of("worker").rules() if rule != f"+{missing}"]
    with pytest.raises(REFUSED, match=f"(?i){missing}|executing the script|in script"):
        await live(let_in(redis_server, "worker", rules))


async def test_worker_with_the_keys_of_another_prefix_is_refused(redis_server: Redis) -> None:
    """Two streams in one Redis are apart only by their keys."""
    rules = ["~other:*" if rule.startswith("~") else rule for rule in rights_of("worker").rules()]
    with pytest.raises(REFUSED, match="access"):
        await live(let_in(redis_server, "worker", rules))


async def test_reader_reads_everything_and_writes_nothing(redis_server: Redis) -> None:
    """Whoever prints numbers on a laptop should not be able to change them."""
    rules = rights_of("reader").rules()
    let_in(redis_server, "reader", rules)
    async with tables_at(redis_server.url) as owner:
        await write(owner)
    async with tables_at(f"redis://reader:pw@127.0.0.1:{redis_server.port}/0") as tables:
        await read(tables)
        for attempt in (tables.commit(0, FIRST), tables.note("shown", b"x"), tables.append("targets", b"x")):
            with pytest.raises(TablesUnavailable, match="refuses us"):
                await attempt
        with pytest.raises(TablesUnavailable, match="refuses us"):
            await tables.mark(StreamMark("group", 1, "{}", "id"))


@pytest.mark.parametrize("missing", rights_of("reader").commands)
async def test_reader_without_one_of_its_rights_is_told_which(missing: str, redis_server: Redis) -> None:
    """As for a worker."""
    let_in(redis_server, "reader", [rule for rule in rights_of("reader").rules() if rule != f"+{missing}"])
    async with tables_at(redis_server.url) as owner:
        await write(owner)
    with redis_server.client() as client:
        client.script_flush()
    with pytest.raises(REFUSED, match=r"refuses (us|it)"):
        async with tables_at(f"redis://reader:pw@127.0.0.1:{redis_server.port}/0") as tables:
            await read(tables)


async def test_who_sets_targets_and_accepts_losses_appends_to_their_logs_and_writes_nothing_else(
    redis_server: Redis,
) -> None:
    """Targets are audited; the audit would be worth little if whoever sets one could change numbers too."""
    url = let_in(redis_server, "operator", rights_of("operator").rules())
    async with tables_at(url) as tables:
        for name in ("targets", "losses"):
            await tables.append(name, b"x")
            assert await tables.entries(name) == [b"x"]
        for attempt in (tables.append("others", b"x"), tables.note("shown", b"x"), tables.commit(0, FIRST)):
            with pytest.raises(TablesUnavailable, match="refuses us"):
                await attempt


async def test_database_with_a_number_wants_one_right_more(redis_server: Redis) -> None:
    """The page says so."""
    rules = rights_of("worker").rules()
    url = let_in(redis_server, "worker", rules).replace("/0", "/1")
    with pytest.raises(REFUSED, match="select"):
        await live(url)
    let_in(redis_server, "worker", [*rules, "+select"])
    await live(url)


@pytest.fixture
def guarded_cluster(redis_cluster: RedisCluster) -> Iterator[RedisCluster]:
    """A cluster whose users are removed at the end: other tests use it after this one."""
    yield redis_cluster
    for node in redis_cluster.nodes:
        with node.client() as client:
            client.acl_deluser("worker")


@pytest.mark.parametrize("missing", [None, *rights.ON_A_CLUSTER])
async def test_rights_of_a_worker_on_a_cluster(missing: str | None, guarded_cluster: RedisCluster) -> None:
    """A client asks a cluster for its nodes, and for what its commands are."""
    more = [f"+{command}" for command in rights.ON_A_CLUSTER if command != missing]
    urls = [let_in(node, "worker", [*rights_of("worker").rules(), *more]) for node in guarded_cluster.nodes]
    if missing is None:
        await live(urls[0])
    else:
        with pytest.raises(Exception, match=missing.partition("|")[0]):
            await live(urls[0])


@pytest.mark.parametrize("missing", [None, *rights.BEHIND_SENTINELS, *rights.OF_SENTINELS])
async def test_rights_of_a_worker_behind_sentinels(missing: str | None, tmp_path: Path) -> None:
    """Sentinels and servers have users of their own."""
    behind = RedisSentinel(tmp_path)
    try:
        behind.start()
        of_servers = [f"+{command}" for command in rights.BEHIND_SENTINELS if command != missing]
        let_in(behind.servers[0], "worker", [*rights_of("worker").rules(), *of_servers])
        of_sentinels = [f"+{command}" for command in rights.OF_SENTINELS if command != missing]
        with behind.sentinel.client() as client:
            client.execute_command("ACL", "SETUSER", "finder", "reset", "on", ">pw", "-@all", *of_sentinels)
        url = behind.url.replace("://", "://worker:pw@") + "?sentinel_username=finder&sentinel_password=pw"
        if missing is None:
            await live(url)
        else:
            with pytest.raises(REFUSED, match=missing.partition("|")[0]):
                await live(url)
    finally:
        behind.stop()


async def test_eraser_asks_for_a_customer_to_be_forgotten_and_changes_nothing_else(redis_server: Redis) -> None:
    """Whoever answers letters from customers need not be able to change a number."""
    url = let_in(redis_server, "eraser", rights_of("eraser").rules())
    async with tables_at(redis_server.url) as owner:
        await write(owner)
    async with tables_at(url) as tables:
        await read(tables)
        await tables.ask_to_forget(0, "a", b"request")
        assert await tables.forget_requests(0) == {"a": b"request"}
        with pytest.raises(TablesUnavailable, match="permission"):
            await tables.commit(0, a_commit(FIRST.head, a_head(2)))
