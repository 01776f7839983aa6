"""The forgotten customers of a stream, as the topic of tombstones has them: for workers and commands alike.

Whoever may wait for Kafka says how the topic is read first; everybody else is told that it does not answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from streams.forgetting.forgotten import Forgotten, forget_key_of
from streams.forgetting.kafka import KafkaTombstones
from streams.kafka.security import client_options
from streams.settings.settings import Settings


@asynccontextmanager
async def known_forgotten(
    settings: Settings,
    options: Mapping[str, Any] | None = None,
    read: Callable[[Forgotten], Awaitable[None]] = Forgotten.refresh,
) -> AsyncIterator[Forgotten]:
    """Read who is forgotten, as the topic says now; close the connection in the end.

    Args:
        settings: Name the topic, and have the key.
        options: Of a client of Kafka; None: as `client_options` makes them.
        read: Reads the topic for the first time.

    Raises:
        ForgetKeyUnfit: Customers are forgotten under another key than that of the settings, or it has none.
        LogUnavailable: Kafka does not answer, and `read` does not wait until it does.
    """
    log = KafkaTombstones(settings.forgotten_topic, client_options(settings) if options is None else options)
    forgotten = Forgotten(log, forget_key_of(settings))
    try:
        await read(forgotten)
        yield forgotten
    finally:
        await forgotten.close()
