"""A batch on its way into a partition's states: decoded, put in order, rid of what belongs elsewhere, folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np

from kpis.instants import milliseconds
from kpis.rows import Row
from schemas.decoding import Decoded
from schemas.events import Cancel, Event
from schemas.refusals import Reason, Refusal
from streams.errors import Misplaced
from streams.holdings import Holdings, Tally
from streams.outbox import Outgoing, forwarded, is_forwarded
from streams.partitioner import partitions_of
from streams.places import places_of
from streams.records import Record
from streams.restatements import Moved, fold_batch
from streams.writing import Writing


class Applying:
    """What a batch has come to so far; not committed, and dropped with what is held where it cannot be."""

    def __init__(
        self,
        number: int,
        writing: Writing,
        held: Holdings,
        read_states: Callable[[list[str]], Awaitable[list[bytes | None]]],
    ) -> None:
        """Begin a batch of a partition.

        Args:
            number: Of the partition.
            writing: Services and limits.
            held: What the worker has of it; states change there before they are stored.
            read_states: Reads stored states of customers, in order.
        """
        #: that changed, by customer
        self.states: dict[str, bytes] = {}
        self.rows: list[Row] = []
        self.refused: list[tuple[Record, Refusal]] = []
        #: what is to be sent to other partitions, each with the topic it lay on
        self.forwards: list[tuple[str, Outgoing]] = []
        self.types: Counter[str] = Counter()
        #: what changed of periods that are over
        self.moved: list[Moved] = []
        #: events of buckets that were over when their record reached the log (count)
        self.late = 0
        self.cache_hits = self.cache_misses = 0
        self._number, self._writing, self._held, self._read_states = number, writing, held, read_states
        self._tests = self._latest_ms = 0
        folding = held.fold.folding
        self._before = (folding.applied, folding.duplicates, folding.conflicts)

    def tally(self) -> Tally:
        """Return what the batch adds to the counts of events."""
        folding = self._held.fold.folding
        applied, duplicates, conflicts = self._before
        return Tally(
            applied=folding.applied - applied,
            duplicates=folding.duplicates - duplicates,
            conflicts=folding.conflicts - conflicts,
            tests=self._tests,
            forwarded=len(self.forwards),
            dead_letters=Counter(refusal.reason.value for _, refusal in self.refused),
            latest_ms=self._latest_ms,
        )

    async def fold(self, records: Sequence[Record]) -> None:
        """Decode and fold records; once.

        Raises:
            Misplaced: A record that was forwarded here does not belong here.
        """
        held, writing = self._held, self._writing
        decoded = writing.decoder.decode(records)
        _put_in_order(decoded)
        self._forward(decoded, await self._strangers(decoded))
        places, states = places_of(decoded.records, held.names), held.states.at_hand
        done = fold_batch(held.fold, decoded, states, places, writing.windows, commit=held.head.commits + 1)
        self.states, self.rows, self.moved, self.late = done.states, done.rows, done.moved, done.late
        detail = f"the customer has {writing.max_facts} facts, as many as are kept (max_facts_per_customer)"
        refused = [(decoded.records[n], Refusal(Reason.TOO_MANY_FACTS, detail)) for n in done.refused]
        self.refused = [*decoded.refused, *refused]
        kinds: Counter[type[Event]] = Counter(map(type, decoded.events))
        self.types = Counter({kind.TYPE: n for kind, n in kinds.items()})
        self._tests, self._latest_ms = decoded.tests, _latest_ms(decoded)

    async def _strangers(self, decoded: Decoded[Record]) -> list[str]:
        """Bring the states of all customers of a batch at hand; return the customers without one."""
        customers = dict.fromkeys([event.customer_id for event in decoded.events])
        cache = self._held.states
        missing = cache.take(customers)
        self.cache_hits, self.cache_misses = len(customers) - len(missing), len(missing)
        if not missing:
            return []
        read = dict(zip(missing, await self._read_states(missing), strict=True))
        cache.at_hand.update({customer: state for customer, state in read.items() if state is not None})
        return [customer for customer, state in read.items() if state is None]

    def _forward(self, decoded: Decoded[Record], strangers: Sequence[str]) -> None:
        """Take the events of customers of other partitions out of `decoded`.

        Only customers without a state are looked at: one that has a state here belongs here.
        """
        if not strangers:
            return
        homes = partitions_of([customer.encode() for customer in strangers], self._writing.partitions)
        away = {customer: home for customer, home in zip(strangers, homes, strict=True) if home != self._number}
        if not away:
            return
        kept: list[int] = []
        for place, event in enumerate(decoded.events):
            home = away.get(event.customer_id)
            if home is None:
                kept.append(place)
                continue
            record = decoded.records[place]
            if is_forwarded(record):
                raise Misplaced(record.topic, self._number, record.offset, home)
            sent = forwarded(record, topic=self._writing.mixed_topic, partition=home, customer_id=event.customer_id)
            self.forwards.append((record.topic, sent))
        _pick(decoded, kept)


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
