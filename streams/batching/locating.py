"""Positions of a consumer: finds the offset that a partition is read from, and halts partitions that have none.

The stored position is the truth. Where none is stored, the metadata of the group's committed offset in Kafka is the
witness (`streams.batching.witness`): there is none for what was never counted, which begins at the earliest record;
what was counted, and is no longer stored, is counted again from the same offset on. Nothing is skipped over: a position
that the log does not have, or that belongs to another topic of the same name, halts its partition until somebody
accepts the loss. Not here: reading (`streams.batching.consumer`).
"""

from __future__ import annotations

import abc
import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog
from faust.types import TP

from streams.batching.batches import Batch, Lease
from streams.batching.offsets import TestifyingConsumer
from streams.batching.witness import FROM_THE_BEGINNING, NEVER_AGAIN, Witness, witness_of
from streams.errors import Lost, PositionOutOfRange, StateLost, TopicRecreated
from streams.tasks import cancel_and_wait

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

log = structlog.get_logger(__name__)
_CONFIRMATIONS: Final = 3
"""A position beyond the end is looked at this often: a new leader may not yet know how far it had confirmed."""
_CONFIRMATION_PAUSE_SECONDS: Final = 0.5
TOPIC_LOOK_SECONDS: Final = 5.0
"""So often topics are looked at: one that was made anew under a running worker answers as if it were the old one."""


class Range(NamedTuple):
    """The offsets that a partition of the log has: from `earliest` up to but without `end`."""

    earliest: int
    end: int


class LocatingConsumer(TestifyingConsumer):
    """The part of a consumer that knows where each of its partitions is read from.

    All calls come from the application's loop.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next: dict[TP, int] = {}
        self._begun: dict[TP, int] = {}
        self._halted: dict[TP, Lost] = {}
        self._owned: frozenset[int] | None = None
        self._locating: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    # -- for the rest of the product -------------------------------------

    def move_to(self, tp: TP, offset: int) -> None:
        """Read a partition from another offset; whatever was read and not yet applied becomes stale.

        Without effect when the partition is not assigned. An offset outside of the log halts it, as at an assignment.
        """
        lease, held = self._leases.get(tp), self.owner.held(tp)
        if lease is None:
            return
        if held is not None and offset and _differ(held.topic_id, lease.topic_id):
            self._find_later({tp: offset})
        else:
            self._begin(tp, offset, self._renew(tp))

    def find_anew(self, counted: Mapping[TP, int]) -> None:
        """Find out where to read on what is assigned and nothing is stored of any more, as at an assignment.

        Args:
            counted: By partition, the offset up to which it was counted, as far as its owner knows: the group's offsets
                are some seconds behind.
        """
        ours = {tp: at for tp, at in counted.items() if tp in self._leases}
        self._counted |= ours
        self._find_later(dict.fromkeys(ours))

    @property
    def halted(self) -> Mapping[TP, Lost]:
        """The partitions that cannot be read on without losing something, and why."""
        return self._halted

    async def go_on(self, faults: Sequence[Lost]) -> list[Batch]:
        """Read on without what is lost, once Kafka knows how the tables are counted from now on.

        Returns:
            For each of the faults that still halts its partition a batch that moves the stored position; the caller has
            to put it before all that is read from now on, at once.
        """
        known = {TP(fault.topic, fault.partition): fault for fault in faults}
        witnesses: dict[TP, Witness] = {}
        for tp, fault in known.items():
            if isinstance(fault, StateLost):
                counted = self._witnesses[tp].counted if tp in self._witnesses else None
                witnesses[tp] = Witness(fault.position, resumed=fault.goes_on_at, counted=counted)
            elif isinstance(fault, TopicRecreated) or fault.goes_on_at < fault.position:
                witnesses[tp] = Witness(NEVER_AGAIN)
        await self._testify(witnesses, {tp: known[tp].goes_on_at for tp in witnesses}, dict(self._leases))
        moves: list[Batch] = []
        for tp, fault in known.items():
            if self._halted.get(tp) is fault:
                lease, at = self._renew(tp), fault.goes_on_at
                lease.topic_id = fault.topic_id
                moves.append(Batch(tp.topic, tp.partition, at, at, [], lease, moves=True))
                self._begin(tp, at, lease)
        return moves

    def is_counted_again(self, tp: TP, position: int | None) -> bool:
        """Return whether a partition's tables lack what was counted before they were lost, or nobody knows yet.

        Args:
            tp: The topic and partition.
            position: The next offset to apply; None where nothing was applied.
        """
        if position is None and tp in self._leases and tp not in self._next and tp not in self._halted:
            return True
        witness = self._witnesses.get(tp, FROM_THE_BEGINNING)
        return (position or 0) < (witness.counted or 0)

    def reading_position(self, tp: TP) -> int | None:
        """Return the next offset that will be handed to an agent; None while it is not known."""
        return self._next.get(tp)

    def first_position(self, tp: TP) -> int | None:
        """Return the offset that reading began at, since the assignment or the last move; None while unknown."""
        return self._begun.get(tp)

    def topic_id(self, tp: TP) -> str | None:
        """Return the id of the topic that is being read; None where that is not known."""
        lease = self._leases.get(tp)
        return None if lease is None else lease.topic_id

    async def has_beginning(self, partition: int) -> bool:
        """Return whether the log has all that was ever counted of a partition, in all its topics that are assigned.

        False where nobody knows: without a witness, and of a partition that is not, or no longer, ours.
        """
        leases = {tp: lease for tp, lease in self._leases.items() if tp.partition == partition}
        if not leases:
            return False
        ranges = await self._patiently("ranges", lambda: self._ranges(leases))
        committed = await self._patiently("committed", lambda: self._committed(leases))
        if committed.keys() != leases.keys() or not all(lease.valid for lease in leases.values()):
            return False
        return all(ranges[tp].earliest <= witness_of(found.metadata).counted_from for tp, found in committed.items())

    @abc.abstractmethod
    async def first_record_ms(self, tp: TP) -> int | None:
        """Return Kafka's timestamp of the first record that a partition has (ms since 1970); None where it has none."""

    # -- what a transport adds --------------------------------------------

    @abc.abstractmethod
    def _place(self, tp: TP, offset: int, lease: Lease) -> None:
        """Read on from this offset under a lease, drop what is buffered, and wake a read that waits."""

    @abc.abstractmethod
    async def _ranges(self, tps: Iterable[TP]) -> dict[TP, Range]:
        """Return what the log has of each partition."""

    @abc.abstractmethod
    async def _topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Return the id of each topic that is there; none where the log knows no ids."""

    # -- assignment ---------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop the flow, then tell the owner; see Faust."""
        self._end_leases()
        await super().on_partitions_revoked(revoked)
        await self._disown()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Let Faust prepare its streams, and begin to look for the positions beside it: Redis may be away."""
        await self._disown()
        await super().on_partitions_assigned(assigned, generation_id)
        if self.should_stop:
            return
        self._leases = {tp: Lease(generation_id) for tp in assigned}
        self._locating = self.loop.create_task(self._until_located(frozenset(assigned), generation_id))
        self._looking = self.loop.create_task(self._watch_topics())

    async def perform_seek(self) -> None:
        """Do nothing: Faust would seek to the group's committed offsets here."""

    async def on_stop(self) -> None:
        """Give the partitions back."""
        self._end_leases()
        await self._disown()
        await super().on_stop()

    def _end_leases(self) -> None:
        for lease in self._leases.values():
            lease.valid = False
        self._leases = {}
        self._next = {}
        self._begun = {}
        self._halted = {}
        self._witnesses = {}
        self._counted = {}

    async def _disown(self) -> None:
        await cancel_and_wait([task for task in (self._locating, self._looking) if task is not None])
        self._locating = self._looking = None
        if self._owned is None:
            return
        partitions, self._owned = self._owned, None
        limit_seconds = self.app.conf.broker_session_timeout
        try:
            await asyncio.wait_for(self.owner.on_revoked(partitions), timeout=limit_seconds)
        except TimeoutError:
            log.warning("partitions_given_up", partitions=sorted(partitions), limit_seconds=limit_seconds)

    async def _until_located(self, assigned: frozenset[TP], generation: int) -> None:
        try:
            await self._locate(assigned, generation)
        except Exception as exc:  # noqa: BLE001 - a task's exception is nobody's: the application must stop with it
            await self.crash(exc)

    async def _locate(self, assigned: frozenset[TP], generation: int) -> None:
        partitions = self._owned = frozenset(tp.partition for tp in assigned)
        await self._patiently("on_assigned", lambda: self.owner.on_assigned(partitions, generation))
        if not assigned:
            return
        stored = await self._patiently("positions", lambda: self.owner.positions(partitions))
        # What is halted is not looked for: a witness would be made up for what was counted, and is not readable now.
        wanted = {tp: stored.get(tp) for tp in sorted(assigned) if not self.owner.is_halted(tp.partition)}
        await self._find(wanted, dict(self._leases))

    # -- finding ------------------------------------------------------------------

    def _find_later(self, stored: dict[TP, int | None]) -> None:
        """Stop reading some partitions, and find out where to read on: at a stored offset, or where there is none."""
        for tp in stored:
            self._halted.pop(tp, None)
            self._next.pop(tp, None)
            self._begun.pop(tp, None)
            self._renew(tp)
        if stored:
            self.add_future(self._find(stored, {tp: self._leases[tp] for tp in stored}))

    async def _find(self, stored: Mapping[TP, int | None], leases: Mapping[TP, Lease]) -> None:
        """Begin to read partitions at the stored offset, or where the witness says; halt those that cannot be."""
        ids, ranges = await self._ids_and_ranges(stored)
        committed = await self._patiently("committed", lambda: self._committed(stored)) if stored else {}
        found: dict[TP, int] = {}
        new: dict[TP, int] = {}
        doubtful: dict[TP, int] = {}
        resumed: dict[TP, Witness] = {}
        for tp, offset in stored.items():
            lease = leases.get(tp)
            if lease is None or not lease.valid:  # revoked meanwhile
                continue
            held = self.owner.held(tp)
            if tp in self._next:  # moved by its owner, who knew better
                lease.topic_id = (held and held.topic_id) or ids.get(tp.topic)
                continue
            lease.topic_id = ids.get(tp.topic)
            if offset is None and tp not in committed:
                new[tp] = ranges[tp].earliest
                continue
            known = committed.get(tp)
            witness = FROM_THE_BEGINNING if known is None else self._witness(tp, known, offset, ranges[tp].end)
            if offset is None and witness.resumed is not None:
                resumed[tp] = witness  # what was given up is gone still, and perhaps the consent with it
                continue
            if offset is None:
                offset = witness.first  # noqa: PLW2901 - it is counted from there again
            if held is not None and offset and _differ(held.topic_id, lease.topic_id):
                self._halt_recreated(tp, offset, ids=(held.topic_id, lease.topic_id), beginning=ranges[tp].earliest)
            elif ranges[tp].earliest <= offset <= ranges[tp].end:
                found[tp] = offset
            else:
                doubtful[tp] = offset
        # A partition whose numbers may not go on is not read in its other topics either.
        waiting = {tp.partition for tp in (*doubtful, *resumed)}
        for tp, witness in resumed.items():
            topic_id = leases[tp].topic_id
            self._halt(tp, StateLost(tp.topic, tp.partition, witness.first, *ranges[tp], topic_id=topic_id))
        self._begin_found({tp: at for tp, at in found.items() if tp.partition not in waiting}, leases)
        for tp, offset in doubtful.items():
            await self._halt_unless_found(tp, offset, leases[tp], is_stored=stored[tp] is not None)
        self._begin_found(found, leases)
        await self._testify({tp: Witness(first) for tp, first in new.items()}, new, leases)
        self._begin_found(new, leases)

    async def _ids_and_ranges(self, tps: Collection[TP]) -> tuple[dict[str, str], dict[TP, Range]]:
        """Return the ids of the topics, and what these very topics have: one may be made anew between two questions."""
        topics = {tp.topic for tp in tps}
        before = await self._patiently("topic_ids", lambda: self._topic_ids(topics))
        while True:
            ranges = await self._patiently("ranges", lambda: self._ranges(tps))
            after = await self._patiently("topic_ids", lambda: self._topic_ids(topics))
            if after == before:
                return after, ranges
            log.info("topic_ids_changed", topics=sorted(topics))
            before = after
            await asyncio.sleep(_CONFIRMATION_PAUSE_SECONDS)

    def _begin_found(self, offsets: Mapping[TP, int], leases: Mapping[TP, Lease]) -> None:
        """Begin to read what was not revoked or moved meanwhile, and is not read yet."""
        for tp, offset in offsets.items():
            if leases[tp].valid and tp not in self._next:
                self._begin(tp, offset, leases[tp])

    def _begin(self, tp: TP, offset: int, lease: Lease) -> None:
        self._halted.pop(tp, None)
        self._next[tp] = self._begun[tp] = offset
        self._committed_offset.pop(tp, None)
        self._place(tp, offset, lease)

    # -- what the log does not have -------------------------------------------------------

    def _out_of_range(self, tp: TP, position: int) -> None:
        """Stop reading a partition whose position the log refused, and find out whether it is really gone."""
        lease = self._leases.get(tp)
        if lease is not None and self._next.get(tp) == position:
            del self._next[tp]
            self.add_future(self._halt_unless_found(tp, position, lease))

    async def _halt_unless_found(self, tp: TP, position: int, lease: Lease, *, is_stored: bool = True) -> None:
        """Halt the partition; but read on if the log has the position after all.

        Deleted records do not come back, so that one look is enough there; an end may still catch up.
        """
        for look in count(1):
            ids, ranges = await self._ids_and_ranges([tp])
            found = ranges[tp]
            if not lease.valid:
                return
            known_id = self._known_id(tp)
            if is_stored and _differ(known_id, ids.get(tp.topic)):
                self._halt_recreated(tp, position, ids=(known_id, ids[tp.topic]), beginning=found.earliest)
                return
            if found.earliest <= position <= found.end:
                self._begin(tp, position, lease)
                return
            if position < found.earliest or look == _CONFIRMATIONS:
                kind = PositionOutOfRange if is_stored else StateLost
                self._halt(tp, kind(tp.topic, tp.partition, position, *found, topic_id=lease.topic_id))
                return
            await asyncio.sleep(_CONFIRMATION_PAUSE_SECONDS)

    def _halt_recreated(self, tp: TP, position: int, *, ids: tuple[str | None, str | None], beginning: int) -> None:
        """Halt a partition whose topic has another id than it had: `ids` are the known one and the one found."""
        known_id, topic_id = ids
        assert known_id is not None
        assert topic_id is not None
        self._halt(
            tp,
            TopicRecreated(tp.topic, tp.partition, position, beginning=beginning, topic_id=topic_id, known_id=known_id),
        )
        self._leases[
            tp
        ].topic_id = topic_id  # of the new lease: what was read under the old one belongs to the old topic

    def _halt(self, tp: TP, fault: Lost) -> None:
        self._renew(tp)
        self._next.pop(tp, None)
        self._halted[tp] = fault
        self.owner.on_halt(fault)

    async def _watch_topics(self) -> None:
        """Look again and again whether the topics are still those that are read."""
        while not self.should_stop:
            await asyncio.sleep(TOPIC_LOOK_SECONDS)
            try:
                await self._look_at_topics()
            except Exception as exc:  # noqa: BLE001 - Kafka is away, mostly; what is wrong for good stops other calls
                log.info("topics_not_looked_at", reason=repr(exc))

    async def _look_at_topics(self) -> None:
        ids = await self._topic_ids({tp.topic for tp in self._leases})
        changed = [tp for tp in self._leases if _differ(self._known_id(tp), ids.get(tp.topic))]
        ranges = await self._ranges(changed) if changed else {}
        for tp in sorted(changed):
            known_id = self._known_id(tp) if tp in self._leases else None
            if tp not in ranges or not _differ(known_id, ids[tp.topic]):
                continue
            halted, held = self._halted.get(tp), self.owner.held(tp)
            position = halted.position if halted is not None else held.position if held is not None else 0
            if position <= 0:  # nothing was counted of the old one
                self._find_later({tp: None})
                continue
            self._halt_recreated(tp, position, ids=(known_id, ids[tp.topic]), beginning=ranges[tp].earliest)

    def _known_id(self, tp: TP) -> str | None:
        """Return the id of the topic that is read; else, where the log gave none, of the one that was counted."""
        lease_id, held = self._leases[tp].topic_id, self.owner.held(tp)
        return lease_id if lease_id is not None or held is None else held.topic_id

    def _renew(self, tp: TP) -> Lease:
        before = self._leases[tp]
        before.valid = False
        lease = self._leases[tp] = Lease(before.generation, before.topic_id)
        return lease


def _differ(known: str | None, found: str | None) -> bool:
    """Return whether two ids are those of different topics; what is not known differs from nothing."""
    return known is not None and found is not None and known != found
