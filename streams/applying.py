"""A batch on its way into a partition's states: decoded, put in order, rid of what belongs elsewhere, folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpis.instants import milliseconds
from kpis.rows import Row
from schemas.decoding import Decoded
from schemas.events import Activity, Cancel, Event, Onboarding
from schemas.refusals import Reason, Refusal
from streams.errors import Misplaced
from streams.holdings import Holdings, Tally
from streams.outbox import Outgoing, forwarded, is_forwarded
from streams.partitioner import partitions_of
from streams.places import places_of
from streams.records import Record
from streams.restatements import Moved, fold_batch
from streams.writing import Writing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch comes to: not committed yet, and dropped with what is held where it cannot be."""

    #: that changed, by customer
    states: dict[str, bytes]
    rows: list[Row]
    refused: list[tuple[Record, Refusal]]
    #: what is to be sent to other partitions, each with the topic it lay on
    forwards: list[tuple[str, Outgoing]]
    #: what changed of periods that are over
    moved: list[Moved]
    tally: Tally
    #: events by type, duplicates included
    types: Counter[str]
    #: events of buckets that were over when their record reached the log (count)
    late: int
    #: customers whose state was in memory, and those whose state had to be read (counts)
    cache_hits: int
    cache_misses: int


async def apply_records(
    records: Sequence[Record],
    number: int,
    writing: Writing,
    held: Holdings,
    read_states: Callable[[list[str]], Awaitable[list[bytes | None]]],
) -> Outcome:
    """Decode and fold records of a partition.

    Args:
        records: Not applied yet.
        number: Of the partition.
        writing: Services and limits.
        held: What the worker has of it; states change there before they are stored.
        read_states: Reads stored states of customers, in order.

    Raises:
        Misplaced: A record that was forwarded here does not belong here.
    """
    decoded = writing.decoder.decode(records)
    _put_in_order(decoded)
    customers = list(dict.fromkeys([event.customer_id for event in decoded.events]))
    missing = held.states.take(customers)
    strangers: list[str] = []
    if missing:
        read = dict(zip(missing, await read_states(missing), strict=True))
        held.states.at_hand.update({customer: state for customer, state in read.items() if state is not None})
        strangers = [customer for customer, state in read.items() if state is None]
    facts, instants = _classes(decoded.events)
    forwards = _take_away(decoded, strangers, number, writing) if strangers else []
    kept_facts, kept_instants = _classes(decoded.events)
    copies = [event for event, record in zip(decoded.events, decoded.records, strict=True) if _is_copy(record)]
    copied_facts, copied_instants = _classes(copies)
    folding, places = held.fold.folding, places_of(decoded.records, held.names)
    applied, duplicates, conflicts = folding.applied, folding.duplicates, folding.conflicts
    done = fold_batch(held.fold, decoded, held.states.at_hand, places, writing.windows, commit=held.head.commits + 1)
    detail = f"the customer has {writing.max_facts} facts, as many as are kept (max_facts_per_customer)"
    too_many = [(decoded.records[n], Refusal(Reason.TOO_MANY_FACTS, detail)) for n in done.refused]
    refused = [*decoded.refused, *too_many]
    kinds: Counter[type[Event]] = Counter(map(type, decoded.events))
    tally = Tally(
        applied=folding.applied - applied,
        duplicates=folding.duplicates - duplicates,
        conflicts=folding.conflicts - conflicts,
        tests=decoded.tests,
        forwarded=len(forwards),
        away_facts=facts - kept_facts - copied_facts,
        away_instants=instants - kept_instants - copied_instants,
        dead_letters=Counter(refusal.reason.value for _, refusal in refused),
        latest_ms=_latest_ms(decoded),
    )
    return Outcome(
        states=done.states,
        rows=done.rows,
        refused=refused,
        forwards=forwards,
        moved=done.moved,
        tally=tally,
        types=Counter({kind.TYPE: n for kind, n in kinds.items()}),
        late=done.late,
        cache_hits=len(customers) - len(missing),
        cache_misses=len(missing),
    )


def _take_away(
    decoded: Decoded[Record], strangers: Sequence[str], number: int, writing: Writing
) -> list[tuple[str, Outgoing]]:
    """Take the events of customers of other partitions out of `decoded`.

    Only strangers are looked at, customers without a state: one that has a state here belongs here.

    Returns:
        What is to be sent there, each with the topic it lay on.
    """
    homes = partitions_of([customer.encode() for customer in strangers], writing.partitions)
    away = {customer: home for customer, home in zip(strangers, homes, strict=True) if home != number}
    if not away:
        return []
    out: list[tuple[str, Outgoing]] = []
    kept: list[int] = []
    for place, event in enumerate(decoded.events):
        home = away.get(event.customer_id)
        if home is None:
            kept.append(place)
            continue
        record = decoded.records[place]
        if is_forwarded(record):
            raise Misplaced(record.topic, number, record.offset, home)
        sent = forwarded(record, topic=writing.mixed_topic, partition=home, customer_id=event.customer_id)
        out.append((record.topic, sent))
    _pick(decoded, kept)
    return out


def _classes(events: Sequence[Event]) -> tuple[int, int]:
    """Return how many events have an identity, and how many have none: activity and onboarding."""
    kinds = Counter(map(type, events))
    instants = kinds[Activity] + kinds[Onboarding]
    return len(events) - instants, instants


def _is_copy(record: Record) -> bool:
    """Whether another partition has sent a record here; most have no headers at all."""
    return bool(record.headers) and is_forwarded(record)


def _put_in_order(decoded: Decoded[Record]) -> None:
    """Sort events by their time: no number changes, but the fold's short cuts then apply."""
    times = np.array(decoded.times, np.int64)
    if not (times[1:] >= times[:-1]).all():
        _pick(decoded, np.argsort(times, kind="stable").tolist())


def _pick(decoded: Decoded[Any], places: Sequence[int]) -> None:
    """Keep the events at places, in that order."""
    columns: tuple[list[Any], ...] = (decoded.events, decoded.times, decoded.records)
    for column in columns:
        column[:] = [column[place] for place in places]


def _latest_ms(decoded: Decoded[Record]) -> int:
    """Return the latest time of a batch's events; of a scheduled cancel the time at which it was announced."""
    times = decoded.times
    for place, event in enumerate(decoded.events):
        if type(event) is Cancel and event.effective_at is not None:
            times = times if times is not decoded.times else list(times)
            times[place] = milliseconds(event.time)
    return max(times, default=0)
