"""A batch on its way into a partition's states: decoded, put in order, rid of what belongs elsewhere, folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple

import numpy as np
import structlog

from kpis.customer.pseudonyms import ForgottenCustomer
from kpis.fold.restatements import fold_batch
from schemas.decoding.decoder import Decoded
from schemas.events import Event, LifecycleEvent
from schemas.feeds import FeedKey, feed_of_refused
from schemas.instants import milliseconds
from schemas.refusals import Reason, Refusal
from streams.batching.partitioner import partitions_of
from streams.giving_way import giving_way
from streams.partition.context import PartitionContext
from streams.partition.forgetting import rename, swallow
from streams.partition.forwarding import Forward, Seal, is_copy, was_forwarded_on
from streams.partition.references import references_of
from streams.partition.result import BatchResult, FeedCounts
from streams.partition.state import PartitionState
from streams.records import Record

log = structlog.get_logger(__name__)
_SOURCE_OF: Final = attrgetter("source")


async def apply_records(
    records: Sequence[Record],
    number: int,
    context: PartitionContext,
    held: PartitionState,
    read_states: Callable[[list[str]], Awaitable[list[bytes | None]]],
) -> BatchResult:
    """Decode and fold records of a partition.

    Args:
        records: Not applied yet.
        number: Of the partition.
        context: Services and limits.
        held: What the worker has of it; states change there before they are stored.
        read_states: Reads stored states of customers, in order.
    """
    decoded = await giving_way(context.decoder.decode_in_steps(records))
    seal = Seal(context.mark.id)
    mended = _mended_here(decoded, seal)
    _put_in_order(decoded)
    customers = list(dict.fromkeys([event.customer_id for event in decoded.events]))
    missing = held.states.take(customers)
    strangers: list[str] = []
    if missing:
        read = dict(zip(missing, await read_states(missing), strict=True))
        held.states.at_hand.update({customer: state for customer, state in read.items() if state is not None})
        strangers = [customer for customer, state in read.items() if state is None]
    result = BatchResult(records=len(records), tests=decoded.tests)
    result.cache_hits, result.cache_misses = len(customers) - len(missing), len(missing)
    forgotten: dict[str, ForgottenCustomer] = {}
    if strangers and context.forgotten.any:
        forgotten, swallowed = swallow(decoded, strangers, context.forgotten, mended)
        result.forgotten = len(swallowed)
        result.forgotten_copies = sum(is_copy(record, seal) for record in swallowed)
    result.forwards, returned = _take_away(decoded, strangers, number, context, seal) if strangers else _NOTHING_AWAY
    # Most records have no headers: they are not looked at any further.
    copies = [n for n, record in enumerate(decoded.records) if record.headers and is_copy(record, seal)]
    result.copied_facts = sum(decoded.events[n].HAS_IDENTITY for n in copies)
    result.copied_instants = len(copies) - result.copied_facts
    commit, at_hand, references = held.head.commits + 1, held.states.at_hand, references_of(decoded.records, held.names)
    if forgotten:
        for n in rename(decoded, forgotten):
            references[n] = 0
        await _bring_at_hand([who.pseudonym for who in forgotten.values()], held, read_states)
    await giving_way(fold_batch(held.fold, decoded, at_hand, references, context.windows, result, commit=commit))
    result.duplicates += returned
    detail = f"the customer has {context.max_facts} facts, as many as are kept (max_facts_per_customer)"
    over_limit = [(decoded.records[n], Refusal(Reason.TOO_MANY_FACTS, detail)) for n in result.over_limit]
    result.refused = [*decoded.refused, *over_limit]
    for record, _ in over_limit:
        mended.pop(id(record), None)
    result.mended = Counter(chain.from_iterable(mended.values()))
    result.feeds = _by_feed(decoded, result.refused, mended, context)
    for (kind, _), count in result.feeds.applied.items():
        result.types[kind] += count
    result.latest_ms = _latest_ms(decoded)
    result.arrived_ms = np.array([record.timestamp for record in records], np.int64)
    return result


def _by_feed(
    decoded: Decoded[Record],
    refused: Sequence[tuple[Record, Refusal]],
    mended: Mapping[int, tuple[str, ...]],
    context: PartitionContext,
) -> FeedCounts:
    """Return how much of each feed is applied, refused and mended."""
    kinds: Iterable[type[Event]] = map(type, decoded.events)
    counted = Counter(zip(kinds, map(_SOURCE_OF, decoded.events), strict=True))
    feeds = FeedCounts()
    for (kind, source), count in counted.items():
        feeds.applied[FeedKey(kind.TYPE, source)] += count
    types = context.types_of_topics
    for record, _ in refused:
        feeds.dead_letters[feed_of_refused(record.value, types.get(record.topic))] += 1
    if mended:
        for event, record in zip(decoded.events, decoded.records, strict=True):
            if id(record) in mended:
                feeds.mended[FeedKey(event.TYPE, event.source)] += 1
    return feeds


async def _bring_at_hand(
    customers: list[str], held: PartitionState, read_states: Callable[[list[str]], Awaitable[list[bytes | None]]]
) -> None:
    """Have the states of some customers at hand, of those that have one."""
    missing = held.states.take(customers)
    if missing:
        read = dict(zip(missing, await read_states(missing), strict=True))
        held.states.at_hand.update({customer: state for customer, state in read.items() if state is not None})


def _mended_here(decoded: Decoded[Record], seal: Seal) -> dict[int, tuple[str, ...]]:
    """Return the mended members of events by the `id` of their record.

    Without records that came from other partitions: what was mended of them was counted where they lay first.
    """
    return {
        id(decoded.records[n]): members
        for n, members in decoded.mended.items()
        if not is_copy(decoded.records[n], seal)
    }


class _Away(NamedTuple):
    """Events of a batch that belong to customers of other partitions."""

    forwards: list[Forward]
    #: records that are known, because another stream has sent our copy of them on (count)
    returned: int


_NOTHING_AWAY = _Away([], 0)


def _take_away(
    decoded: Decoded[Record], strangers: Sequence[str], number: int, context: PartitionContext, seal: Seal
) -> _Away:
    """Take the events of customers of other partitions out of `decoded`.

    Only strangers are looked at, customers without a state: one that has a state here belongs here. A partition that
    the topics got after the tables were begun has no customers: all of its events go elsewhere.
    """
    homes = partitions_of([customer.encode() for customer in strangers], context.partitions)
    away = {customer: home for customer, home in zip(strangers, homes, strict=True) if home != number}
    if not away:
        return _NOTHING_AWAY
    forwards: list[Forward] = []
    kept: list[int] = []
    returned = 0
    for index, event in enumerate(decoded.events):
        home = away.get(event.customer_id)
        if home is None:
            kept.append(index)
            continue
        record = decoded.records[index]
        if was_forwarded_on(record, seal):
            returned += 1
            log.debug("record_returned", topic=record.topic, partition=number, offset=record.offset)
        else:
            forwards.append(Forward(record, context.mixed_topic, home, event.customer_id, seal, event.HAS_IDENTITY))
    decoded.pick(kept)
    return _Away(forwards, returned)


def _put_in_order(decoded: Decoded[Record]) -> None:
    """Sort events by their time: no number changes, but the fold's short cuts then apply."""
    times = np.array(decoded.times, np.int64)
    if not (times[1:] >= times[:-1]).all():
        decoded.pick(np.argsort(times, kind="stable").tolist())


def _latest_ms(decoded: Decoded[Record]) -> int:
    """Return the latest time of a batch's events; of a scheduled fact the time at which it was announced."""
    times = decoded.times
    for index, event in enumerate(decoded.events):
        if isinstance(event, LifecycleEvent) and event.effective_at is not None:
            times = times if times is not decoded.times else list(times)
            times[index] = milliseconds(event.time)
    return max(times, default=0)
