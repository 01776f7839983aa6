"""Diagnosis of the stream by its tables: settings, losses, lag, what was refused, and whether it moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from kpis.instants import instant_text
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options
from streams.partition.added import partitions_in_use
from streams.partition.losses import LossStore
from streams.settings.settings import Settings
from streams.tables import Head, Tables, decode_head
from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.doctor.topics import input_partitions
from tenure.stored.opening import tables_of

AREA: Final = "stream"
_ANSWER_SECONDS: Final = 15.0
_AHEAD_MS: Final = 3_600_000
_REFUSED_SHARE: Final = 0.01


async def stream_findings(settings: Settings) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of the stream.

    Raises:
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable, LogUnavailable: Redis or Kafka does not answer.
    """
    async with tables_of(settings) as (tables, mark):
        if mark is None:
            yield fault(
                AREA,
                f"no stream has written under the prefix {settings.redis_prefix!r} yet",
                "start `tenure worker` with the same settings",
            )
            return
        yield ok(AREA, "the settings are those that the tables were counted under")
        partitions = await partitions_in_use(tables, mark)
        for finding in await _losses(tables, partitions):
            yield finding
        heads = await _heads(tables, partitions)
    lag = await _lag(settings, heads)
    if lag:
        yield warning(
            AREA,
            f"{lag:,} records wait to be applied",
            "wait, and look again; if it grows, start more workers: docs/operating.md",
        )
    else:
        yield ok(AREA, "every record in Kafka is applied")
    for finding in _of_heads(heads):
        yield finding


async def _losses(tables: Tables, partitions: int) -> list[Diagnosed]:
    losses = await LossStore(tables).losses(partitions)
    return [
        fault(
            AREA,
            f"partition {loss.partition} is halted: it has lost events or tables of "
            f"{', '.join(each.topic for each in loss.ranges)}; numbers lack it",
            f"read docs/runbooks/TenurePartitionHalted.md, then `tenure resume {loss.partition}`",
        )
        for loss in losses.waiting
    ]


async def _heads(tables: Tables, partitions: int) -> dict[int, Head]:
    stored = {number: (await tables.load(number)).head for number in range(partitions)}
    return {number: decode_head(head) for number, head in stored.items() if head is not None}


def _of_heads(heads: dict[int, Head]) -> list[Diagnosed]:
    applied = sum(head.applied for head in heads.values())
    refused = sum(sum(head.dead_letters.values()) for head in heads.values())
    conflicts = sum(head.conflicts for head in heads.values())
    latest_ms = max((head.watermark_ms for head in heads.values()), default=0)
    found = [ok(AREA, f"{applied:,} events applied; the latest is of {instant_text(latest_ms)}")] if applied else []
    if refused:
        more = refused > _REFUSED_SHARE * (applied + refused)
        what = f"{refused:,} record{'' if refused == 1 else 's'} refused" + (
            ", more than one in a hundred" if more else ""
        )
        found.append(warning(AREA, what, "`tenure dlq list` says why"))
    if conflicts:
        found.append(
            warning(
                AREA,
                f"{conflicts:,} events came again under a known id with other content",
                "have their producer give each event an id of its own; see docs/events.md",
            )
        )
    if latest_ms > time.time() * 1000 + _AHEAD_MS:
        found.append(
            warning(
                AREA, f"the latest event lies in the future: {instant_text(latest_ms)}", "set the clock of its producer"
            )
        )
    return found


async def _lag(settings: Settings, heads: dict[int, Head]) -> int:
    """Return how many records lie in Kafka behind the stored positions (count)."""
    tps = await input_partitions(settings)
    options = client_options(settings)
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False)
    try:
        await asyncio.wait_for(consumer.start(), _ANSWER_SECONDS)
        ends = await asyncio.wait_for(consumer.end_offsets(tps), _ANSWER_SECONDS) if tps else {}
        begins = await asyncio.wait_for(consumer.beginning_offsets(tps), _ANSWER_SECONDS) if tps else {}
    except (KafkaError, OSError, TimeoutError) as error:
        raise await no_kafka(settings, options, error) from error
    finally:
        await consumer.stop()
    none = Head(0)
    return sum(
        max(0, end - max(begins[tp], heads.get(tp.partition, none).positions.get(tp.topic, 0)))
        for tp, end in ends.items()
    )
