"""The mark of a stream in its tables: left by the first worker, checked by whoever opens them."""

from __future__ import annotations

import structlog

from kpis.customer.facts import CONVERTIBLE_VERSIONS, STATE_VERSION
from streams.errors import ConfigurationError, TablesUnavailable
from streams.holding import unheld
from streams.settings.settings import Settings
from streams.tables import StreamMark, Tables, new_stream_id, version_of

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
            "on it; restore the topics: docs/operating.md",
        )
    log.warning(
        "partitions_added",
        partitions=partitions,
        counted_with=found.partitions,
        advice="nothing is lost: what lies there is forwarded; workers beyond counted_with bring nothing",
    )


async def check_version(tables: Tables, mark: StreamMark) -> None:
    """Refuse tables of an earlier version as long as `tenure rebuild` has not made others of them.

    Raises:
        TablesUnavailable: They are; workers of the earlier version go on with them meanwhile.
    """
    for number in range(mark.partitions):
        head = unheld(await tables.read_head(number))
        version = STATE_VERSION if head is None else version_of(head)
        if version is not None and version < STATE_VERSION:
            source = "" if version in CONVERTIBLE_VERSIONS else "--from kafka "
            advice = (
                f"the tables have version {version}, this program writes {STATE_VERSION}: run its `tenure rebuild "
                f"{source}--yes`, and it goes on by itself: docs/upgrading.md"
            )
            raise TablesUnavailable("Redis", advice, cause="unable")
