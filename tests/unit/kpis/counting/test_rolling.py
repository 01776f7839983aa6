"""Rolling counts, one behaviour at a time; a property test checks that they equal the report at every boundary."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import numpy as np
import pytest

from kpis.counting.cells import FIELD_BITS, Cells, columns, group_of, groups_of, merged, point_column
from kpis.counting.rolling import ALL, CHANGED_CELLS, Snapshot
from kpis.names import OTHER
from kpis.native.cells import add_before
from kpis.rows import PAUSED
from streams.giving_way import giving_way
from tests.unit.streams.snapshots import BOUNDARY, live_counts, snapshot_of


def _signup(customer: str, plan: str, **members: object) -> bytes:
    own = {"type": "signup", "id": customer, "customer_id": customer, "time": "2025-01-01T00:30:00Z", "plan": plan}
    return json.dumps(own | {"mrr_minor": 10} | members).encode()


SIGNUPS = [
    _signup("a", "basic", country="DE"),
    _signup("b", "basic", country="US"),
    _signup("c", "pro"),
    _signup("d", "team", country="DE"),
]


def test_hidden_values_add_up_as_other() -> None:
    """A sum over all values of a dimension is everyone, whatever is shown by name."""
    _, live = live_counts(SIGNUPS, partitions=2)
    block = snapshot_of(live, {"plan": ["basic"]}).blocks["plan"]
    assert block.values == ["basic", OTHER]
    assert block.stock["customers_active"].tolist() == [2, 2]
    assert snapshot_of(live, {"plan": ["basic", "pro", "team"]}).blocks["plan"].stock["mrr"].tolist() == [20, 10, 10, 0]
    everyone = snapshot_of(live).blocks[ALL]
    assert (everyone.values, everyone.stock["customers_active"].tolist()) == ([""], [4])


def test_value_that_is_shown_but_not_there_counts_nothing() -> None:
    """The list is one for all workers; not every partition has every value."""
    _, live = live_counts(SIGNUPS)
    assert snapshot_of(live, {"country": ["BR"]}).blocks["country"].stock["customers_active"].tolist() == [0, 4]


def test_counts_after_a_fault_are_summed_anew() -> None:
    """Sums that were left half-way would be shown as whole ones until the next boundary."""
    folded, live = live_counts(SIGNUPS, partitions=2)
    right = snapshot_of(live).blocks[ALL].stock["customers_active"].tolist()
    faults: list[Exception] = [MemoryError("planted")]

    def cells(number: int) -> list[Cells]:
        if faults and number == 1:
            raise faults.pop()
        return [folded.tables()[number].cells]

    for number, table in enumerate(folded.tables()):
        live.take(number, table.names, partial(cells, number))
    with pytest.raises(MemoryError):
        snapshot_of(live)
    assert snapshot_of(live).blocks[ALL].stock["customers_active"].tolist() == right


def test_segments_have_their_own_windows() -> None:
    """All windows for everyone, some for segments: the number of series is what limits them."""
    _, live = live_counts(SIGNUPS)
    blocks = snapshot_of(live).blocks
    assert list(blocks[ALL].windows) == ["1d", "7d", "30d", "90d", "365d", "month"]
    assert list(blocks["plan"].windows) == ["7d", "30d"]


def test_event_beyond_the_boundary_counts_when_the_boundary_has_passed_it() -> None:
    """A scheduled cancel is known long before it comes."""
    cancel = {"type": "cancel", "id": "x", "customer_id": "a", "time": "2025-01-02T00:00:00Z"}
    scheduled = cancel | {"effective_at": "2025-02-05T00:00:00Z"}
    _, live = live_counts([*SIGNUPS, json.dumps(scheduled).encode()])
    assert snapshot_of(live).blocks[ALL].stock["customers_active"].tolist() == [4]
    later = snapshot_of(live, at=BOUNDARY + 24 * 6).blocks[ALL]
    assert later.stock["customers_active"].tolist() == [3]
    assert later.windows["7d"]["customers_lost"].tolist() == [1]


def test_rolling_counts_know_which_partitions_they_hold() -> None:
    """A worker that recovers must not export what it has so far."""
    folded, live = live_counts(SIGNUPS, partitions=2)
    assert live.complete([0, 1])
    live.drop(0)
    live.change(0, folded.tables()[0].cells)
    assert not live.complete([0, 1])
    assert snapshot_of(live).partitions == {1}


def test_sizes_are_active_customers_by_value() -> None:
    """They decide which values are shown; those that are hidden now must be among them."""
    _, live = live_counts(SIGNUPS)
    snapshot_of(live, {"plan": []})
    sizes = asyncio.run(giving_way(live.sizes()))
    assert sizes[0]["plan"] == {"none": 0, "basic": 2, "pro": 1, "team": 1}
    assert sizes[0]["country"] == {"none": 1, "DE": 2, "US": 1}


def test_a_stock_that_no_window_knows_is_compared_between_dimensions() -> None:
    """Whoever is paused moves no window's count: nothing else would notice that one dimension has lost them."""
    _, live = live_counts(SIGNUPS)
    assert snapshot_of(live).violations == []
    key = group_of(1, 0) << FIELD_BITS | point_column(PAUSED) << 24
    live.change(0, Cells(np.array([key], np.int64), np.array([1], np.int64)))
    found = [text for text in snapshot_of(live).violations if "customers_paused" in text]
    assert found == ["customers_paused over all values of country = customers_paused"]


def test_changes_that_nobody_asks_for_take_bounded_room() -> None:
    """A rebuild serves no counts, and would hold every change of all its commits."""
    folded, live = live_counts(SIGNUPS)
    (table,) = folded.tables()
    live.change(0, table.cells)
    assert live.changed_cells == 0  # nothing is summed yet: the cells will be, with this
    right = snapshot_of(live).blocks[ALL].stock["customers_active"].tolist()
    nothing = Cells(table.cells.keys, np.zeros_like(table.cells.amounts))
    many = CHANGED_CELLS // len(nothing.keys)
    for _ in range(many):
        live.change(0, nothing)
    assert live.changed_cells == many * len(nothing.keys)
    for _ in range(many):
        live.change(0, nothing)
    assert live.changed_cells == 0
    assert snapshot_of(live).blocks[ALL].stock["customers_active"].tolist() == right
    live.change(0, nothing)
    assert live.changed_cells == len(nothing.keys)


@pytest.mark.parametrize("seed", range(6))
def test_sums_are_the_same_natively_and_in_python(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker without a compiler shows the numbers of one that has one."""
    folded, live = live_counts(SIGNUPS, partitions=2)
    _, plain = live_counts(SIGNUPS, partitions=2)
    rng = np.random.default_rng(seed)
    width = columns(folded.windows)
    for _ in range(4):
        shown = {"plan": ["pro", "basic"], "country": ["DE"]} if rng.random() < 0.5 else {}
        boundary = BOUNDARY + int(rng.integers(0, 60))
        for number, table in enumerate(folded.tables()):
            for _ in range(int(rng.integers(0, 4))):
                groups = np.array(groups_of(table.names), np.int64)
                count = int(rng.choice((1, 30, 5_000)))
                bucket = boundary - np.abs(rng.normal(0, 600, count)).astype(np.int64) + 2
                keys = rng.choice(groups, count) << FIELD_BITS | rng.integers(0, width, count) << 24 | bucket
                change = merged(keys, rng.choice((1, -1, 2**40, -(2**40), 10**6), count))
                live.change(number, change)
                plain.change(number, change)
        found = snapshot_of(live, shown, boundary)
        with monkeypatch.context() as patch:
            patch.setattr("kpis.counting.rolling.IS_THERE", False)
            expected = snapshot_of(plain, shown, boundary)
        assert _numbers(found) == _numbers(expected)


def test_a_cell_that_has_no_place_is_refused_natively_too() -> None:
    """It would be added to another count, or to memory that is none of ours."""
    sums, edges = np.zeros((3, 2, 1), np.int64), np.array([10], np.int64)
    for column, value in ((3, 0), (0, 2), (2, 1)):
        keys = np.array([group_of(1, value) << FIELD_BITS | column << 24 | 5], np.int64)
        with pytest.raises(IndexError):
            add_before(keys, keys, 1, np.array([0, 2], np.int64), edges, sums)
    assert not sums.any()


def _numbers(snapshot: Snapshot) -> dict[str, object]:
    """Return all counts of a snapshot as plain objects."""
    return {
        name: (
            block.values,
            *({count: numbers.tolist() for count, numbers in counts.items()} for counts in (
                block.stock, *block.windows.values(), *block.starts.values(),
            )),
        )
        for name, block in snapshot.blocks.items()
    }  # fmt: skip


def test_value_that_comes_later_counts_in_its_place() -> None:
    """The places of values are looked up once: one that is new then has none yet."""
    folded, live = live_counts(SIGNUPS[:2])
    shown = {"plan": ["basic", "team"]}
    assert snapshot_of(live, shown).blocks["plan"].stock["customers_active"].tolist() == [2, 0, 0]
    live.change(0, folded.batch(SIGNUPS[2:])[0])
    assert snapshot_of(live, shown).blocks["plan"].stock["customers_active"].tolist() == [2, 1, 1]
