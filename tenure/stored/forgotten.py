"""The forgotten customers of a stream, for commands: read once from the topic of tombstones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.forgetting.forgotten import Forgotten, forget_key_of
from streams.forgetting.kafka import KafkaTombstones
from streams.kafka.security import client_options
from streams.settings.settings import Settings


@asynccontextmanager
async def known_forgotten(settings: Settings) -> AsyncIterator[Forgotten]:
    """Read who is forgotten, as the topic says now.

    Raises:
        ForgetKeyUnfit: Customers are forgotten under another key than that of the settings, or it has none.
        LogUnavailable: Kafka does not answer.
    """
    options = client_options(settings)
    forgotten = Forgotten(KafkaTombstones(settings.forgotten_topic, options), forget_key_of(settings))
    try:
        await forgotten.refresh()
        yield forgotten
    finally:
        await forgotten.close()
