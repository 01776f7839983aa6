"""What is compiled and what is not come to the same, event by event: states byte for byte, and cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kpis.native import UsualEvents
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
    assert UsualEvents is not None
    native = Folded(Case("lifecycles", 1, 200).log().options)
    native.batches(Case("lifecycles", 1, 200).log().records, 50)
    assert native.folds[0].natively > 0
