"""Diagnosis of Redis: whether it keeps what it is told, has room, and agrees about the time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, Final

from streams.errors import TablesUnavailable
from streams.redis.connection import asked, connect, infos, unsafe_of
from streams.redis.errors import no_redis, refusal_of
from streams.settings.settings import Settings
from tenure.doctor.findings import Diagnosed, fault, ok, warning

AREA: Final = "redis"
_FULL: Final = 0.8
_SKEW_SECONDS: Final = 2.0


async def redis_findings(settings: Settings) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of Redis.

    Raises:
        TablesUnavailable: It does not answer.
        ConfigurationError: It does not let us in.
    """
    url = settings.redis_url.get_secret_value()
    try:
        client = await connect(url)
        try:
            for finding in await _findings(client, settings):
                yield finding
        finally:
            await client.aclose()
    except TablesUnavailable as error:
        if error.cause == "unreachable":
            raise no_redis(settings.redis_address, error) from error
        raise refusal_of(url, error) or error from error


async def _findings(client: Any, settings: Settings) -> list[Diagnosed]:
    unsafe = await unsafe_of(client)
    found = [fault(AREA, f"{settings.redis_address}: {each}") for each in unsafe]
    if not unsafe:
        found.append(ok(AREA, f"{settings.redis_address} answers, appends to disk and does not evict"))
    for node in await infos(client, "memory"):
        used, limit = node.get("used_memory", 0), node.get("maxmemory", 0)
        if limit and used > _FULL * limit:
            share = f"{used / limit:.0%} of its {limit / 2**20:,.0f} MiB"
            found.append(
                warning(
                    AREA,
                    f"Redis uses {share}: full, it refuses commits and the stream waits",
                    "raise maxmemory, or add nodes: docs/operating.md",
                )
            )
    found += [
        fault(
            AREA,
            f"Redis could not write its append-only file ({name} {node[name]})",
            "free disk space where it runs, and read its log",
        )
        for node in await infos(client, "persistence")
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status")
        if node.get(name, "ok") != "ok"
    ]
    return [*found, *await _clock(client)]


async def _clock(client: Any) -> list[Diagnosed]:
    seconds, microseconds = await asked(client.time)
    skew = abs(time.time() - seconds - microseconds / 1e6)
    if skew <= _SKEW_SECONDS:
        return []
    return [
        warning(
            AREA, f"the clocks of Redis and of this machine differ by {skew:,.0f} s", "run a time service (NTP) on both"
        )
    ]
