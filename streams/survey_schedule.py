"""The stored schedule of a partition's survey requests: what it is, and how a customer is taken out of it.

Who moves it on: `streams.surveys`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

import msgspec

from kpis.counting.cells import EMPTY
from kpis.surveys.sent import SLOTS, without_customer
from streams.errors import CommitTorn, Conflict, StateUnreadable, TablesHeld
from streams.holding import HoldWatch, is_held
from streams.tables import Commit, Tables, Written

SCHEDULES: Final = 1_000_000
"""The schedule of partition p is kept under the number p + SCHEDULES; no topic has that many partitions."""
VERSION: Final = 1


class Schedule(msgspec.Struct, array_like=True, frozen=True):
    """The stored schedule of a partition, and what its commits are fenced by."""

    version: int
    #: nothing that was due before was ever asked for (ms since 1970)
    since_ms: int
    #: everything that was due before is decided (ms since 1970)
    until_ms: int
    #: requests that are decided and may not have been sent: (rule, customer id, the request)
    pending: list[tuple[str, str, bytes]] = []
    commits: int = 0
    #: drawn at random by each commit, so that no two are alike
    writer: bytes = b""


encode_schedule = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Schedule).decode


def read_schedule(number: int, stored: bytes) -> Schedule:
    """Return the schedule of a partition by its stored head.

    Raises:
        StateUnreadable: Another version has stored it.
        TablesHeld: A command holds it still.
    """
    if is_held(stored):
        raise TablesHeld(number, "another command")
    try:
        schedule = _decode(stored)
    except msgspec.DecodeError as error:
        raise StateUnreadable(number, f"its schedule of surveys is none of ours ({error})") from error
    if schedule.version != VERSION:
        advice = f"its schedule of surveys has version {schedule.version}, this program reads {VERSION}"
        raise StateUnreadable(number, advice)
    return schedule


def schedule_commit(stored: bytes | None, schedule: Schedule, asked: Mapping[str, bytes]) -> Commit:
    """Return the commit that replaces a stored schedule, with what changes of who is asked, by slot.

    It is written at once: a schedule has no use for a redo log.
    """
    return Commit(stored, encode_schedule(schedule), {}, EMPTY, {}, written=Written(asked, kept=1))


async def forget_in_schedule(tables: Tables, number: int, customer_id: str, holds: HoldWatch | None = None) -> None:
    """Remove what a partition's schedule holds of a customer; the scheduler, overtaken, reads it again.

    Args:
        tables: Of the stream.
        number: Of the partition.
        customer_id: Who.
        holds: Ends the hold of a command that is gone; None leaves it.

    Raises:
        TablesUnavailable: The tables do not answer, or a command holds the schedule.
    """
    while True:
        try:
            stored = await tables.read_head(SCHEDULES + number)
        except CommitTorn:  # the scheduler begins it anew
            return
        if stored is None:
            return
        if holds is not None:
            await holds.look(SCHEDULES + number, stored)
        slots = [str(slot) for slot in range(SLOTS)]
        values = await tables.read_states(SCHEDULES + number, slots)
        left = {slot: without_customer(value, customer_id) for slot, value in zip(slots, values, strict=True) if value}
        changed = {slot: value for slot, value in left.items() if value != values[int(slot)]}
        try:
            schedule = read_schedule(number, stored)
        except StateUnreadable:  # of another version, which nobody goes on with
            return
        pending = [each for each in schedule.pending if each[1] != customer_id]
        if not changed and len(pending) == len(schedule.pending):
            return
        moved = msgspec.structs.replace(
            schedule, pending=pending, commits=schedule.commits + 1, writer=uuid.uuid4().bytes
        )
        try:
            await tables.commit(SCHEDULES + number, schedule_commit(stored, moved, changed))
        except Conflict:
            continue
        except CommitTorn:
            return
        return
