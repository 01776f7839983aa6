"""A Redis that takes rights away from a running worker: waited for, and told apart from one that does not answer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import pytest

from services.redis import Redis
from streams.errors import TablesUnavailable
from streams.redis.tables import RedisTables
from tests.contract.tables import redis_tables
from tests.contract.test_tables_away import AFTER_FIRST, AFTER_SECOND, CALLS, FIRST, LOOK, SECOND, WRITES

USER: Final = "worker"
GIVE: Final = f"ACL SETUSER {USER} reset on >secret +@all ~*"
TAKE: Final = {
    "no command": (f"ACL SETUSER {USER} -@all",),
    "no key": (f"ACL SETUSER {USER} resetkeys ~other:*",),
    "no key of counters": (f"ACL SETUSER {USER} resetkeys ~t:{{*}}:h ~t:{{*}}:n:* ~t:{{*}}:s:*",),
    "no writing of counters": (f"ACL SETUSER {USER} -hset",),
    "no reading in scripts": (f"ACL SETUSER {USER} -lrange",),
    "switched off": (f"ACL SETUSER {USER} off", f"CLIENT KILL USER {USER}"),
    "another password": (f"ACL SETUSER {USER} resetpass >other", f"CLIENT KILL USER {USER}"),
    "gone": (f"ACL DELUSER {USER}",),
}
#: what each takes away
HIT: Final = {
    "no key of counters": ("read_spans", "read_group", "snapshot", "commit"),
    "no writing of counters": ("commit",),
    "no reading in scripts": ("load", "read_redo", "read_states", "snapshot"),
}


@pytest.fixture
async def tables(redis_server: Redis) -> AsyncIterator[RedisTables]:
    """Tables with one commit in them, of a user with a password."""
    tell(redis_server, GIVE)
    async with redis_tables(redis_server.url.replace("redis://", f"redis://{USER}:secret@"), "t") as under_test:
        await under_test.commit(0, FIRST)
        yield under_test


def tell(server: Redis, *commands: str) -> None:
    """Change the server's users."""
    with server.client() as client:
        for command in commands:
            client.execute_command(*command.split())


@pytest.mark.parametrize("case", list(TAKE))
async def test_rights_that_are_taken_away_are_waited_for_and_named(
    case: str, tables: RedisTables, redis_server: Redis
) -> None:
    """Somebody tightens the rules, or rotates a password: a halt would need a restart even after it is mended."""
    tell(redis_server, *TAKE[case])
    with contextlib.suppress(TablesUnavailable):  # of a connection that was cut
        await tables.read_head(0)
    for name in HIT.get(case, CALLS):
        with pytest.raises(TablesUnavailable, match=r"Redis refuses us: .") as refused:
            await CALLS[name](tables)
        assert refused.value.cause == "refused", name
        assert "secret" not in str(refused.value)
    tell(redis_server, GIVE)
    if set(WRITES).isdisjoint(HIT.get(case, CALLS)):
        assert await LOOK.of(tables) == AFTER_FIRST
    await tables.commit(0, SECOND)
    assert await LOOK.of(tables) == AFTER_SECOND


async def test_a_commit_that_was_refused_has_stored_nothing(tables: RedisTables, redis_server: Redis) -> None:
    """States are written before counters: half a commit would count some events and not their customers."""
    tell(redis_server, *TAKE["no writing of counters"])
    with pytest.raises(TablesUnavailable):
        await tables.commit(0, SECOND)
    assert await LOOK.of(tables) == AFTER_FIRST


async def test_a_full_redis_is_told_apart_from_a_silent_one(tables: RedisTables, redis_server: Redis) -> None:
    """Who is called looks at its memory then, and not at the network."""
    tell(redis_server, "CONFIG SET maxmemory 1")
    with pytest.raises(TablesUnavailable, match="Redis cannot do it now: OutOfMemoryError") as full:
        await tables.commit(0, SECOND)
    redis_server.kill()
    with pytest.raises(TablesUnavailable, match="Redis does not answer") as silent:
        await tables.load(0)
    assert (full.value.cause, silent.value.cause) == ("unable", "unreachable")
