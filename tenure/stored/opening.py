"""Opening the tables of a running stream in its Redis, with what halted partitions lack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from streams.errors import TablesUnavailable, TenureError, UsageError
from streams.partition.added import partitions_in_use
from streams.partition.forwarding import Seal
from streams.partition.losses import LossStore, StreamLosses
from streams.redis.errors import no_redis, refusal_of
from streams.redis.tables import RedisTables, connect
from streams.settings.settings import Settings
from streams.tables import StreamMark, Tables
from tenure.stored.mark import check_mark

log = structlog.get_logger(__name__)


@asynccontextmanager
async def running_tables(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark]]:
    """Open the tables of a running stream, and close them in the end.

    The mark is given with all partitions that have something stored, those too that topics got later.

    Raises:
        UsageError: There is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    async with tables_of(settings) as (tables, mark):
        if mark is None:
            raise UsageError(
                f"no stream has written to {settings.redis_address} under the prefix {settings.redis_prefix!r} yet; "
                "start `tenure worker` with the same settings, or set TENURE_REDIS_URL and TENURE_REDIS_PREFIX to its"
            )
        yield tables, mark._replace(partitions=await partitions_in_use(tables, mark))


@asynccontextmanager
async def counted_tables(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark, StreamLosses]]:
    """Open the tables of a running stream to count with them, as `running_tables`; with what they lack.

    What halted partitions have lost, and nobody gave up, is told in the log too.
    """
    async with running_tables(settings) as (tables, mark):
        yield tables, mark, await _told_losses(tables, mark)


async def _told_losses(tables: Tables, mark: StreamMark) -> StreamLosses:
    losses = await LossStore(tables).losses(mark.partitions)
    if losses.waiting:
        log.error(
            "numbers_incomplete",
            halted_partitions=[loss.partition for loss in losses.waiting],
            advice="they have lost events or tables, and what they count is missing: see `tenure resume`",
        )
    return losses


async def seal_of(settings: Settings) -> Seal:
    """Return what tells the copies that a stream has sent on; where its tables cannot be asked, one that believes none.

    Anybody may write the header of a copy.
    """
    try:
        async with tables_of(settings) as (_, mark):
            return Seal("" if mark is None else mark.id)
    except TenureError:
        return Seal("")


@asynccontextmanager
async def tables_of(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark | None]]:
    """Open the tables of a stream that need not have begun yet: then it has no mark. Close them in the end.

    Raises:
        ConfigurationError: They belong to another stream, or were counted under other settings, or may not be read.
        TablesUnavailable: Redis does not answer.
    """
    async with open_tables(settings) as (tables, mark):
        if mark is not None:
            check_mark(settings, mark)
        yield tables, mark


@asynccontextmanager
async def open_tables(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark | None]]:
    """Open tables as `tables_of` does, whatever settings they were counted under."""
    url = settings.redis_url.get_secret_value()
    try:
        tables = RedisTables(await connect(url), prefix=settings.redis_prefix)
        try:
            yield tables, await tables.read_mark()
        finally:
            await tables.close()
    except TablesUnavailable as error:
        if error.cause == "unreachable":
            raise no_redis(settings.redis_address, error) from error
        refusal = refusal_of(url, error) if error.cause == "refused" else None
        raise refusal or error from error
