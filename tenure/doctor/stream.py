"""Diagnosis of the stream by its tables: settings, losses, lag, what was refused, and whether it moves."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from kpis.instants import instant_text
from schemas.wording import counted
from streams.partition.added import partitions_in_use
from streams.partition.losses import LossStore
from streams.partition.state import read_head
from streams.settings.settings import Settings
from streams.tables import Head, Stored, Tables
from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.operations.topic_records import reading
from tenure.stored.opening import tables_of
from tenure.stored.reading import stored_heads

AREA: Final = "stream"
_AHEAD_MS: Final = 3_600_000
_REFUSED_SHARE: Final = 0.01


async def stream_findings(settings: Settings, inputs: Sequence[str] | None) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of the stream.

    Args:
        settings: Of the stream.
        inputs: The input topics that Kafka has; None where it does not say, and nothing is said of the lag.

    Raises:
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable, LogUnavailable: Redis or Kafka does not answer.
        StateUnreadable: Another version has stored a partition.
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
        heads = await heads_of(tables, partitions)
    for finding in head_findings(heads):
        yield finding
    if inputs is None:
        return
    lag = await _lag(settings, heads, inputs)
    if lag:
        yield warning(
            AREA,
            f"{counted(lag, 'records')} wait to be applied",
            "wait, and look again; if it grows, start more workers: docs/operating.md",
        )
    else:
        yield ok(AREA, "every record in Kafka is applied")


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


async def heads_of(tables: Tables, partitions: int) -> dict[int, Head]:
    """Return the heads of the partitions that have one.

    Raises:
        StateUnreadable: Another version has stored one of them.
    """
    stored = await stored_heads(tables, partitions)
    return {number: read_head(number, Stored(head, {})) for number, head in stored.items() if head is not None}


def head_findings(heads: Mapping[int, Head]) -> list[Diagnosed]:
    """Return what the heads of all partitions count: what was applied and refused, and times that cannot be."""
    applied = sum(head.applied for head in heads.values())
    refused = sum(sum(head.dead_letters.values()) for head in heads.values())
    conflicts = sum(head.conflicts for head in heads.values())
    latest_ms = max((head.watermark_ms for head in heads.values()), default=0)
    found = (
        [ok(AREA, f"{counted(applied, 'events')} applied; the latest is of {instant_text(latest_ms)}")]
        if applied
        else []
    )
    if refused:
        more = refused > _REFUSED_SHARE * (applied + refused)
        share = ", more than one in a hundred" if more else ""
        what = f"{counted(refused, 'records')} refused so far{share}; those that were sent again are among them"
        found.append(warning(AREA, what, "`tenure dlq list --not-replayed` says which are left, and why"))
    if conflicts:
        found.append(
            warning(
                AREA,
                f"{counted(conflicts, 'events')} came again under a known id with other content",
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


async def _lag(settings: Settings, heads: Mapping[int, Head], inputs: Sequence[str]) -> int:
    """Return how many records lie in Kafka behind the stored positions (count)."""
    if not inputs:
        return 0
    none = Head(0)
    async with reading(settings, inputs, what="an input topic") as found:
        return sum(
            max(0, end - max(found.begins[tp], heads.get(tp.partition, none).positions.get(tp.topic, 0)))
            for tp, end in found.ends.items()
        )
