"""A transaction that Redis carries out only where a key still holds what the writer believes it holds.

WATCH, a look, then MULTI … EXEC: all of it or nothing, like a script, but without each argument being made a string of
the script's language first, which costs Redis as much again as the commands themselves. Works the same on a cluster,
where all keys of a partition lie in one slot; keeps to what Redis 6.2 knows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ResponseError, WatchError

from streams.redis.commands import Command, wire

_Client = Any  # redis.asyncio.Redis | RedisCluster: their commands are typed as sync or async, which helps nobody
_Connection = Any


class DoneInPart(Exception):
    """Redis has carried out some commands of a transaction and not others: a key holds what is none of ours.

    Args:
        reason: What Redis said of the first that it did not carry out.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Torn(Exception):
    """Redis has carried out the beginning of a transaction without its end, at some time."""


def is_torn(begun: bytes | None, ended: bytes | None) -> bool:
    """Return whether more transactions were begun than ended, by the fields of a counter that `run_where` keeps."""
    return begun != ended


async def run_where(
    client: _Client, key: str, expected: bytes | None, commands: Sequence[Command], *, counter: str | None = None
) -> bytes | None:
    """Run commands in one step if a key holds what is expected; the commands must change the key.

    A Redis that loads an append-only file that ends within a transaction keeps the beginning of it in the file, and
    carries that out at the next load, with the next transaction. Hence a counter: raised before the commands and again
    after them, so that a transaction of which only the beginning was ever carried out leaves it uneven for good.

    Args:
        client: Of one Redis, or of a cluster.
        key: In the same slot as all keys of the commands.
        expected: What it must hold; None: nothing.
        commands: To be run, in order.
        counter: A hash in the same slot, with the fields `begun` and `ended`; None keeps no count.

    Returns:
        What the key holds: `expected` where the commands were run.

    Raises:
        RedisError: Nothing is known of the outcome, or Redis refused, and nothing was written.
        DoneInPart: Redis refused some of the commands, and has carried out the others.
        Torn: The counter is uneven.
    """
    if counter is not None:
        commands = [("HINCRBY", counter, "begun", 1), *commands, ("HINCRBY", counter, "ended", 1)]
    keys = (key,) if counter is None else (key, counter)
    async with _connection(client, key) as connection:
        # MULTI goes with the look: were it refused, the commands after it would be carried out one by one.
        counts: list[Command] = [] if counter is None else [("HMGET", counter, "begun", "ended")]
        _, stored, *found, _ = await _ask(connection, [("WATCH", *keys), ("GET", key), *counts, ("MULTI",)])
        if found and is_torn(*found[0]):
            await _ask(connection, [("DISCARD",)])
            raise Torn
        if stored != expected:
            await _ask(connection, [("DISCARD",)])
            return stored  # type: ignore[no-any-return]
        *_, done = await _ask(connection, [*commands, ("EXEC",)])
        if done is None:  # somebody has written since the look
            (stored,) = await _ask(connection, [("GET", key)])
            if stored == expected:
                raise WatchError("the key was written, and holds what it held")
            return stored  # type: ignore[no-any-return]
        for answer in done:
            if isinstance(answer, Exception):
                raise DoneInPart(str(answer)) from answer
        return expected


async def _ask(connection: _Connection, commands: Sequence[Command]) -> list[Any]:
    """Send commands at once and return their answers.

    Raises:
        ResponseError: The last command's refusal, or else the first of the others; all answers were read.
    """
    await connection.send_packed_command(wire(commands))
    answers: list[Any] = []
    refused: list[ResponseError] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except ResponseError as error:  # those after it still come
            refused.append(error)
    if refused:  # the first says why; that EXEC was aborted follows from it
        raise refused[0]
    return answers


@asynccontextmanager
async def _connection(client: _Client, key: str) -> AsyncIterator[_Connection]:
    """Lend a connection to whoever holds a key; one that is left in the middle is closed, and so is its WATCH."""
    if isinstance(client, RedisCluster):
        await client.get(key)  # follows the slot to where it is now
        node: Any = client.get_node_from_key(key)
        connection, let_go = node.acquire_connection(), node.release
    else:
        pool = client.connection_pool
        connection, let_go = await pool.get_connection(), pool.release
    try:
        yield connection
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    finally:
        done = let_go(connection)
        if done is not None:
            await done
