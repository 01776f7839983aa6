"""Restatements: changes that late events make to months and years that are over, stored with the batch's commit.

A period is over for a record that reached the log at or after the period's end: what such a record changes of it is a
*restatement*. Kafka's timestamp of the record alone decides, so that reading the log again finds the same. What takes
back an event of any time is looked at too: a revoke, an event that a revoke waited for, and one that corrects another.
Values do not depend on any of this: whatever is folded here counts as it would anywhere else.
Reading them back: `tenure.reports.periods`. Design: docs/decisions, periods that late events restate.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec
import numpy as np

from kpis.arrays import Ints
from kpis.counting.periods import Period, changes, watched_until
from kpis.counting.windows import Windows
from kpis.customer.customer import activity_of, feedback_of, life_of
from kpis.customer.deduplication import identity_of, known_content, sequence_of
from kpis.customer.pseudonyms import is_pseudonym
from kpis.customer.state import Customer
from kpis.customer.state import decode as decode_state
from kpis.customer.touchpoints import stored_touchpoints
from kpis.fold.fold import Fold
from kpis.fold.reading import PackedDecoded
from kpis.names import Names
from kpis.packing import stacked, table_of
from kpis.references import offset_of, partition_of, topic_of
from schemas.decoding.decoder import Decoded
from schemas.decoding.diagnosis import Readable
from schemas.events import Activity, Event, Onboarding, Revoke


class Logged(Readable, Protocol):
    """A record in a log: its position, and the time at which it got there."""

    @property
    def topic(self) -> str:
        """Name of its topic."""

    @property
    def offset(self) -> int:
        """Its index in the partition."""


_Logged = TypeVar("_Logged", bound=Logged)

STEP_WORK: Final = 16_384
"""Of one step of a fold: 10 to 20 ms of usual events, and a fifth of a second at the limit of facts."""
_OWN: Final = -1
"""Stands for the partition that holds a restatement."""
ALONE: Final = 100
"""As many events of a batch are folded one by one; more of them are a backfill, and restate as one."""


class Restatement(msgspec.Struct, array_like=True, frozen=True):
    """A change of a period that was over, by one event or by one batch of many."""

    #: of the partition's head with which it was committed: the number of the commit
    commit: int
    #: 1: what follows is of one event
    events: int
    #: Kafka's timestamp of the record, or the latest of them (ms since 1970)
    arrived_at_ms: int
    #: event time, or the earliest of them (ms since 1970)
    occurred_at_ms: int
    #: first and last offset by topic; of one that was moved from another partition by "topic/partition"
    offsets: dict[str, tuple[int, int]]
    #: empty where it stands for several, or for one that is unnamed since somebody was forgotten
    event_id: str
    event_type: str
    #: what it added to each count of the period, as of its end (see `kpis.counting.periods.changes`)
    changes: dict[str, int]
    #: empty where it stands for several, and in what was stored before sources were kept
    event_source: str = ""


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Restatement).decode


class RecordPlace(NamedTuple):
    """A topic's partition in which records lie."""

    topic: str
    partition: int


def offsets_of(found: Restatement, own: int) -> list[tuple[RecordPlace, int, int]]:
    """Return where the records of a restatement lie, with the first and the last offset.

    Args:
        found: A restatement.
        own: The partition that holds it.
    """
    out: list[tuple[RecordPlace, int, int]] = []
    for text, (first, last) in found.offsets.items():
        topic, _, origin = text.partition("/")  # no topic's name has a slash
        out.append((RecordPlace(topic, int(origin) if origin else own), first, last))
    return out


def moved_away(stored: bytes, partition: int) -> bytes:
    """Return a restatement for another partition than the one that held it."""
    found = decode(stored)
    offsets = {f"{place.topic}/{place.partition}": (first, last) for place, first, last in offsets_of(found, partition)}
    # The commit was one of the partition before; numbers of another's commits mean nothing.
    return encode(msgspec.structs.replace(found, offsets=offsets, commit=0))


def unnamed(stored: bytes) -> bytes:
    """Return a restatement as it is stored, by one event without what leads to its record."""
    return encode(_unnamed(decode(stored)))


class Moved(NamedTuple):
    """A batch's change of a period that was over."""

    period: str
    #: restatements, in their order
    entries: list[bytes]
    #: what they change together, by count
    changes: dict[str, int]


@dataclass(slots=True)
class FoldResult:
    """The result of a batch's fold, which fills in one that the caller made: a subclass has more members."""

    #: that changed, by customer, where those before do not note it themselves
    states: Mapping[str, bytes] = field(default_factory=dict)
    rows: Ints = field(default_factory=lambda: table_of(()))
    #: indices, in the batch, of events over the limit of facts
    over_limit: list[int] = field(default_factory=list)
    #: what changed of periods that are over
    moved: list[Moved] = field(default_factory=list)
    applied: int = 0
    duplicates: int = 0
    conflicts: int = 0
    #: of these, events with another sequence than the one that counted
    corrections: int = 0
    #: events of buckets that were over when their record reached the log (count)
    late: int = 0
    #: the latest timestamp of a record (ms since 1970); 0 where there is none
    latest_record_ms: int = 0


def fold_batch(
    fold: Fold,
    decoded: Decoded[_Logged],
    states: MutableMapping[str, bytes],
    lying_at: Sequence[int],
    windows: Windows,
    result: FoldResult,
    *,
    commit: int,
    alone: int = ALONE,
    step_work: int = STEP_WORK,
) -> Generator[None, None, None]:
    """Fold a batch in steps, and find out what it changes of periods that are over.

    What comes out does not depend on the length of the steps.

    Args:
        fold: The partition's.
        decoded: The batch.
        states: Of all customers of the batch that have one; those that change are changed here.
        lying_at: Where the events lie in the log, as `Fold.fold` takes it.
        windows: The calendar.
        result: New; what comes out is put into it.
        commit: The number that the partition's commit of this batch will have.
        alone: So many events are folded one by one at most (count).
        step_work: Of one step, see `Fold.go_on`.
    """
    times = np.array(decoded.times, np.int64)
    reached = decoded.arrived_ms()
    result.latest_record_ms = int(reached.max(initial=0))
    result.late = int(np.count_nonzero(times < reached // windows.bucket_ms * windows.bucket_ms))
    context = fold.context
    applied, duplicates = context.applied, context.duplicates
    conflicts, corrections = context.conflicts, context.corrections
    groups = _groups(fold, decoded, states, times, reached, windows, alone)
    if groups:
        apart = {index for group in groups for index in group.indices}
        rest = [index for index in range(len(decoded.events)) if index not in apart]
        changed: dict[str, bytes] = {}
        result.rows = yield from _fold_at(fold, decoded, rest, states, lying_at, changed, result, step_work)
        parts: list[Ints] = []
        for group in groups:
            rows = yield from _fold_at(fold, decoded, group.indices, states, lying_at, changed, result, step_work)
            parts.append(rows)
        result.states = changed
        result.rows = stacked((result.rows, *parts))
        found = yield from changes(parts, windows, sorted({group.over_at for group in groups}))
        told = [_without_changes(decoded, group.indices, times, reached, commit) for group in groups] if found else []
        result.moved = _moved(found, groups, told, windows)
    else:
        fold.begin(decoded.events, decoded.times, states, lying_at)
        while fold.go_on(step_work):
            yield
        result.states, result.rows = fold.end()
        result.over_limit = fold.refused
    result.applied = context.applied - applied
    result.duplicates = context.duplicates - duplicates
    result.conflicts = context.conflicts - conflicts
    result.corrections = context.corrections - corrections


class _Group(NamedTuple):
    """Places of events that are folded together, and the boundary by which periods are over for all of them."""

    indices: list[int]
    over_at: int


def _groups(
    fold: Fold,
    decoded: Decoded[_Logged],
    states: Mapping[str, bytes],
    times: Ints,
    reached: Ints,
    windows: Windows,
    alone: int,
) -> list[_Group]:
    """Return the events that may change what is over for them, in the order in which they reached the log.

    By that order whatever a period held when it ended is folded before what came later. Where a period ends within the
    batch, all events are among them: which of two under one identity came before the end decides what it held.
    """
    if not len(times):
        return []
    over_at = _over_at(reached, windows)
    apart = np.ones(len(times), bool)
    if over_at.min() == over_at.max():
        apart = times // windows.bucket_ms < over_at
        for n in fold.may_reach_back(decoded.events, states, np.flatnonzero(~apart)):
            apart[n] = reaches_back(fold, decoded.events[n], states)
    indices = np.flatnonzero(apart)
    order = indices[np.argsort(reached[indices], kind="stable")]
    if len(order) <= alone:
        return [_Group([index], int(over_at[index])) for index in order.tolist()]
    starts = np.flatnonzero(np.diff(over_at[order])) + 1
    return [_Group(part.tolist(), int(over_at[part[0]])) for part in np.split(order, starts)]


def reaches_back(fold: Fold, event: Event, states: Mapping[str, bytes]) -> bool:
    """Return whether an event may take back another one, of any time, or meets a revoke that waits for it."""
    if type(event) is Revoke:
        return True
    if not event.HAS_IDENTITY:
        return False
    state = states.get(event.customer_id)
    if state is None:
        return False
    context = fold.context
    identity = context.identity_of(event.source, event.id)
    if identity not in state:  # it lies there as it is, of facts and of what revokes name
        return False
    known = known_content(decode_state(state), identity, context.names)
    return known is None or event.sequence > sequence_of(known)


def _over_at(reached: Ints, windows: Windows) -> Ints:
    """Return the start of the month in which records reached the log: all that ends by then is over (boundaries).

    A record without a timestamp is early for everything.
    """
    at = np.searchsorted(windows.month_starts, reached // windows.bucket_ms, "right") - 1
    found: Ints = windows.month_starts[np.maximum(at, 0)]
    return found


def _fold_at(
    fold: Fold,
    decoded: Decoded[_Logged],
    indices: Sequence[int],
    states: MutableMapping[str, bytes],
    lying_at: Sequence[int],
    changed: dict[str, bytes],
    result: FoldResult,
    step_work: int,
) -> Generator[None, None, Ints]:
    """Fold the events at indices, add the states to those that changed, and return the rows."""
    events, times = decoded.part(indices)
    fold.begin(events, times, states, [lying_at[index] for index in indices])
    while fold.go_on(step_work):
        yield
    new, rows = fold.end()
    changed.update(new)
    result.over_limit += [indices[n] for n in fold.refused]
    yield
    return rows


def _moved(
    by_period: Mapping[Period, Sequence[dict[str, int]]],
    groups: Sequence[_Group],
    told: Sequence[Restatement],
    windows: Windows,
) -> list[Moved]:
    """Return what each group changed of the periods that were over for it; `told` are its restatements without that."""
    out: list[Moved] = []
    for period, by_group in by_period.items():
        watched = watched_until(period, windows)
        entries: list[bytes] = []
        sums: dict[str, int] = {}
        for group, bare, changed in zip(groups, told, by_group, strict=True):
            if changed and period.end <= group.over_at < watched:
                entries.append(encode(msgspec.structs.replace(bare, changes=changed)))
                sums = {name: sums.get(name, 0) + changed.get(name, 0) for name in sums | changed}
        if entries:
            out.append(Moved(period.name, entries, {name: n for name, n in sums.items() if n}))
    return out


def _without_changes(
    decoded: Decoded[_Logged], indices: Sequence[int], times: Ints, reached: Ints, commit: int
) -> Restatement:
    """Return the restatement by events, the same for all periods but for what they changed."""
    mine = np.array(indices, np.int64)
    alone = decoded.events[indices[0]] if len(indices) == 1 else None
    found = Restatement(
        commit=commit,
        events=len(indices),
        arrived_at_ms=int(reached[mine].max()),
        occurred_at_ms=int(times[mine].min()),
        offsets=_offsets_by_topic(decoded, mine),
        event_id="" if alone is None else alone.id,
        event_type="" if alone is None else alone.TYPE,
        changes={},
        event_source="" if alone is None else alone.source,
    )
    return found if alone is None or not is_pseudonym(alone.customer_id) else _unnamed(found)


def _offsets_by_topic(decoded: Decoded[_Logged], indices: Ints) -> dict[str, tuple[int, int]]:
    """Return the first and the last offset of the records of events, by topic."""
    found = decoded.offsets_by_topic(indices) if isinstance(decoded, PackedDecoded) else None
    if found is not None:
        return found
    offsets: dict[str, tuple[int, int]] = {}
    for record in [decoded.records[index] for index in indices.tolist()]:
        first, last = offsets.get(record.topic, (record.offset, record.offset))
        offsets[record.topic] = (min(first, record.offset), max(last, record.offset))
    return offsets


def _unnamed(found: Restatement) -> Restatement:
    """Return a restatement by one event without what leads to its record."""
    return msgspec.structs.replace(found, event_id="", event_source="", offsets={})


def without_events_of(customer: Customer, entries: Sequence[bytes], names: Names, *, bucket_ms: int) -> list[bytes]:
    """Return the restatements of a period with those unnamed that are by a customer's events, or may be.

    A state knows its facts by hash and place. Of activity and onboarding it knows when: all that came late of the same
    bucket, or time, goes without its name.

    Args:
        customer: The state, with its references.
        entries: As they are stored.
        names: Of the partition.
        bucket_ms: Length of a bucket (ms).
    """
    revocations = customer.rare.revocations if customer.rare else ()
    facts = [*life_of(customer), *feedback_of(customer), *stored_touchpoints(customer), *revocations]
    identities = {fact.identity for fact in facts}
    topics = dict(enumerate(names.topic_names))
    places = {
        (topics.get(topic_of(each)), partition_of(each), offset_of(each)) for each in (fact.reference for fact in facts)
    }
    active, onboarded = set(activity_of(customer)), customer.onboarded
    out: list[bytes] = []
    for stored in entries:
        found = decode(stored)
        if found.event_type == Activity.TYPE:
            is_theirs = found.occurred_at_ms // bucket_ms in active
        elif found.event_type == Onboarding.TYPE:
            is_theirs = bool(onboarded) and onboarded[0] <= found.occurred_at_ms <= onboarded[-1]
        else:
            lying = {
                (place.topic, None if place.partition == _OWN else place.partition, first)
                for place, first, _ in offsets_of(found, _OWN)
            }
            is_theirs = identity_of(found.event_source, found.event_id) in identities or not places.isdisjoint(lying)
        out.append(encode(_unnamed(found)) if is_theirs and found.events == 1 else stored)
    return out
