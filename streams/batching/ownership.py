"""The port between a consumer and the owner of the tables: assignments, positions, halts.

The port between reading (`streams.batching.consumer`) and writing (`streams.partition.partition`): neither knows the
other. A partition here is a number; co-partitioning means that it stands for that number of every topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types import TP

    from streams.errors import Halt


class Held(NamedTuple):
    """The stored position of a topic and partition.

    Attributes:
        position: The next offset to read.
        topic_id: Of the topic that the position belongs to, as the log knew it; None where that is not known.
    """

    position: int
    topic_id: str | None = None


class PartitionOwner(Protocol):
    """The keeper of each partition's position, next to its data.

    All calls come on the application's event loop, one at a time, in this order for each generation: `on_assigned`,
    `positions`, then batches; `on_revoked` ends it. A partition that stays with this worker is revoked and assigned
    again.
    """

    async def on_assigned(self, partitions: frozenset[int], generation: int) -> None:
        """Take over the partitions that are ours from now on; called also with none.

        An exception that is not retriable stops the application.
        """

    async def positions(self, partitions: frozenset[int]) -> Mapping[TP, int]:
        """Return the next offset to read of every topic and partition that has one.

        Others are read from where the group's committed offsets say that they were counted from: see
        `streams.batching.witness`.
        Called again, with growing pauses, while it raises a retriable error; it may be cancelled by a rebalance.
        """

    def held(self, tp: TP) -> Held | None:
        """Return what is stored of a topic and partition that is ours; None where that is nothing."""

    async def on_revoked(self, partitions: frozenset[int]) -> None:
        """Give up these partitions, which may be another worker's as soon as this returns.

        What is under way should end or be given up: after the session time-out nobody waits for it any more.
        """

    def has_room(self, tp: TP) -> bool:
        """Return whether more of a topic and partition may be read; asked before each read.

        Who has said no calls the consumer's `look_again` as soon as it is yes.
        """

    def is_halted(self, partition: int) -> bool:
        """Return whether a partition must not be read, although it is ours: what is stored of it cannot be trusted."""

    def on_halt(self, fault: Halt) -> None:
        """Halt a partition, which is not read any more in any topic: its position is not in the log, or damaged."""


class ReadsEverything:
    """An owner that keeps no positions: every assignment begins at the earliest record."""

    async def on_assigned(self, partitions: frozenset[int], generation: int) -> None:
        """Do nothing."""

    async def positions(self, partitions: frozenset[int]) -> Mapping[TP, int]:
        """Return no position."""
        return {}

    async def on_revoked(self, partitions: frozenset[int]) -> None:
        """Do nothing."""

    def held(self, tp: TP) -> Held | None:
        """Return None: nothing is stored."""

    def has_room(self, tp: TP) -> bool:
        """Return True: agents wait for themselves."""
        return True

    def is_halted(self, partition: int) -> bool:
        """Return False: nothing is stored."""
        return False

    def on_halt(self, fault: Halt) -> None:
        """Do nothing: nothing is stored that could be outside of the log."""
