"""What is compiled and what is not come to the same, event by event: states byte for byte, and cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kpis.arrays import Ints
from kpis.counting.cells import cells_of
from kpis.counting.windows import Windows
from kpis.names import Names
from kpis.native import IS_THERE
from kpis.packing import table_of
from kpis.rows import ENGAGED, PAIRS, POINTS
from tests.logs.logs import Log
from tests.property.cases import Case, bounded, cases
from tests.property.folding import Folded


def _number_alike(case: Case, log: Log, *both: Folded) -> None:
    """Give all names a number in advance: numbers are given in the order of folding, which is another one."""
    seen = Folded(log.options, partitions=case.partitions)
    seen.batches(log.records, 1000)
    for number, names in enumerate(seen.names):
        known = names.take_new()
        for each in both:
            each.names[number].restore(known)


@bounded(120)
@given(cases("everything", "first weeks", "lifecycles", "first slice"), st.booleans())
def test_native_fold_leaves_what_the_fold_in_python_leaves(case: Case, one_by_one: bool) -> None:
    """One that is off by one row is off for good: counters only ever add up."""
    log = case.log()
    native = Folded(log.options, partitions=case.partitions)
    plain = Folded(log.options, partitions=case.partitions, native=False)
    _number_alike(case, log, native, plain)
    size = 1 if one_by_one else case.batch
    for start in range(0, len(log.records), size):
        some = log.records[start : start + size]
        for one, other in zip(native.batch(some), plain.batch(some), strict=True):
            assert one.keys.tolist() == other.keys.tolist()
            assert one.amounts.tolist() == other.amounts.tolist()
    assert native.states == plain.states
    for ours, theirs in zip(native.folds, plain.folds, strict=True):
        counts = [(each.context.applied, each.context.duplicates, each.context.conflicts) for each in (ours, theirs)]
        assert counts[0] == counts[1]
        assert ours.refused == theirs.refused


def test_folds_take_what_is_compiled() -> None:
    """Where it is not there, the test above compares a thing with itself."""
    assert IS_THERE
    native = Folded(Case("lifecycles", 1, 200).log().options)
    native.batches(Case("lifecycles", 1, 200).log().records, 50)
    assert native.folds[0].natively > 0


_BUCKETS = st.integers(-1, 40) | st.integers(240_000, 500_000) | st.sampled_from(((1 << 24) - 1, 1 << 24, 2**62))
_AMOUNTS = st.integers(-3, 3) | st.sampled_from((2**63 - 1, -(2**63), 2**62))


@st.composite
def _tables(draw: st.DrawFn) -> Ints:
    """Rows, most of which fit into cells."""
    rows = []
    for _ in range(draw(st.integers(0, 40))):
        code = draw(st.integers(0, POINTS + PAIRS - 1) | st.sampled_from((-1, POINTS + PAIRS, ENGAGED, ENGAGED)))
        i, j = sorted((draw(_BUCKETS), draw(_BUCKETS)))
        i = j if code != ENGAGED and code < POINTS else i
        plan = draw(st.integers(0, 3) | st.sampled_from((-1, (1 << 16) - 1, 1 << 16)))
        rows.append((code, plan, draw(st.integers(0, 2)), i, j, draw(_AMOUNTS), draw(_AMOUNTS)))
    return table_of(rows)


def _cells_or_refusal(rows: Ints, names: Names, windows: Windows) -> tuple[list[int], list[int]] | None:
    try:
        keys, amounts = cells_of(rows, names, windows)
        return keys.tolist(), amounts.tolist()
    except OverflowError:
        return None


@bounded(400)
@given(_tables(), st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata")), st.sampled_from((30, 15)))
def test_rows_are_summed_natively_into_the_cells_of_python(rows: Ints, zone: str, bucket_minutes: int) -> None:
    """A sum that does not fit is refused by both: cut to its bits it would be another number."""
    names = Names()
    for country in ("DE", "FR"):
        names.profile((country, ""))
    windows = Windows(time_zone=zone, bucket_ms=bucket_minutes * 60_000)
    assert windows.row_sums is not None
    natively = _cells_or_refusal(rows, names, windows)
    windows.row_sums = None
    assert natively == _cells_or_refusal(rows, names, windows)
