"""The group's committed offsets: written for lag tools, and as a witness of how the tables were counted.

What the witness says: `streams.batching.witness`. Where a partition is read from: `streams.batching.locating`.
"""

from __future__ import annotations

import abc
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from faust.transport.consumer import Consumer

from streams.backoff import Backoff
from streams.batching.ownership import PartitionOwner, ReadsEverything
from streams.batching.witness import FROM_THE_BEGINNING, Committed, Witness, witness_of
from streams.errors import LogUnavailable, TenureError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from faust.types import TP

    from streams.batching.batches import Lease

log = structlog.get_logger(__name__)
_T = TypeVar("_T")


class TestifyingConsumer(Consumer):  # type: ignore[misc]  # mypy does not follow Faust
    """The part of a consumer that writes the group's offsets, and tries again what a service that is away refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: under which each assigned partition is read
        self._leases: dict[TP, Lease] = {}
        self._witnesses: dict[TP, Witness] = {}
        #: of partitions whose tables were lost while we owned them: the offset up to which they were counted
        self._counted: dict[TP, int] = {}
        #: by step that is tried again and again, and by call, why it is
        self._waiting: dict[tuple[str, int], Exception] = {}
        self._calls = count()

    @property
    def owner(self) -> PartitionOwner:
        """The keeper of the positions: the application's `owner`."""
        owner: PartitionOwner | None = getattr(self.app, "owner", None)
        return owner if owner is not None else ReadsEverything()

    # -- what a transport adds --------------------------------------------

    @abc.abstractmethod
    async def _committed(self, tps: Iterable[TP]) -> dict[TP, Committed]:
        """Return the offsets that the group has committed; none where it has not."""

    @abc.abstractmethod
    async def _commit(self, offsets: Mapping[TP, Committed]) -> bool:
        """Write the group's offsets; return whether all of them are stored, and log why not."""

    def _may_succeed_later(self, exc: Exception) -> bool:
        return exc.retriable if isinstance(exc, TenureError) else isinstance(exc, OSError | TimeoutError)

    # -- writing and reading --------------------------------------------------

    async def _testify(
        self, witnesses: Mapping[TP, Witness], offsets: Mapping[TP, int], leases: Mapping[TP, Lease]
    ) -> None:
        """Write into Kafka from where on partitions are counted; returns once it is there, or they are another's.

        It must be there before anything of them is stored: who finds no witness takes the partition for a new one.
        """

        async def write() -> None:
            valid = [tp for tp in witnesses if tp in leases and leases[tp].valid]
            due = {tp: Committed(offsets[tp], witnesses[tp].text) for tp in valid}
            if due and not await self._commit(due):
                raise LogUnavailable("Kafka", "it does not store the group's offsets")
            self._witnesses |= {tp: witnesses[tp] for tp in due}

        await self._patiently("witness", write)

    def _witness(self, tp: TP, committed: Committed, position: int | None, end: int) -> Witness:
        """Return how a partition was counted, with the offset up to which it is counted again.

        Args:
            tp: The topic and partition.
            committed: What the group has committed of it.
            position: The stored one; None where nothing is stored.
            end: Of the log.
        """
        witness = witness_of(committed.metadata)
        counted = witness.counted or 0
        if position is None:
            counted = max(counted, committed.offset, self._counted.pop(tp, 0))
        begin = witness.counted_from if position is None else position
        again = min(counted, end)
        if position is None and counted > begin:
            log.warning("state_lost", topic=tp.topic, partition=tp.partition, counted_from=begin, counted_to=again)
        witness = self._witnesses[tp] = witness._replace(counted=again if again > begin else None)
        return witness

    async def _commit_read(self, offsets: Mapping[TP, int]) -> bool:
        """Commit how far was read, and carry on what the offsets say of the tables; a failure changes nothing."""
        unknown = [tp for tp in offsets if tp not in self._witnesses]
        if unknown:
            try:
                committed = await self._committed(unknown)
            except Exception as exc:
                if not self._may_succeed_later(exc):
                    raise
                log.info("group_offsets_not_committed", reason=repr(exc))
                return False
            for tp in unknown:
                found = committed.get(tp)
                # What was accepted meanwhile is newer than what was asked before.
                self._witnesses.setdefault(tp, FROM_THE_BEGINNING if found is None else witness_of(found.metadata))
        for tp in offsets:
            held = self.owner.held(tp)  # what was read is not counted yet
            if held is not None and held.position >= (self._witnesses[tp].counted or 0):
                self._witnesses[tp] = self._witnesses[tp]._replace(counted=None)
        return await self._commit({tp: Committed(at, self._witnesses[tp].text) for tp, at in offsets.items()})

    async def _patiently(self, what: str, step: Callable[[], Awaitable[_T]]) -> _T:
        backoff, call = Backoff(), (what, next(self._calls))
        try:
            while True:
                try:
                    return await step()
                except Exception as exc:
                    if not self._may_succeed_later(exc):
                        raise
                    self._waiting[call] = exc
                    log.warning("waiting_for_service", step=what, reason=repr(exc), pause_seconds=backoff.seconds)
                await backoff.pause()
        finally:
            self._waiting.pop(call, None)
