"""Copies of what lies beside customers and counters in a partition: the schedules of surveys."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from kpis.surveys.sent import SLOTS, split_by_customer
from streams.copying import copy_commit
from streams.holding import unheld
from streams.survey_schedule import SCHEDULES, VERSION, Schedule, encode_schedule, read_schedule
from streams.tables import Tables

_SLOTS: Final = [str(slot) for slot in range(SLOTS)]


async def copy_schedules(
    source: Tables,
    target: Tables,
    partitions: int,
    homes: Mapping[int, int] | None,
    home_of: Callable[[str], int],
) -> None:
    """Give new tables the schedules of surveys, so that nobody is asked twice.

    A schedule that several come together in goes on where the first of them had got to: whom the others have asked
    since is remembered, and left alone.

    Args:
        source: The tables that hold.
        target: The new ones.
        partitions: Of the source (count).
        homes: By the hash of a customer's id, the partition that they come to lie on; None: all stay where they are.
        home_of: Returns it by the id.
    """
    found: dict[int, Schedule] = {}
    sent: dict[int, dict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for number in range(partitions):
        head = unheld(await source.read_head(SCHEDULES + number))
        if head is None:
            continue
        values = await source.read_states(SCHEDULES + number, _SLOTS)
        kept = {slot: value for slot, value in zip(_SLOTS, values, strict=True) if value}
        schedule = read_schedule(number, head)
        if homes is None:
            await target.commit(SCHEDULES + number, copy_commit(None, head, states=kept))
            continue
        for home in set(homes.values()) | {number}:
            mine = [each for each in schedule.pending if home_of(each[1]) == home]
            found[home] = _together(found.get(home), msgspec.structs.replace(schedule, pending=mine))
        for slot, value in kept.items():
            for home, part in split_by_customer(value, homes).items():
                sent[home][slot].append(part)
    for home, schedule in found.items():
        states = {slot: b"".join(parts) for slot, parts in sent[home].items()}
        await target.commit(SCHEDULES + home, copy_commit(None, encode_schedule(schedule), states=states))


def _together(first: Schedule | None, second: Schedule) -> Schedule:
    if first is None:
        return msgspec.structs.replace(second, writer=uuid.uuid4().bytes)
    return Schedule(
        VERSION,
        min(first.since_ms, second.since_ms),
        min(first.until_ms, second.until_ms),
        [*first.pending, *second.pending],
        max(first.commits, second.commits) + 1,
        uuid.uuid4().bytes,
    )
