"""The end of a switch from one generation of a stream's tables to the next: what is left to do once the mark says so.

`tenure rebuild` notes what that is before it switches, and does it. Where it was killed in between, the next one does,
or a worker that starts: everything here may be done twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from streams.batching.partitioner import partition_of
from streams.copying import head_commit
from streams.errors import Conflict
from streams.holding import emptied, is_held
from streams.survey_schedule import SCHEDULES
from streams.tables import Tables

REBUILDS: Final = "rebuilds"
"""The log of rebuilds that were put in place."""
_NOTE: Final = "switch"


class TablesSwitch(msgspec.Struct, frozen=True):
    """A switch to the next generation of tables.

    Attributes:
        generation: The one that is left.
        in_use: Its partitions that have something stored (count).
        counted_with: Partitions over which customers were spread (count).
        partitions: Those over which they are spread then (count).
        entry: What the log of rebuilds gets.
    """

    generation: int
    in_use: int
    counted_with: int
    partitions: int
    entry: bytes

    def home_of(self, customer_id: str, partition: int) -> int:
        """Return where a customer comes to lie, by the id and the partition where they lay."""
        moves = self.partitions != self.counted_with
        return partition_of(customer_id.encode(), self.partitions) if moves else partition


async def note_switch(tables: Tables, switch: TablesSwitch) -> Callable[[], Awaitable[object]]:
    """Note what is left to do after a switch that comes next; return what takes that back where it was not made."""
    before = await tables.note(_NOTE, None)
    await tables.note(_NOTE, msgspec.msgpack.encode(switch))
    return partial(tables.note, _NOTE, before or b"")


async def unfinished_switch(tables: Tables) -> TablesSwitch | None:
    """Return the switch that was made and of which something is left to do; None where there is none."""
    found = await tables.note(_NOTE, None)
    if not found:
        return None
    switch = msgspec.msgpack.decode(found, type=TablesSwitch)
    mark = await tables.read_mark()
    return switch if mark is not None and mark.generation > switch.generation else None


async def finish_switch(tables: Tables) -> None:
    """Do what is left of a switch that was made, if anything is.

    Requests that the old tables got at the last moment go to the new ones; then the old ones are removed but for their
    heads. A worker that has not noticed the switch yet finds the head held, and commits nothing. Where a Redis that
    fails over has lost the switch meanwhile, the old tables count again, and stay.
    """
    switch = await unfinished_switch(tables)
    if switch is None:
        return
    if switch.entry not in await tables.entries(REBUILDS):
        await tables.append(REBUILDS, switch.entry)
    old = tables.beside(switch.generation)
    await move_requests(old, tables.beside(switch.generation + 1), switch.in_use, switch.home_of)
    for number in range(switch.in_use):
        if await unfinished_switch(tables) is None:
            return
        await _remove(old, number)
    await tables.note(_NOTE, b"")


async def _remove(old: Tables, number: int) -> None:
    """Remove a partition and its schedule of surveys but for their heads, as long as these are held.

    A replica that takes over may have neither the switch nor the hold: then these are the tables that count, and stay.
    Where it has the hold alone, the head says that nothing is there, and the partition is counted anew.
    """
    head = await old.read_head(number)
    with contextlib.suppress(Conflict):
        if head is not None and is_held(head):
            await old.commit(number, head_commit(head, emptied(head)))
            await old.discard(number, held=emptied(head))
    schedule = await old.read_head(SCHEDULES + number)
    with contextlib.suppress(Conflict):
        if schedule is not None and is_held(schedule):
            await old.discard(SCHEDULES + number, held=schedule)


async def move_requests(source: Tables, target: Tables, partitions: int, home_of: Callable[[str, int], int]) -> None:
    """Give new tables the requests to forget customers that wait.

    Args:
        source: The tables that hold.
        target: The new ones.
        partitions: Of the source (count).
        home_of: Returns where a customer comes to lie, by the id and the partition where they lay.
    """
    for number in range(partitions):
        for customer_id, request in (await source.forget_requests(number)).items():
            await target.ask_to_forget(home_of(customer_id, number), customer_id, request)
