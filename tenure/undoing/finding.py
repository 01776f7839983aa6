"""Finding of a producer's events in the input topics: by source, type and time, each once.

A state holds hashes of source and id alone, so that the records themselves have to be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.decoding.decoder import Decoder
from schemas.events import Revoke
from schemas.instants import milliseconds
from streams.partition.forwarding import Seal, is_copy
from tenure.operations.topic_records import records_in
from tenure.stored.opening import seal_of
from tenure.undoing.clock import ByClock
from tenure.undoing.revokes import is_ours

if TYPE_CHECKING:
    from streams.records import ReadableRecord
    from streams.settings.settings import Settings

_SOURCES_KEPT: Final = 1_000
"""Of those that sent something in the span (count)."""


class WildQuery(NamedTuple):
    """A query for the events of a producer.

    Attributes:
        source: Its `source`, letter by letter.
        types: Event types; empty takes all.
        clock: By which the span is meant.
        since_ms, until_ms: The span [since, until) (ms since 1970); without an end up to now.
    """

    source: str
    types: frozenset[str]
    clock: ByClock
    since_ms: int
    until_ms: int | None

    def holds(self, at_ms: int) -> bool:
        """Tell whether an instant lies in the span."""
        return at_ms >= self.since_ms and (self.until_ms is None or at_ms < self.until_ms)


class WildEvent(NamedTuple):
    """An event that was found; its `time` in ms since 1970."""

    type: str
    time_ms: int


@dataclass
class WildEvents:
    """The events that were found.

    Attributes:
        seal: Of the stream, which tells its copies.
        by_customer: By customer and id; of several under one id the earliest.
        without_identity: Those that cannot be taken back, by type (count).
        sources: Of all events in the span, to tell what there is where a source has none (counts).
    """

    seal: Seal = field(default_factory=lambda: Seal(""))
    by_customer: dict[str, dict[str, WildEvent]] = field(default_factory=dict)
    without_identity: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def take(self, records: Iterable[ReadableRecord], decoder: Decoder, query: WildQuery) -> None:
        """Take some records; what the stream refuses is none of it."""
        decoded = decoder.decode(list(records))
        for event, at_ms, record in zip(decoded.events, decoded.times, decoded.records, strict=True):
            if not query.holds(record.timestamp if query.clock is ByClock.ARRIVAL else at_ms):
                continue
            if len(self.sources) < _SOURCES_KEPT or event.source in self.sources:
                self.sources[event.source] += 1
            if event.source != query.source or (query.types and event.TYPE not in query.types):
                continue
            if not event.HAS_IDENTITY or not event.HAS_CUSTOMER or isinstance(event, Revoke):
                # What was forwarded lies there twice, and may have no id by which that shows.
                self.without_identity[event.TYPE] += not is_copy(record, self.seal) and not is_ours(event.id)
                continue
            found = WildEvent(event.TYPE, milliseconds(event.time))
            own = self.by_customer.setdefault(event.customer_id, {})
            own[event.id] = min(found, own.get(event.id, found), key=_by_time)


def _by_time(event: WildEvent) -> tuple[int, str]:
    return event.time_ms, event.type


async def find_events(
    settings: Settings, decoder: Decoder, query: WildQuery, tell: Callable[[str], None]
) -> WildEvents:
    """Return the events of a producer that Kafka has; `tell` is told in a line what was not read.

    By arrival, reading begins at the first record of the span; by event time at the beginning of each topic, for an
    event may come long after it happened, or before.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: Kafka does not let us in.
        CheckFailed: A topic is not there.
    """
    found = WildEvents(await seal_of(settings))
    since_ms = query.since_ms if query.clock is ByClock.ARRIVAL else None
    topics = settings.input_topics
    async for records in records_in(settings, topics, what="an input topic", since_ms=since_ms, tell=tell):
        found.take(records, decoder, query)
    found.without_identity = +found.without_identity
    return found
