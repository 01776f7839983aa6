"""Losses: what a halted partition waits for somebody to give up, and what was given up, by whom and why.

What waits is a note of each partition, which the worker that halted it keeps true. What was accepted is an append-only
log: nobody's word can be lost by another's, and workers find in it what they may go on without.
When a partition halts: `streams.batching.locating`. Who looks: `streams.partition.loss_watch`. The command: `tenure
resume`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from kpis.counting.windows import Windows
from streams.errors import CheckFailed, Lost, StateLost, TopicRecreated
from streams.tables import Tables

RECORDS: Final = "records"
STATE: Final = "state"
TOPIC: Final = "topic"
_LOG: Final = "losses"
_NOTHING: Final = b""
_T = TypeVar("_T")


class LostRange(msgspec.Struct, frozen=True):
    """A range of a topic that is lost in one partition.

    Attributes:
        topic: Its name.
        lost: "records" that the log deleted before they were counted, or had when they were, and lost; "state", which
            was counted from them; or the whole "topic", which was made anew.
        first: The first offset that is given up; of "state" the first that had been counted. Below 0: it was in a topic
            that is gone.
        goes_on_at: The offset at which reading goes on.
        topic_id: Of the topic in which it does; None where the log has no such ids.
    """

    topic: str
    lost: str
    first: int
    goes_on_at: int
    topic_id: str | None = None

    @property
    def records(self) -> int | None:
        """Return how many offsets are given up; None where nobody can know."""
        known = self.lost != TOPIC and 0 <= self.first <= self.goes_on_at
        return self.goes_on_at - self.first if known else None


class Loss(msgspec.Struct, frozen=True):
    """Everything that one partition would have to go on without.

    Attributes:
        partition: Its number.
        ranges: What is lost, by topic.
        since_ms: The time of the last event that was applied before; None: nobody knows, nothing may be left of it.
        until_ms: When the log stamped the first record that is left; None: none is left.
    """

    partition: int
    ranges: list[LostRange]
    since_ms: int | None = None
    until_ms: int | None = None


class AcceptedLoss(msgspec.Struct, frozen=True):
    """A loss that somebody has accepted.

    Attributes:
        loss: What was given up.
        accepted_by: Who said so.
        accepted_at_ms: When (ms since 1970 UTC, by the clock of the machine it was said on).
        reason: Why, in words; may be empty.
    """

    loss: Loss
    accepted_by: str
    accepted_at_ms: int
    reason: str = ""

    @property
    def until_ms(self) -> int:
        """Return until when events may be missing (ms since 1970)."""
        return self.accepted_at_ms if self.loss.until_ms is None else self.loss.until_ms

    def touches(self, start_ms: int, end_ms: int) -> bool:
        """Return whether events of [start, end) may be missing (ms since 1970)."""
        return start_ms < self.until_ms and (self.loss.since_ms is None or self.loss.since_ms < end_ms)


_encode: Final = msgspec.json.Encoder().encode


class StreamLosses(NamedTuple):
    """The losses of a stream: those that partitions wait for, and those that were accepted, the earliest first."""

    waiting: list[Loss]
    accepted: list[AcceptedLoss]


class LossStore:
    """The losses of a stream, in its tables."""

    def __init__(self, tables: Tables) -> None:
        """Take the tables; all methods raise TablesUnavailable while they do not answer."""
        self._tables = tables

    async def waiting(self, partition: int) -> Loss | None:
        """Return what a partition waits for somebody to give up.

        Raises:
            CheckFailed: It is nothing that this version can read.
        """
        found = await self._tables.note(_note(partition), None)
        return None if not found else _read(found, Loss, f"the loss of partition {partition}")

    async def put_waiting(self, partition: int, loss: Loss | None) -> None:
        """Say what a partition waits for; None: nothing."""
        await self._tables.note(_note(partition), _NOTHING if loss is None else _encode(loss))

    async def accept(self, accepted: AcceptedLoss) -> None:
        """Add an accepted loss."""
        await self._tables.append(_LOG, _encode(accepted))

    async def accepted(self) -> list[AcceptedLoss]:
        """Return what was accepted, the earliest first.

        Raises:
            CheckFailed: An entry is none that this version can read.
        """
        entries = await self._tables.entries(_LOG)
        return [_read(entry, AcceptedLoss, f"accepted loss {n}") for n, entry in enumerate(entries, 1)]

    async def losses(self, partitions: int) -> StreamLosses:
        """Return all losses of so many partitions; what is accepted does not wait, though its worker may not know yet.

        Raises:
            CheckFailed: Another version has written one of them.
        """
        accepted = await self.accepted()
        found = [await self.waiting(number) for number in range(partitions)]
        return StreamLosses([loss for loss in found if loss is not None and covers(accepted, loss) is None], accepted)


def lost_range(fault: Lost) -> LostRange:
    """Return what a halt says is lost."""
    lost = TOPIC if isinstance(fault, TopicRecreated) else STATE if isinstance(fault, StateLost) else RECORDS
    return LostRange(fault.topic, lost, fault.position, fault.goes_on_at, fault.topic_id)


def covers(accepted: Iterable[AcceptedLoss], loss: Loss) -> AcceptedLoss | None:
    """Return the latest acceptance that a loss is part of; None where anything of it was never accepted."""
    own = [one for one in accepted if one.loss.partition == loss.partition]
    given_up = [lost for one in own for lost in one.loss.ranges]
    return own[-1] if own and all(lost in given_up for lost in loss.ranges) else None


def touched_windows(loss: AcceptedLoss, windows: Windows, boundary: int) -> list[str]:
    """Return the names of the windows as of a boundary in which events may be missing."""
    ms = windows.bucket_ms
    return [name for name in windows.names if loss.touches(windows.start(name, boundary) * ms, boundary * ms)]


def count_by_window(losses: Sequence[AcceptedLoss], windows: Windows, boundary: int) -> dict[str, int]:
    """Return for each window as of a boundary in how many of the losses it may miss events (counts)."""
    touched = [touched_windows(loss, windows, boundary) for loss in losses]
    return {name: sum(name in names for names in touched) for name in windows.names}


def _note(partition: int) -> str:
    return f"loss:{partition}"


def _read(entry: bytes, kind: type[_T], what: str) -> _T:
    try:
        return msgspec.json.decode(entry, type=kind)
    except msgspec.DecodeError as error:
        raise CheckFailed(
            f"{what} in Redis cannot be read ({error}): use the version of tenure that wrote it"
        ) from error
