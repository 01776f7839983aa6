"""The context that the writers of all partitions share, made from the settings, and the port of agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from kpis.counting.windows import Windows
from kpis.customer.what_counts import WhatCounts
from kpis.fold.reading import BatchReader
from kpis.names import Names
from schemas.decoding.decoder import Decoder
from schemas.feeds import types_of_topics
from schemas.topics import MIXED_TOPIC_SETTING
from streams.batching.batches import Batch
from streams.forgetting.forgotten import Forgotten
from streams.holding import HoldWatch
from streams.partition.outbox import Outbox
from streams.partition.unwritten import REDO_LIMITS, RedoLimits
from streams.partition.waiting_room import WaitingRoom
from streams.records import TP
from streams.settings.meaning import decoder_of, names_of, windows_of
from streams.settings.settings import Settings
from streams.tables import StreamMark, Tables

if TYPE_CHECKING:
    from streams.batching.consumer import BatchConsumer


@dataclass(frozen=True, slots=True)
class PartitionContext:
    """Services and limits, the same for all partitions of a worker."""

    tables: Tables
    #: what the stream says of itself in its tables
    mark: StreamMark
    outbox: Outbox
    #: reads for the worker; there once the application is built
    consumer: Callable[[], BatchConsumer]
    decoder: Decoder
    #: reads batches as the decoder does
    reader: BatchReader
    windows: Windows
    what_counts: WhatCounts
    #: returns empty intern tables
    new_names: Callable[[], Names]
    partitions: int
    topics: tuple[str, ...]
    mixed_topic: str
    #: the type that gives an input topic its name; none of the mixed one
    types_of_topics: Mapping[str, str]
    dead_letter_topic: str
    #: where tombstones of forgotten customers go
    forgotten_topic: str
    max_facts: int = 4096
    batch_max_records: int = 10_000
    state_cache_customers: int = 200_000
    redo_limits: RedoLimits = REDO_LIMITS
    #: for what waits of all partitions
    waiting_room: WaitingRoom = field(default_factory=WaitingRoom)
    #: who is forgotten
    forgotten: Forgotten = field(default_factory=Forgotten)
    #: which partitions commands hold still; None: nobody remembers for how long
    holds: HoldWatch | None = None
    #: of `tenure rebuild`, which counts beside the stream what that has counted: the offset up to which it has; None:
    #: this is the stream itself, which counts without end
    until: Callable[[TP], int | None] | None = None


def context_of(
    settings: Settings,
    *,
    tables: Tables,
    outbox: Outbox,
    consumer: Callable[[], BatchConsumer],
    partitions: int,
    stream_id: str = "",
    latest_ms: int | None = None,
    forgotten: Forgotten | None = None,
    until: Callable[[TP], int | None] | None = None,
    redo_limits: RedoLimits = REDO_LIMITS,
) -> PartitionContext:
    """Return what writers need, as settings ask for it; `stream_id` is that of the mark in the tables."""
    decoder = decoder_of(settings, latest_ms=latest_ms)
    return PartitionContext(
        tables=tables,
        mark=StreamMark(settings.group, partitions, settings.fingerprint(), stream_id),
        outbox=outbox,
        consumer=consumer,
        decoder=decoder,
        reader=BatchReader(decoder),
        windows=windows_of(settings),
        what_counts=settings.what_counts,
        new_names=partial(names_of, settings),
        partitions=partitions,
        topics=settings.input_topics,
        mixed_topic=settings.topics[MIXED_TOPIC_SETTING],
        types_of_topics=types_of_topics(settings.topics),
        dead_letter_topic=settings.dead_letter_topic,
        forgotten_topic=settings.forgotten_topic,
        max_facts=settings.max_facts_per_customer,
        batch_max_records=settings.batch_max_records,
        state_cache_customers=settings.state_cache_customers,
        redo_limits=redo_limits,
        forgotten=Forgotten() if forgotten is None else forgotten,
        holds=HoldWatch(tables),
        until=until,
    )


class Sink(Protocol):
    """The receiver of the agents' batches."""

    async def apply(self, batch: Batch) -> None:
        """Take a batch over, at once (see `PartitionOwner.has_room`); never raises for what a record holds."""
