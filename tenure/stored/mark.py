"""The mark of a stream in its tables: left by the first worker, checked by whoever opens them."""

from __future__ import annotations

import structlog

from streams.errors import ConfigurationError
from streams.settings.settings import Settings
from streams.tables import StreamMark, Tables, new_stream_id

log = structlog.get_logger(__name__)


async def claim_tables(settings: Settings, tables: Tables, *, partitions: int) -> StreamMark:
    """Leave the stream's mark in its tables, or find that they belong to another stream; return the mark there.

    Raises:
        ConfigurationError: They were counted under other settings, another group, or more partitions.
    """
    mark = StreamMark(settings.group, partitions, settings.fingerprint(), new_stream_id())
    found = await tables.mark(mark)
    check_mark(settings, found, partitions=partitions)
    return found


def check_mark(settings: Settings, found: StreamMark, *, partitions: int | None = None) -> None:
    """Refuse tables that another stream has marked.

    More partitions than the tables were counted with are no reason: customers stay where they are.

    Raises:
        ConfigurationError: See `claim_tables`.
    """
    if found.group != settings.group:
        raise ConfigurationError(
            "TENURE_GROUP",
            settings.group,
            f"the tables under {settings.redis_prefix!r} belong to the group {found.group!r}; "
            "use that group, or set another TENURE_REDIS_PREFIX",
        )
    settings.check_fingerprint(found.meaning)
    if partitions is None or partitions == found.partitions:
        return
    if partitions < found.partitions:
        raise ConfigurationError(
            "TENURE_TOPICS",
            f"{partitions} partitions",
            f"the tables were counted with {found.partitions} partitions a topic, and a customer's partition depends "
            "on it; restore the topics, or count anew under another TENURE_REDIS_PREFIX and TENURE_GROUP",
        )
    log.warning(
        "partitions_added",
        partitions=partitions,
        counted_with=found.partitions,
        advice="nothing is lost: what lies there is forwarded; workers beyond counted_with bring nothing",
    )
