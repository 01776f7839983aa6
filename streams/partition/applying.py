"""A batch on its way into a partition's states: decoded, put in order, rid of what belongs elsewhere, folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import structlog

from kpis.fold.restatements import Moved, fold_batch
from kpis.fold.rows import Row
from schemas.decoding.decoder import Decoded
from schemas.events import Cancel, Event
from schemas.instants import milliseconds
from schemas.refusals import Reason, Refusal
from streams.giving_way import giving_way
from streams.partition.context import Writing
from streams.partition.forwarding import Forward, Seal, is_copy, was_forwarded_on
from streams.partition.partitioner import partitions_of
from streams.partition.places import places_of
from streams.partition.state import Holdings, Tally
from streams.records import Record

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch comes to: not committed yet, and dropped with what is held where it cannot be."""

    #: that changed, by customer
    states: dict[str, bytes]
    rows: list[Row]
    refused: list[tuple[Record, Refusal]]
    #: what is to be sent to other partitions
    forwards: list[Forward]
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

    def with_refused(self, refused: Sequence[tuple[Record, Refusal]]) -> Outcome:
        """Return it with records refused that it would have forwarded."""
        places = {(record.topic, record.offset) for record, _ in refused}
        gone = [each for each in self.forwards if (each.record.topic, each.record.offset) in places]
        forwards = [each for each in self.forwards if (each.record.topic, each.record.offset) not in places]
        reasons = Counter(refusal.reason.value for _, refusal in refused)
        facts, instants = _classes([each.has_identity for each in gone])
        tally = replace(
            self.tally,
            forwarded=len(forwards),
            away_facts=self.tally.away_facts - facts,
            away_instants=self.tally.away_instants - instants,
            dead_letters=Counter(self.tally.dead_letters) + reasons,
        )
        return replace(self, refused=[*self.refused, *refused], forwards=forwards, tally=tally)


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
    """
    decoded = await giving_way(writing.decoder.decode_in_steps(records))
    _put_in_order(decoded)
    customers = list(dict.fromkeys([event.customer_id for event in decoded.events]))
    missing = held.states.take(customers)
    strangers: list[str] = []
    if missing:
        read = dict(zip(missing, await read_states(missing), strict=True))
        held.states.at_hand.update({customer: state for customer, state in read.items() if state is not None})
        strangers = [customer for customer, state in read.items() if state is None]
    seal = Seal(writing.mark.id)
    forwards, returned = _take_away(decoded, strangers, number, writing, seal) if strangers else _NOTHING_AWAY
    sent_facts, sent_instants = _classes([each.has_identity for each in forwards])
    # Most records have no headers: they are not looked at any further.
    copies = [n for n, record in enumerate(decoded.records) if record.headers and is_copy(record, seal)]
    copied_facts, copied_instants = _classes([decoded.events[n].HAS_IDENTITY for n in copies])
    folding, places = held.fold.folding, places_of(decoded.records, held.names)
    applied, duplicates, conflicts = folding.applied, folding.duplicates, folding.conflicts
    commit, states = held.head.commits + 1, held.states.at_hand
    done = await giving_way(fold_batch(held.fold, decoded, states, places, writing.windows, commit=commit))
    detail = f"the customer has {writing.max_facts} facts, as many as are kept (max_facts_per_customer)"
    too_many = [(decoded.records[n], Refusal(Reason.TOO_MANY_FACTS, detail)) for n in done.refused]
    refused = [*decoded.refused, *too_many]
    kinds: Counter[type[Event]] = Counter(map(type, decoded.events))
    tally = Tally(
        applied=folding.applied - applied,
        duplicates=folding.duplicates - duplicates + returned,
        conflicts=folding.conflicts - conflicts,
        tests=decoded.tests,
        forwarded=len(forwards),
        away_facts=sent_facts - copied_facts,
        away_instants=sent_instants - copied_instants,
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


class _Away(NamedTuple):
    """What a batch holds of customers of other partitions."""

    forwards: list[Forward]
    #: records that are known, because another stream has sent our copy of them on (count)
    returned: int


_NOTHING_AWAY = _Away([], 0)


def _take_away(decoded: Decoded[Record], strangers: Sequence[str], number: int, writing: Writing, seal: Seal) -> _Away:
    """Take the events of customers of other partitions out of `decoded`.

    Only strangers are looked at, customers without a state: one that has a state here belongs here. A partition that
    the topics got after the tables were begun has no customers: all of its events go elsewhere.
    """
    homes = partitions_of([customer.encode() for customer in strangers], writing.partitions)
    away = {customer: home for customer, home in zip(strangers, homes, strict=True) if home != number}
    if not away:
        return _NOTHING_AWAY
    forwards: list[Forward] = []
    kept: list[int] = []
    returned = 0
    for place, event in enumerate(decoded.events):
        home = away.get(event.customer_id)
        if home is None:
            kept.append(place)
            continue
        record = decoded.records[place]
        if was_forwarded_on(record, seal):
            returned += 1
            log.debug("record_returned", topic=record.topic, partition=number, offset=record.offset)
        else:
            forwards.append(Forward(record, writing.mixed_topic, home, event.customer_id, seal, event.HAS_IDENTITY))
    _pick(decoded, kept)
    return _Away(forwards, returned)


def _classes(with_identity: Sequence[bool]) -> tuple[int, int]:
    """Return how many events have an identity, and how many have none."""
    facts = sum(with_identity)
    return facts, len(with_identity) - facts


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
