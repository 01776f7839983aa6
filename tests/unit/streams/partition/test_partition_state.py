"""What is held of a partition in memory agrees with what is stored, at every step."""

from __future__ import annotations

import asyncio

import numpy as np

from kpis.counting.cells import FIELD_BITS, Cells, group_of, groups_of
from kpis.counting.spans import SPAN_FIELD_BITS
from streams.partition.result import BatchResult
from streams.partition.state import PartitionState
from streams.tables import Head, Stored, decode_head
from tests.unit.streams.partitions import SIGNUPS, Surroundings, whole

NO_AMOUNTS = np.empty(0, np.int64)


def _state(stored: Stored | None = None) -> PartitionState:
    return PartitionState(0, Surroundings().context, stored or Stored(None, {}), cache=100)


def _next_head(held: PartitionState, offset: int) -> Head:
    result = BatchResult(applied=1, duplicates=2, conflicts=3)
    return held.next_head(result, positions={SIGNUPS: offset}, topic_ids={})


def _cells(*pairs: tuple[int, int]) -> Cells:
    return Cells(np.array([key for key, _ in pairs], np.int64), np.array([amount for _, amount in pairs], np.int64))


def test_head_adds_up_over_batches() -> None:
    """Counts of events are of the whole log, whoever applied it."""
    held = _state()
    for offset in (3, 5):
        head = _next_head(held, offset)
        held.committed(
            held.commit(head=head, states={}, cells=_cells(), amounts=NO_AMOUNTS),
            head=head,
            cells=_cells(),
            amounts=NO_AMOUNTS,
        )
    assert (held.head.applied, held.head.duplicates, held.head.conflicts, held.head.commits) == (2, 4, 6, 2)
    others = (held.head.tests, held.head.forwarded, held.head.away_facts, held.head.away_instants)
    assert (others, held.head.dead_letters, held.head.watermark_ms) == ((0, 0, 0, 0), {}, 0)
    assert held.head.positions == {SIGNUPS: 5}
    assert held.stored_head is not None
    assert decode_head(held.stored_head) == held.head


def test_two_writers_never_store_equal_heads() -> None:
    """Equal heads would let a zombie pass the fence that its successor has moved to the same place."""
    one, other = _state(), _state()
    first = one.commit(head=_next_head(one, 3), states={}, cells=_cells(), amounts=NO_AMOUNTS)
    second = other.commit(head=_next_head(other, 3), states={}, cells=_cells(), amounts=NO_AMOUNTS)
    assert first.head != second.head
    assert first.expected is second.expected is None


def test_names_go_out_once() -> None:
    """They are appended where they are stored; sent twice, every number after them would name another value."""
    held = _state()
    held.names.plan("pro")
    assert held.commit(head=_next_head(held, 1), states={}, cells=_cells(), amounts=NO_AMOUNTS).names == {
        "plan": ["pro"]
    }
    assert held.commit(head=_next_head(held, 2), states={}, cells=_cells(), amounts=NO_AMOUNTS).names == {}


def test_only_cells_of_groups_that_were_not_loaded_must_be_read() -> None:
    """What memory does not have may be nothing, or may be not loaded yet; taken for nothing it would be overwritten."""
    around = Surroundings()

    async def stored() -> Stored:
        held = PartitionState(0, around.context, Stored(None, {}), cache=100)
        held.names.plan("pro")
        await around.tables.commit(
            0, held.commit(head=_next_head(held, 1), states={}, cells=_cells(), amounts=NO_AMOUNTS)
        )
        return await whole(around.tables, 0)

    held = PartitionState(0, around.context, asyncio.run(stored()), cache=100)
    assert held.unread == set(groups_of(held.names))
    loaded, unread = group_of(0, 0), group_of(0, 1)
    held.take_group(loaded, _cells((loaded << FIELD_BITS | 5, 3)))
    keys = np.array([loaded << FIELD_BITS | 5, loaded << FIELD_BITS | 6, unread << FIELD_BITS | 5], np.int64)
    known = held.cells.look_up(keys)
    assert known.amounts.tolist() == [3, 0, 0]
    assert known.is_known.tolist() == [True, False, False]
    assert held.unknown(keys, known) == [unread << SPAN_FIELD_BITS]
    held.take_spans([unread << SPAN_FIELD_BITS], _cells())
    assert held.unknown(keys, known) == []
    for group in list(held.unread):
        held.take_group(group, _cells())
    assert held.unknown(keys, known) == []
