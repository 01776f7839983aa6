"""A batch on its way into a partition's states: decoded, put in order, rid of what belongs elsewhere, folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import structlog

from kpis.customer.pseudonyms import ForgottenCustomer
from kpis.fold.restatements import fold_batch
from schemas.decoding.decoder import Decoded
from schemas.feeds import FeedKey, feed_of_refused
from schemas.refusals import Reason, Refusal
from streams.batching.partitioner import partitions_of
from streams.giving_way import giving_way
from streams.packed import Records, timestamps_of
from streams.partition.context import PartitionContext
from streams.partition.forgetting import rename, swallow
from streams.partition.forwarding import Forward, Seal, is_copy, was_forwarded_on
from streams.partition.references import references_of
from streams.partition.result import BatchResult, FeedCounts
from streams.partition.state import PartitionState
from streams.records import Record

log = structlog.get_logger(__name__)


async def apply_records(
    records: Records,
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
    decoded = await giving_way(context.reader.read_in_steps(records))
    seal = Seal(context.mark.id)
    mended = _mended_here(decoded, seal)
    decoded.put_in_order()
    customers, missing = held.states.find(decoded.events)
    strangers = await _bring_at_hand(missing, held, read_states)
    result = BatchResult(records=len(records), tests=decoded.tests)
    result.cache_hits, result.cache_misses = customers - len(missing), len(missing)
    forgotten: dict[str, ForgottenCustomer] = {}
    if strangers and context.forgotten.any:
        forgotten, swallowed = swallow(decoded, strangers, context.forgotten, mended)
        result.forgotten = len(swallowed)
        result.forgotten_copies = sum(is_copy(record, seal) for record in swallowed)
    result.forwards, returned = _take_away(decoded, strangers, number, context, seal) if strangers else _NOTHING_AWAY
    # Most records have no headers: they are not looked at any further.
    copies = [n for n in decoded.with_headers() if is_copy(decoded.records[n], seal)]
    result.copied_facts = sum(decoded.events[n].HAS_IDENTITY for n in copies)
    result.copied_instants = len(copies) - result.copied_facts
    commit, references = held.head.commits + 1, references_of(decoded, held.names)
    if forgotten:
        for n in rename(decoded, forgotten):
            references[n] = 0
        pseudonyms = [who.pseudonym for who in forgotten.values()]
        await _bring_at_hand([name for name in pseudonyms if name not in held.states], held, read_states)
    await giving_way(fold_batch(held.fold, decoded, held.states, references, context.windows, result, commit=commit))
    result.states = held.states.take_changed()
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
    result.latest_ms = decoded.latest_ms()
    result.arrived_ms = timestamps_of(records)
    return result


def _by_feed(
    decoded: Decoded[Record],
    refused: Sequence[tuple[Record, Refusal]],
    mended: Mapping[int, tuple[str, ...]],
    context: PartitionContext,
) -> FeedCounts:
    """Return how much of each feed is applied, refused and mended."""
    feeds = FeedCounts(Counter({FeedKey(*feed): count for feed, count in decoded.feeds().items()}))
    types = context.types_of_topics
    for record, _ in refused:
        feeds.dead_letters[feed_of_refused(record.value, types.get(record.topic))] += 1
    for n in decoded.mended:
        if id(decoded.records[n]) in mended:
            event = decoded.events[n]
            feeds.mended[FeedKey(event.TYPE, event.source)] += 1
    return feeds


async def _bring_at_hand(
    missing: list[str], held: PartitionState, read_states: Callable[[list[str]], Awaitable[list[bytes | None]]]
) -> list[str]:
    """Have the states of customers in memory that are not; return those who have none."""
    strangers: list[str] = []
    for customer, state in zip(missing, await read_states(missing) if missing else [], strict=True):
        if state is None:
            strangers.append(customer)
        else:
            held.states.put(customer, state)
    return strangers


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
