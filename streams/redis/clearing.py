"""Removing all keys of one partition from Redis, step by step, while no commit gets in between.

The head is replaced first, by one that no commit expects; it goes last. So a partition of which something is left says
so, and a writer that has lost the partition meanwhile cannot remove what its successor has written.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from streams.errors import Conflict
from streams.redis.commit import run_where
from streams.redis.connection import asked
from streams.redis.scan import scan_keys
from streams.redis.script import CLAIM
from streams.tables import positions_of

_CLEARING: Final = b"clearing:"
"""What the head of a partition begins with whose tables are being removed."""


def is_clearing(head: bytes | None) -> bool:
    """Return whether a stored head says that the tables are being removed."""
    return head is not None and head.startswith(_CLEARING)


async def clear_keys(client: Any, start: str, partition: int) -> None:
    """Remove all keys of a partition in which half of a commit is, or which somebody else has begun to clear.

    Args:
        client: Of `streams.redis.connection.connect`.
        start: What all keys of the partition begin with, and no other.
        partition: For messages.

    Raises:
        Conflict: Nothing is wrong with it: somebody else has cleared it since, or a backup was restored.
        TablesUnavailable: Redis does not answer; call again.
    """
    head, counter = f"{start}h", f"{start}b"
    marker = _CLEARING + uuid.uuid4().hex.encode()

    async def fenced(expected: bytes | None, *commands: tuple[str, ...] | tuple[str, str, bytes]) -> bytes | None:
        return await asked(lambda: run_where(client, head, expected, commands))

    if not await asked(lambda: CLAIM.run(client, [head, counter], [marker, _CLEARING])):
        raise Conflict(partition, {}, positions_of(await asked(lambda: client.get(head))))
    kept = {head.encode(), counter.encode(), f"{start}f".encode()}  # requests to forget customers stay
    async for keys in scan_keys(client, f"{start}*", [start]):
        names = [key.decode() for key in keys if key not in kept]
        if names:
            stored = await fenced(marker, ("UNLINK", *names), ("SET", head, marker))
            if stored != marker:
                raise Conflict(partition, {}, positions_of(stored))
    stored = await fenced(marker, ("DEL", head, counter))
    if stored not in (marker, None):
        raise Conflict(partition, {}, positions_of(stored))
